"""Builds the tracks that the tests of the matcher compare."""

import msgspec

from shared.models import Isrc, Platform, Track, TrackId

HARBOUR = Track(
    platform=Platform.SPOTIFY,
    id=TrackId("source"),
    title="Harbour Lights",
    artists=("Mira Sol",),
    album="Salt Roads",
    duration_ms=200_000,
    isrc=Isrc("XXAAA2600001"),
)


def track(track_id: str = "candidate", **changes: object) -> Track:
    """Make a candidate that is HARBOUR without its ISRC, save for the changes."""
    base = {"id": TrackId(track_id), "platform": Platform.APPLE_MUSIC, "isrc": None}
    return msgspec.structs.replace(HARBOUR, **(base | changes))


def source(**changes: object) -> Track:
    """Make HARBOUR with changes."""
    return msgspec.structs.replace(HARBOUR, **changes)

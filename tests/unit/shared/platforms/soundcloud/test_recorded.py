"""Answers of SoundCloud, recorded by others, go through our types."""

from pathlib import Path

import msgspec

from shared.platforms.soundcloud import convert, wire
from tests.unit.shared.platforms.recorded import answers, objects


def test_every_track_is_read_and_named_by_a_urn_though_it_has_a_number_alone(shared_shelf: Path) -> None:
    recorded = answers(shared_shelf / "recorded" / "soundcloud")

    found = [part for one in recorded.values() for part in objects(one) if part.get("kind") == "track"]
    tracks = [
        convert.to_track(msgspec.json.decode(msgspec.json.encode(part), type=wire.Track)) for part in found
    ]

    assert len(tracks) >= 1
    for part, track in zip(found, tracks, strict=True):
        assert track is not None
        assert track.id == f"soundcloud:tracks:{part['id']}"
        assert (track.title, track.duration_ms) == (part["title"], part["duration"])
        assert track.artists


def test_every_uploader_is_an_artist_under_the_name_of_their_tracks(shared_shelf: Path) -> None:
    recorded = answers(shared_shelf / "recorded" / "soundcloud")

    found = [part for one in recorded.values() for part in objects(one) if part.get("kind") == "user"]
    artists = [
        convert.to_artist(msgspec.json.decode(msgspec.json.encode(part), type=wire.User)) for part in found
    ]

    assert len(artists) >= 1
    for part, artist in zip(found, artists, strict=True):
        assert artist is not None
        assert (artist.id, artist.name) == (f"soundcloud:users:{part['id']}", part["username"])
        assert artist.url == part["permalink_url"]

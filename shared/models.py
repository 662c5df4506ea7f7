"""The values every part speaks of: platforms, tracks, items, playlists and outcomes."""

from datetime import datetime
from enum import StrEnum
from typing import NewType

import msgspec

from shared.installed import PLATFORMS, installed

TransferId = NewType("TransferId", str)
JobId = NewType("JobId", str)
UserId = NewType("UserId", str)
ConnectionId = NewType("ConnectionId", str)
PlaylistId = NewType("PlaylistId", str)
TrackId = NewType("TrackId", str)
AlbumId = NewType("AlbumId", str)
ArtistId = NewType("ArtistId", str)
RuleId = NewType("RuleId", str)
WebhookId = NewType("WebhookId", str)
DeliveryId = NewType("DeliveryId", str)
Isrc = NewType("Isrc", str)


class Platform(StrEnum):
    """A music service that has an adapter."""

    SPOTIFY = "spotify"
    APPLE_MUSIC = "apple_music"
    TIDAL = "tidal"
    YOUTUBE = "youtube"
    SOUNDCLOUD = "soundcloud"
    SUBSONIC = "subsonic"
    LISTENBRAINZ = "listenbrainz"
    DEEZER = "deezer"
    FILE = "file"
    # Those of other packages, as members like the others (docs/tutorials/write-an-adapter.md).
    vars().update({name.upper(): name for name in installed(PLATFORMS)})


class Policy(StrEnum):
    """How near a match must be before it is written."""

    EXACT = "exact"
    SAME_RECORDING = "same_recording"
    BEST_EFFORT = "best_effort"


class Explicit(StrEnum):
    """Which of the clean and the explicit release of a recording is wanted, where there are both."""

    AS_SOURCE = "as_source"
    PREFER = "prefer"
    AVOID = "avoid"


class Outcome(StrEnum):
    """What became of one item. `pending` and `deferred` are not final, all others are."""

    PENDING = "pending"
    DEFERRED = "deferred"
    EXACT = "exact"
    SAME_RECORDING = "same_recording"
    BEST_EFFORT = "best_effort"
    CHOSEN_BY_USER = "chosen_by_user"
    REVIEW = "review"
    NO_CANDIDATE = "no_candidate"
    ONLY_OTHER_VERSION = "only_other_version"
    NOT_TRANSFERABLE = "not_transferable"
    ALREADY_PRESENT = "already_present"
    SKIPPED_BY_USER = "skipped_by_user"
    FAILED = "failed"
    REMOVED = "removed"


MATCHED = frozenset({Outcome.EXACT, Outcome.SAME_RECORDING, Outcome.BEST_EFFORT, Outcome.CHOSEN_BY_USER})
"""They have a track that is to stand in the target; in the database it is the column `items.is_matched`."""
UNSETTLED = frozenset({Outcome.PENDING, Outcome.DEFERRED})


class NotTransferable(StrEnum):
    """Why an item cannot be a track elsewhere; region: the target's market does not play what is there."""

    LOCAL_FILE = "local_file"
    EPISODE = "episode"
    REMOVED = "removed"
    VIDEO = "video"
    REGION = "region"


class Track(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A platform's track. Unknown facts are None (or empty), never guessed.

    artists: main artist first; some platforms know only one display string for all of them.
    isrc: normalized, upper case, 12 characters. release_date: YYYY, YYYY-MM or YYYY-MM-DD.
    is_playable: False where the market that was asked does not play it, as it may do next month.
    track_count: of an album, which stands for a track where it is kept (shared.platforms.collections).
    """

    platform: Platform
    id: TrackId
    title: str
    artists: tuple[str, ...] = ()
    album: str | None = None
    duration_ms: int | None = None
    isrc: Isrc | None = None
    explicit: bool | None = None
    release_date: str | None = None
    track_number: int | None = None
    disc_number: int | None = None
    url: str | None = None
    is_playable: bool | None = None
    track_count: int | None = None


class Album(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A platform's album as a search shows it: its head, without its tracks. Unknown facts are None.

    artists: main artist first. release_date: as in Track.
    """

    platform: Platform
    id: AlbumId
    name: str
    artists: tuple[str, ...] = ()
    track_count: int | None = None
    release_date: str | None = None
    url: str | None = None


class Artist(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A platform's artist, whom an account can follow."""

    platform: Platform
    id: ArtistId
    name: str
    url: str | None = None


class IsrcAgreement(StrEnum):
    """Whether two tracks name the same ISRC."""

    SAME = "same"
    OTHER = "other"
    UNKNOWN = "unknown"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """How near a candidate is to a source track, for people.

    title, artist, album, duration: likeness 0..1, null where one side is unknown. apart_ms: difference of the
    durations. conflicts: what makes the two different recordings. doubts: what only one side says. notes:
    differences that decide nothing. gap: by how much the choice's score leads the next candidate's, null
    where it was not chosen, or alone.
    """

    title: float
    artist: float | None = None
    album: float | None = None
    duration: float | None = None
    apart_ms: int | None = None
    isrc: IsrcAgreement = IsrcAgreement.UNKNOWN
    conflicts: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    gap: float | None = None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A track of the target's catalog that may be the one that is meant, with what speaks for and against."""

    track: Track
    score: float
    reason: str
    evidence: Evidence


class SourceItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One position of a playlist as it was read.

    track is None where the platform no longer says what stood there. not_transferable is set where
    the position holds something that no other platform can have; title then names it for people.
    """

    track: Track | None = None
    not_transferable: NotTransferable | None = None
    title: str = ""


class Playlist(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist as a platform lists it.

    track_count is None where the platform does not say. writable: tracks can be added by this account.
    readable: its items can be read by this account.
    """

    id: PlaylistId
    name: str
    url: str | None = None
    owner: str | None = None
    track_count: int | None = None
    writable: bool = True
    readable: bool = True
    snapshot: str | None = None
    description: str = ""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A matched position and the track that stands, or will stand, for it in the target."""

    position: int
    track_id: TrackId
    title: str


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one position of an undo, and why where it is not plain."""

    position: int
    outcome: Outcome
    reason: str = ""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who a connection belongs to at the platform.

    id is stable where the platform has one, else None. market: country or storefront of its catalog.
    """

    id: str | None
    label: str
    market: str


class TokenSet(msgspec.Struct, frozen=True, kw_only=True):
    """The secrets of one connection. Its repr shows none of them.

    expires_at is None where the platform does not tell. refresh_token is None where there is none.
    """

    access_token: str
    refresh_token: str | None = None
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"TokenSet(expires_at={self.expires_at!r}, scopes={self.scopes!r}, …)"

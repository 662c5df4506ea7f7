"""Request and response bodies: what validates them and what the OpenAPI document is made from.

A field from outside that we do not know is a mistake, and its sender wants to hear of it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from shared.lifecycle import PauseReason, Phase, State
from shared.models import Candidate, Evidence, Explicit, Outcome, Platform, Policy, Track
from shared.targets import PlaylistPart

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Cursor = Annotated[str, msgspec.Meta(min_length=1, max_length=2000, pattern=r"^[A-Za-z0-9_.=-]+$")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=200)]

_GIVEN: dict[str, Any] = {"not": {"type": "null"}}


def given(*names: str) -> dict[str, Any]:
    """Return a JSON schema of objects in which all these fields are there and not null."""
    return {"required": list(names), "properties": dict.fromkeys(names, _GIVEN)}


ONE_ACCOUNT = {"oneOf": [given("platform"), given("connection")]}
"""What `name_account` checks, for the API document: msgspec has no word for it."""


_LINK: dict[str, Any] = {
    "properties": {
        "playlist": {"pattern": "^https?://"},
        "platform": {"type": "null"},
        "connection": {"type": "null"},
    }
}
ONE_SOURCE = {"oneOf": [*ONE_ACCOUNT["oneOf"], _LINK]}
"""What `Source` checks: an account in one way, or a link that names its platform."""


def name_account(platform: Platform | None, connection: str | None) -> None:
    """Check that a body names an account in one way. Raises ValueError."""
    if (platform is None) == (connection is None):
        raise ValueError("Name either `platform` or `connection`")


class OnDuplicate(StrEnum):
    """What happens with a track that an existing target playlist holds already."""

    KEEP = "keep"
    SKIP = "skip"


class Ending(StrEnum):
    """How complete a completed transfer is."""

    FULL = "full"
    PARTIAL = "partial"


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The playlist to be moved: its id, its share link, or its name if only one has it.

    A share link (http) names its platform itself. Where you have no account there, and the platform lets
    everybody read the playlist, none is needed.
    """

    playlist: Text
    platform: Platform | None = None
    connection: Id | None = None

    def __post_init__(self) -> None:
        if self.platform or self.connection or not self.playlist.startswith(("http://", "https://")):
            name_account(self.platform, self.connection)


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it goes: a new playlist (name; default: the source's), or an existing one (playlist)."""

    platform: Platform | None = None
    connection: Id | None = None
    name: Name | None = None
    playlist: Text | None = None

    def __post_init__(self) -> None:
        name_account(self.platform, self.connection)
        if self.name is not None and self.playlist is not None:
            raise ValueError("Give `name` for a new playlist or `playlist` for an existing one, not both")


class TransferRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be moved where.

    explicit: which of a clean and an explicit release of a recording is taken, where there are both.
    on_duplicate matters for an existing target playlist only. dry_run: nothing is started and nothing stored;
    the answer is a plan: what it would cost and how long it would take.
    """

    source: Annotated[Source, msgspec.Meta(extra_json_schema=ONE_SOURCE)]
    target: Annotated[
        Target, msgspec.Meta(extra_json_schema={**ONE_ACCOUNT, "not": given("name", "playlist")})
    ]
    policy: Policy = Policy.SAME_RECORDING
    explicit: Explicit = Explicit.AS_SOURCE
    on_duplicate: OnDuplicate = OnDuplicate.SKIP
    dry_run: bool = False


class PlaylistsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """platform or connection; neither, if the user has just one connection."""

    platform: str | None = None
    connection: Id | None = None
    limit: Limit = 50
    cursor: Cursor | None = None
    refresh: bool = False


class TransfersQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: Limit = 50
    cursor: Cursor | None = None


class TransferKind(StrEnum):
    """Whether it moves a playlist, or takes back what another one has moved."""

    TRANSFER = "transfer"
    UNDO = "undo"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Items by what became of them; the parts are disjoint and sum to the total."""

    total: int
    pending: int
    deferred: int
    ready: int
    written: int
    already_present: int
    review: int
    unmatched: int
    not_transferable: int
    skipped: int
    failed: int
    removed: int


class Paused(msgspec.Struct, frozen=True, kw_only=True):
    """Why a transfer waits, until when if that is known, and where its user can help.

    text: the operator's own words, where that is who has paused it and words were given.
    """

    reason: PauseReason
    platform: Platform | None
    text: str | None
    resume_at: datetime | None
    action_url: str | None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a transfer failed."""

    code: str
    text: str


class SourceResource(msgspec.Struct, frozen=True, kw_only=True):
    """connection is null where everybody may see the playlist and nobody's account reads it."""

    platform: Platform
    connection: str | None
    playlist: str
    name: str


class TargetResource(msgspec.Struct, frozen=True, kw_only=True):
    """playlist is null until a new one has been made."""

    platform: Platform
    connection: str
    playlist: str | None
    name: str


class TargetPlaylist(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    url: str | None


class StatusLinks(msgspec.Struct, frozen=True, kw_only=True):
    self: str
    events: str
    tracks: str
    report: str


class TransferResource(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer in a list: without its counts, which cost a look at every item.

    undoes: the transfer whose tracks this one removes. undone_by: the latest undo of this one.
    """

    id: str
    kind: TransferKind
    undoes: str | None
    undone_by: str | None
    revision: int
    state: State
    phase: Phase
    paused: Paused | None
    error: Fault | None
    source: SourceResource
    target: TargetResource
    target_playlist: TargetPlaylist | None
    policy: Policy
    explicit: Explicit
    on_duplicate: OnDuplicate
    trace_id: str | None
    trace_url: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: StatusLinks


class StatusResource(TransferResource, frozen=True, kw_only=True):
    """A transfer in full. outcome is null until it is completed; summary says it all in one sentence.

    targets: the playlists that its tracks stand in, in order: one, or more where they did not fit into it.
    """

    summary: str
    outcome: Ending | None
    targets: tuple[PlaylistPart, ...]
    counts: Counts
    warnings: tuple[dict[str, Any], ...]


class TransferPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[TransferResource, ...]
    next_cursor: str | None


class SourceTrack(msgspec.Struct, frozen=True, kw_only=True):
    """What stood at a position of the source; of what is no track, the title may be all."""

    title: str
    artists: tuple[str, ...] = ()
    album: str | None = None
    duration_ms: int | None = None
    isrc: str | None = None
    explicit: bool | None = None
    id: str | None = None
    url: str | None = None


class TrackResource(msgspec.Struct, frozen=True, kw_only=True):
    """One position of the source and what became of it. reason: why, where it is not plain.

    score, evidence: of the target, where none was chosen of the nearest candidate. alternatives: others,
    best first; for a review they are what to choose from, counted from 1.
    """

    position: int
    source: SourceTrack
    outcome: Outcome
    written: bool
    reason: str
    score: float | None
    target: Track | None
    evidence: Evidence | None
    alternatives: tuple[Candidate, ...]


class TrackPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[TrackResource, ...]
    next_cursor: str | None


class PlaylistResource(msgspec.Struct, frozen=True, kw_only=True):
    """track_count is null where the platform does not say."""

    id: str
    name: str
    platform: Platform
    connection: str
    owner: str | None
    track_count: int | None
    writable: bool
    readable: bool
    url: str | None


class PlaylistPageResource(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[PlaylistResource, ...]
    next_cursor: str | None


class ConnectionResource(msgspec.Struct, frozen=True, kw_only=True):
    """A linked account.

    state: connected, reconnect_required or disconnected. sign_in_ends_at: when its platform wants its user
    again, null where that is not known. days_left: until then, begun days count. notice: what to do about
    it, in its last 30 days. action_url: where it is connected again, if that is due.
    """

    id: str
    platform: Platform
    label: str
    market: str
    state: str
    authorized_at: datetime
    created_at: datetime
    sign_in_ends_at: datetime | None
    days_left: int | None
    notice: str | None
    action_url: str | None


class ConnectionPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[ConnectionResource, ...]
    next_cursor: None = None


class HealthResource(msgspec.Struct, frozen=True, kw_only=True):
    status: str


class ReadinessCheck(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool
    detail: str | None


class ReadinessResource(msgspec.Struct, frozen=True, kw_only=True):
    """status: ready or not_ready; checks by part."""

    status: str
    checks: dict[str, ReadinessCheck]


class VersionResource(msgspec.Struct, frozen=True, kw_only=True):
    version: str


class FaultyField(msgspec.Struct, frozen=True, kw_only=True):
    """pointer: JSON pointer into the body, or below /query, /headers or /path."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457. code: the last part of type. help: what cures it. Some types add fields of their own."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    help: str
    request_id: str
    trace_id: str | None
    errors: tuple[FaultyField, ...] = ()

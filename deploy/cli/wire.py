"""The parts of the gateway's answers that the command reads; everything else is passed on as it came."""

from typing import Any, TypeVar

import msgspec

from deploy.cli.exits import CommandStopped, Exit

Wire = TypeVar("Wire", bound=msgspec.Struct)


class Paused(msgspec.Struct, frozen=True, kw_only=True):
    """Why a transfer waits.

    resume_at is RFC 3339 text, None where the end is not known. action_url: set where its user can help.
    """

    reason: str
    platform: str | None = None
    resume_at: str | None = None
    action_url: str | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    text: str = ""


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    detail: str = ""


class TargetPlaylist(msgspec.Struct, frozen=True, kw_only=True):
    id: str | None = None
    name: str | None = None
    url: str | None = None


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The source or the target of a transfer."""

    platform: str
    name: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer in a list."""

    id: str
    state: str
    phase: str
    kind: str = "transfer"
    source: End
    target: End


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The status resource of a transfer."""

    id: str
    state: str
    counts: dict[str, int]
    kind: str = "transfer"
    undone_by: str | None = None
    phase: str | None = None
    outcome: str | None = None
    summary: str = ""
    paused: Paused | None = None
    error: Failure | None = None
    warnings: tuple[Warned, ...] = ()
    target_playlist: TargetPlaylist | None = None
    targets: tuple[TargetPlaylist, ...] = ()
    trace_id: str | None = None
    trace_url: str | None = None


class SourceTrack(msgspec.Struct, frozen=True, kw_only=True):
    title: str = ""
    artists: tuple[str, ...] = ()


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """A track of a platform's catalog."""

    id: str = ""
    title: str = ""
    artists: tuple[str, ...] = ()
    album: str | None = None
    duration_ms: int | None = None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A track that may be the one that is meant."""

    track: Track
    score: float | None = None
    reason: str = ""


class TrackRow(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a transfer as `/status/{id}/tracks` lists it."""

    position: int
    outcome: str
    source: SourceTrack | None = None
    written: bool = False
    reason: str | None = None
    target: Track | None = None
    alternatives: tuple[Candidate, ...] = ()


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A connection."""

    id: str
    label: str = ""


class ConnectSession(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to connect. authorize_url: set where we have to bring the answer."""

    id: str
    status: str
    page_url: str = ""
    authorize_url: str | None = None
    redirect_uri: str | None = None
    failure: str | None = None
    connection: Account | None = None


class FormField(msgspec.Struct, frozen=True, kw_only=True):
    """A question of the form by which a platform is connected."""

    name: str
    label: str
    kind: str
    required: bool
    help: str = ""


class Connecting(msgspec.Struct, frozen=True, kw_only=True):
    fields: tuple[FormField, ...] = ()


class PlatformRow(msgspec.Struct, frozen=True, kw_only=True):
    platform: str
    connecting: Connecting | None = None


class PlatformList(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[PlatformRow, ...]


class RuleEnd(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a rule; without a track it says that there is none."""

    platform: str
    track: Track | None = None


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    source: RuleEnd
    target: RuleEnd


class WebhookRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    url: str
    events: tuple[str, ...]
    enabled: bool
    disabled_reason: str | None = None


class DeliveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """status: of the last answer, None where none came; then error says why."""

    id: str
    type: str
    state: str
    attempts: int
    status: int | None = None
    error: str | None = None
    next_try_at: str | None = None


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """An API key in a list; times are RFC 3339 texts."""

    id: str
    name: str
    scopes: tuple[str, ...] = ()
    last_used_at: str | None = None
    expires_at: str | None = None
    revoked_at: str | None = None


class PlaylistRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    track_count: int | None = None
    owner: str | None = None
    readable: bool = True
    writable: bool = True


class NamedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a file that is no track."""

    row: int
    reason: str


class ImportedList(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    track_count: int
    rest: tuple[NamedRow, ...] = ()


class ImportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file."""

    items: tuple[ImportedList, ...]
    notes: tuple[str, ...] = ()


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of a plan: at least, as a rule, at most."""

    least: float
    expected: float
    most: float


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """The same of RFC 3339 texts."""

    expected: str
    most: str


class PlannedPhase(msgspec.Struct, frozen=True, kw_only=True):
    phase: str
    platform: str
    requests: Span


class PlannedPool(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken from what a platform counts together. day_zone: set where it counts days."""

    platform: str
    name: str
    limit: float
    day_zone: str | None
    wait_s: float
    units: Span
    seconds: Span
    days: Span


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a dry run."""

    source: End
    target: End
    tracks: int
    with_isrc: int
    requests: Span
    phases: tuple[PlannedPhase, ...]
    pools: tuple[PlannedPool, ...]
    ends_at: Moments
    warnings: tuple[Warned, ...] = ()


class ConnectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A linked account. action_url: set where its user has to sign in, or had better soon."""

    id: str
    platform: str
    label: str
    state: str
    days_left: int | None = None
    notice: str | None = None
    action_url: str | None = None


def read_status(body: Any) -> Status:
    return _read(body, Status)


def read_listed(body: Any) -> Listed:
    return _read(body, Listed)


def read_track(body: Any) -> TrackRow:
    return _read(body, TrackRow)


def read_connect_session(body: Any) -> ConnectSession:
    return _read(body, ConnectSession)


def read_fields(body: Any, *, platform: str) -> tuple[FormField, ...]:
    """Return the fields of a platform's form; none where it has no form, or does not exist."""
    for row in _read(body, PlatformList).items:
        if row.platform == platform and row.connecting:
            return row.connecting.fields
    return ()


def read_rule(body: Any) -> RuleRow:
    return _read(body, RuleRow)


def read_webhook(body: Any) -> WebhookRow:
    return _read(body, WebhookRow)


def read_delivery(body: Any) -> DeliveryRow:
    return _read(body, DeliveryRow)


def read_key(body: Any) -> KeyRow:
    return _read(body, KeyRow)


def read_playlist(body: Any) -> PlaylistRow:
    return _read(body, PlaylistRow)


def read_import(body: Any) -> ImportedFile:
    return _read(body, ImportedFile)


def read_plan(body: Any) -> Plan:
    return _read(body, Plan)


def read_connection(body: Any) -> ConnectionRow:
    return _read(body, ConnectionRow)


def is_done(row: TrackRow) -> bool:
    """Whether an item ended as was wished: in the target, or, of an undo, out of it."""
    return row.written or row.outcome in ("already_present", "removed")


def _read(body: Any, kind: type[Wire]) -> Wire:
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise CommandStopped(
            f"The server does not answer as Crossplay does: {error}.",
            code=Exit.UNREACHABLE,
            cure="Check the address in --server or CROSSPLAY_URL, and that both sides have the same release.",
        ) from error

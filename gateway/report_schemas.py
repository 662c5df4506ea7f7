"""The body of a report, whose fields are the columns of its table too."""

from datetime import datetime

import msgspec

from gateway.schemas import StatusResource
from shared.models import Outcome


class ReportQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """bom: let CSV begin with a byte order mark, by which spreadsheets know that it is UTF-8."""

    bom: bool = False


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """One position of the source, counted from 0, and what became of it.

    target_position: where it stands in the target, counted from 0; null where that is not known.
    target_playlist: the name of the playlist in which it stands, null where it was not written. score: 0 to
    1, of the accepted match, else of the nearest candidate. decided_by: `user` or `crossplay`, decided_at:
    when; null where nothing is decided yet. written: it stands in the target. revision: the transfer's, when
    the row was read.
    """

    position: int
    source_title: str
    source_artists: tuple[str, ...]
    source_album: str | None
    source_isrc: str | None
    source_ms: int | None
    source_url: str | None
    outcome: Outcome
    target_title: str | None
    target_artists: tuple[str, ...]
    target_album: str | None
    target_isrc: str | None
    target_ms: int | None
    target_url: str | None
    target_position: int | None
    target_playlist: str | None
    score: float | None
    reason: str
    decided_by: str | None
    decided_at: datetime | None
    written: bool
    revision: int


class Revisions(msgspec.Struct, frozen=True, kw_only=True):
    """The oldest and the newest revision that a report shows something of; the same if nothing changed."""

    first: int
    last: int


class ReportResource(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer and all of its items. revisions come last: they are known when the rows have been read."""

    transfer: StatusResource
    rows: tuple[ReportRow, ...]
    revisions: Revisions

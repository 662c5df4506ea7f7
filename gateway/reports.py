"""Reports as CSV, JSON and Markdown, written piece by piece: pure, nothing is kept but what comes last."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from gateway.actions.report_transfer import PlacedItem
from gateway.report_schemas import ReportRow, Revisions
from gateway.report_texts import markdown_text, plain_cell
from gateway.schemas import StatusResource
from shared.models import UNSETTLED, Outcome

COLUMNS = ReportRow.__struct_fields__
BOM = "\ufeff"
_BY_USER = frozenset({Outcome.CHOSEN_BY_USER, Outcome.SKIPPED_BY_USER})


class ReportFormat(StrEnum):
    """How a report is written; the value is the ending of its file."""

    CSV = "csv"
    JSON = "json"
    MARKDOWN = "md"


MEDIA_TYPES = {
    ReportFormat.JSON: "application/json",
    ReportFormat.CSV: "text/csv",
    ReportFormat.MARKDOWN: "text/markdown",
}


class ReportWriter(Protocol):
    """Writes one report: its beginning, any number of pages, its end."""

    def begin(self) -> str: ...

    def page(self, rows: Sequence[ReportRow]) -> str: ...

    def end(self, revisions: Revisions) -> str: ...


def writer_of(form: ReportFormat, status: StatusResource, *, has_bom: bool = False) -> ReportWriter:
    """has_bom: CSV begins with a byte order mark."""
    if form is ReportFormat.CSV:
        return CsvReport(has_bom=has_bom)
    return JsonReport(status) if form is ReportFormat.JSON else MarkdownReport(status)


def row(placed: PlacedItem) -> ReportRow:
    """Flatten an item."""
    item = placed.item
    source, target = item.source.track, item.target
    is_open = item.outcome in UNSETTLED
    by = "user" if item.outcome in _BY_USER else "crossplay"
    return ReportRow(
        position=item.position,
        source_title=source.title if source else item.source.title,
        source_artists=source.artists if source else (),
        source_album=source.album if source else None,
        source_isrc=source.isrc if source else None,
        source_ms=source.duration_ms if source else None,
        source_url=source.url if source else None,
        outcome=item.outcome,
        target_title=target.title if target else None,
        target_artists=target.artists if target else (),
        target_album=target.album if target else None,
        target_isrc=target.isrc if target else None,
        target_ms=target.duration_ms if target else None,
        target_url=target.url if target else None,
        target_position=placed.target_position,
        target_playlist=placed.target_playlist,
        score=None if item.score is None else round(item.score, 3),
        reason=item.reason,
        decided_by=None if is_open else by,
        decided_at=item.decided_at,
        written=item.is_written,
        revision=item.revision,
    )


class CsvReport:
    """RFC 4180: a heading and a line for each row. Nothing in it is a formula."""

    def __init__(self, *, has_bom: bool) -> None:
        self._mark = BOM if has_bom else ""

    def begin(self) -> str:
        return self._mark + csv_lines([COLUMNS])

    def page(self, rows: Sequence[ReportRow]) -> str:
        return csv_lines([[_cell(getattr(one, name)) for name in COLUMNS] for one in rows])

    def end(self, _: Revisions) -> str:
        return ""


class JsonReport:
    """One object, as ReportResource has it."""

    def __init__(self, status: StatusResource) -> None:
        self._status = status
        self._separator = ""

    def begin(self) -> str:
        return f'{{"transfer":{_json(self._status)},"rows":['

    def page(self, rows: Sequence[ReportRow]) -> str:
        text = "".join(f"{self._separator if not at else ','}{_json(one)}" for at, one in enumerate(rows))
        self._separator = "," if rows else self._separator
        return text

    def end(self, revisions: Revisions) -> str:
        return f'],"revisions":{_json(revisions)}}}'


class MarkdownReport:
    """For people: what came of it in words, then a table. Positions are counted from 1, as people do."""

    def __init__(self, status: StatusResource) -> None:
        self._status = status

    def begin(self) -> str:
        status = self._status
        source, target = status.source, status.target
        counts = msgspec.structs.asdict(status.counts)
        parts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)
        lines = [
            f"# {markdown_text(source.name)}",
            "",
            markdown_text(status.summary),
            "",
            f"- From {_place(source.platform, source.name)}, to {_place(target.platform, target.name)}",
            *_playlists(status),
            f"- State: {status.state}, revision {status.revision}",
            f"- Items: {parts or 'none'}",
            *(f"- Warning: {markdown_text(str(one.get('detail', '')))}" for one in status.warnings),
            "",
            "| No. | Track | Artists | Outcome | In the target | Became | Why |",
            "|---:|---|---|---|---|---|---|",
        ]
        return "\n".join(lines) + "\n"

    def page(self, rows: Sequence[ReportRow]) -> str:
        return "".join(map(markdown_row, rows))

    def end(self, revisions: Revisions) -> str:
        if revisions.first == revisions.last:
            return f"\nAll of this is of revision {revisions.first}.\n"
        return (
            "\nThe transfer went on while this report was written: "
            f"its rows are of revisions {revisions.first} to {revisions.last}.\n"
        )


def csv_lines(rows: Sequence[Sequence[str]]) -> str:
    """Write lines of CSV, each text safe for spreadsheets."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows([plain_cell(cell) for cell in one] for one in rows)
    return buffer.getvalue()


def markdown_row(one: ReportRow) -> str:
    """Write one line of the table."""
    target = " – ".join(filter(None, (one.target_title, "; ".join(one.target_artists))))
    cells = (
        str(one.position + 1),
        one.source_title,
        "; ".join(one.source_artists),
        one.outcome.replace("_", " "),
        "yes" if one.written else "",
        target,
        one.reason,
    )
    return f"| {' | '.join(map(markdown_text, cells))} |\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return "; ".join(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _playlists(status: StatusResource) -> list[str]:
    """Name the playlists of a transfer that did not fit into one."""
    if len(status.targets) < 2:  # the one is named already
        return []
    named = ", ".join(f"“{markdown_text(one.name)}”" for one in status.targets)
    return [f"- Playlists: {named}"]


def _place(platform: str, name: str) -> str:
    return f"“{markdown_text(name)}” ({markdown_text(platform.replace('_', ' '))})"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()

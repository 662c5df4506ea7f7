"""Each form of a report is whole, whatever the pages are that it is written by."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from markdown_it import MarkdownIt

from gateway import schemas
from gateway.actions.report_transfer import PlacedItem
from gateway.report_schemas import ReportResource, ReportRow, Revisions
from gateway.reports import COLUMNS, ReportFormat, row, writer_of
from shared.db.report_items import ReportItem
from shared.lifecycle import Bucket, Phase, State
from shared.models import (
    Explicit,
    NotTransferable,
    Outcome,
    Platform,
    Policy,
    SourceItem,
    Track,
    TrackId,
)
from shared.targets import PlaylistPart

NOW = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
SONG = Track(
    platform=Platform.SPOTIFY,
    id=TrackId("s1"),
    title="Lantern",
    artists=("Tyler, The Creator", "Ada"),
    album="Tides",
    duration_ms=180_000,
)


def status(**changes: Any) -> schemas.StatusResource:
    none = {bucket.value: 0 for bucket in Bucket}
    counts = {**none, "total": 2, "pending": 1, "written": 1}
    fields: dict[str, Any] = {
        "id": "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001",
        "kind": schemas.TransferKind.TRANSFER,
        "revision": 4,
        "state": State.RUNNING,
        "phase": Phase.MATCH,
        "source": schemas.SourceResource(
            platform=Platform.SPOTIFY, connection="c-1", playlist="p-1", name="Road | Trip"
        ),
        "target": schemas.TargetResource(
            platform=Platform.APPLE_MUSIC, connection="c-2", playlist=None, name="Road | Trip"
        ),
        "policy": Policy.SAME_RECORDING,
        "explicit": Explicit.AS_SOURCE,
        "on_duplicate": schemas.OnDuplicate.SKIP,
        "created_at": NOW,
        "links": schemas.StatusLinks(self="/a", events="/d", tracks="/b", report="/c"),
        "summary": "Matched 1 of 2.",
        "counts": schemas.Counts(**counts),
        "warnings": (),
        "targets": (),
    }
    open_fields = dict.fromkeys(schemas.StatusResource.__struct_fields__)
    return schemas.StatusResource(**{**open_fields, **fields, **changes})


def item(position: int, **changes: Any) -> ReportItem:
    fields: dict[str, Any] = {
        "source": SourceItem(track=SONG),
        "outcome": Outcome.EXACT,
        "reason": "",
        "score": 0.699999988079071,
        "target": None,
        "is_written": True,
        "part": 1,
        "decided_at": NOW,
        "revision": 4,
    }
    return ReportItem(position=position, **{**fields, **changes})


def rows(count: int) -> list[ReportRow]:
    return [row(PlacedItem(item=item(position), target_position=position)) for position in range(count)]


def written(form: ReportFormat, *, count: int, page_count: int, last: int = 4) -> str:
    writer, every = writer_of(form, status()), rows(count)
    pages = [every[first : first + page_count] for first in range(0, count, page_count)]
    return "".join(
        [writer.begin(), *map(writer.page, pages), writer.end(Revisions(first=4, last=last))],
    )


def test_markdown_names_the_playlists_of_a_transfer_that_was_split() -> None:
    targets = tuple(
        PlaylistPart(id=f"p.{number}", name=f"Road ({number})", url=None, track_count=2) for number in (1, 2)
    )

    split = writer_of(ReportFormat.MARKDOWN, status(targets=targets)).begin()
    whole = writer_of(ReportFormat.MARKDOWN, status(targets=targets[:1])).begin()

    assert "- Playlists: “Road &#40;1&#41;”, “Road &#40;2&#41;”" in split.splitlines()
    assert "Playlists" not in whole


@pytest.mark.parametrize("page_count", [1, 2, 3, 10])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_pages_leave_no_trace_in_any_form(count: int, page_count: int) -> None:
    report = msgspec.json.decode(
        written(ReportFormat.JSON, count=count, page_count=page_count), type=ReportResource
    )
    lines = list(
        csv.reader(io.StringIO(written(ReportFormat.CSV, count=count, page_count=page_count), newline=""))
    )
    page = (
        MarkdownIt("commonmark")
        .enable("table")
        .render(written(ReportFormat.MARKDOWN, count=count, page_count=page_count))
    )

    assert list(report.rows) == rows(count)
    assert [line[0] for line in lines] == ["position", *map(str, range(count))]
    assert {len(line) for line in lines} == {len(COLUMNS)}
    assert page.count("<tr>") == 1 + count


def test_markdown_says_whether_it_is_of_one_moment() -> None:
    still = written(ReportFormat.MARKDOWN, count=1, page_count=1)
    moved = written(ReportFormat.MARKDOWN, count=1, page_count=1, last=9)

    assert still.endswith("All of this is of revision 4.\n")
    assert moved.endswith("its rows are of revisions 4 to 9.\n")


def test_markdown_begins_with_what_people_want_to_know() -> None:
    warnings = ({"code": "target_edited", "detail": "Somebody | changed it."},)

    begun = writer_of(ReportFormat.MARKDOWN, status(warnings=warnings)).begin()

    assert begun.startswith("# Road &#124; Trip\n\nMatched 1 of 2.\n")
    assert "- Items: 2 total, 1 pending, 1 written\n" in begun
    assert "- Warning: Somebody &#124; changed it.\n" in begun


def test_a_row_has_what_the_item_says_and_no_more() -> None:
    chosen = row(PlacedItem(item=item(0, outcome=Outcome.CHOSEN_BY_USER), target_position=7))
    waiting = row(
        PlacedItem(
            item=item(1, outcome=Outcome.DEFERRED, is_written=False, decided_at=None), target_position=None
        )
    )
    tape = SourceItem(not_transferable=NotTransferable.LOCAL_FILE, title="Garage Tape")
    odd = row(PlacedItem(item=item(2, source=tape, score=None), target_position=None))

    assert (chosen.decided_by, chosen.target_position, chosen.score) == ("user", 7, 0.7)
    assert (waiting.decided_by, waiting.decided_at, waiting.written) == (None, None, False)
    assert (odd.source_title, odd.source_artists, odd.score) == ("Garage Tape", (), None)


def test_csv_writes_lists_truth_values_and_times_so_that_they_can_be_read() -> None:
    text = written(ReportFormat.CSV, count=1, page_count=1)

    (line,) = csv.DictReader(io.StringIO(text, newline=""))
    assert line["source_artists"] == "Tyler, The Creator; Ada"
    assert (line["written"], line["target_title"]) == ("true", "")
    assert datetime.fromisoformat(line["decided_at"]) == NOW

"""GET /status/{id}/report: its forms, its rows, who may see it, and how much it may hold."""

import asyncio
import contextlib
import csv
import io
import socket
import tracemalloc
from datetime import UTC, datetime

import msgspec
import pytest
from markdown_it import MarkdownIt

from gateway.actions.report_transfer import PAGE_COUNT
from gateway.report_schemas import ReportResource
from gateway.reports import COLUMNS
from shared.db import items, undos
from shared.db.pool import Pool
from shared.models import Outcome, Platform, Removal, SourceItem, Track, TrackId, TransferId
from tests.integration.gateway.conftest import Caller, Reply
from tests.integration.gateway.test_status import UNKNOWN_ID, change, fill, split, start
from tests.waiting import until

pytestmark = pytest.mark.integration

FORMS = {"csv": "text/csv", "json": "application/json", "md": "text/markdown"}
MANY_COUNT = 20_000
"""So many that neither the sockets' buffers nor a few pages hold their report."""
READER_COUNT = 25
"""More than the gateway has connections to Postgres."""
MOST_HELD_BYTES = 6 * 2**20
MANY = """
INSERT INTO items (transfer_id, position, source, outcome, target, target_track_id, is_written)
SELECT $1, n,
       jsonb_build_object('track', jsonb_build_object(
           'platform', 'spotify', 'id', 's' || n, 'title', 'Lantern ' || n,
           'artists', jsonb_build_array('The Paper Boats'), 'album', repeat('Tides ', 80))),
       'exact',
       jsonb_build_object('platform', 'apple_music', 'id', 'a' || n, 'title', 'Lantern ' || n),
       'a' || n, true
FROM generate_series($2::int, $3::int - 1) AS n
"""


async def fill_many(pool: Pool, transfer_id: str, *, count: int) -> None:
    for first in range(0, count, 5_000):
        await pool.execute(MANY, transfer_id, first, min(count, first + 5_000))


def rows_of(reply: Reply) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(reply.text, newline=""), strict=True))


@pytest.mark.parametrize(("ending", "media_type"), FORMS.items())
async def test_a_report_comes_in_the_form_that_is_asked_for(
    connected: Caller, pool: Pool, ending: str, media_type: str
) -> None:
    transfer_id = await start(connected)
    await fill(pool, transfer_id)

    by_path = await connected("GET", f"/v1/status/{transfer_id}/report.{ending}")
    by_header = await connected("GET", f"/status/{transfer_id}/report", headers={"Accept": media_type})

    assert (by_path.status, by_path.kind) == (200, media_type)
    assert by_path.text == by_header.text
    assert by_path.headers["X-Request-Id"]
    assert by_path.headers["Content-Disposition"] == (
        f'attachment; filename="crossplay-road-trip-{transfer_id[:8]}.{ending}"'
    )


async def test_a_form_that_there_is_not_is_refused_by_name(connected: Caller) -> None:
    transfer_id = await start(connected)

    reply = await connected("GET", f"/status/{transfer_id}/report", headers={"Accept": "application/pdf"})

    assert reply.problem() == (406, "not-acceptable")
    assert "text/csv" in reply.json["detail"]


async def test_every_item_has_a_row_with_what_became_of_it(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await fill(pool, transfer_id)

    reply = await connected("GET", f"/status/{transfer_id}/report.csv")

    rows = rows_of(reply)
    assert tuple(rows[0]) == COLUMNS
    assert [one["position"] for one in rows] == ["0", "1", "2", "3", "4"]
    assert [one["outcome"] for one in rows] == [
        "exact",
        "best_effort",
        "review",
        "not_transferable",
        "pending",
    ]
    assert [one["written"] for one in rows] == ["true", "false", "false", "false", "false"]
    assert (rows[0]["source_title"], rows[0]["source_artists"]) == ("Lantern 0", "The Paper Boats")
    assert (rows[0]["target_title"], rows[0]["target_position"]) == ("Lantern 0", "0")
    assert (rows[2]["score"], rows[2]["reason"]) == ("0.7", "Two are alike.")
    assert rows[3]["source_title"] == "Garage Tape"
    assert [one["decided_by"] for one in rows] == [*["crossplay"] * 4, ""]
    assert {one["revision"] for one in rows} == {"2"}


async def test_a_decision_has_its_date_and_what_is_open_again_has_none(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await fill(pool, transfer_id)
    before = datetime.now(UTC)
    await pool.execute("UPDATE items SET outcome = 'deferred' WHERE position = 0")
    await connected("PUT", f"/status/{transfer_id}/tracks/2/match", json={"skip": True})

    reply = await connected("GET", f"/status/{transfer_id}/report.json")

    dates = [one["decided_at"] and datetime.fromisoformat(one["decided_at"]) for one in reply.json["rows"]]
    assert [date is not None for date in dates] == [False, True, True, True, False]
    assert dates[1] < before < dates[2]
    assert [one["decided_by"] for one in reply.json["rows"]] == [None, "crossplay", "user", "crossplay", None]


async def test_json_has_the_status_and_the_promised_form(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await fill(pool, transfer_id)
    status = await connected("GET", f"/status/{transfer_id}")

    reply = await connected("GET", f"/status/{transfer_id}/report")

    report = msgspec.convert(reply.json, ReportResource)
    assert reply.json["transfer"] == status.json
    assert status.json["links"]["report"] == f"/status/{transfer_id}/report"
    assert [one.position for one in report.rows] == [0, 1, 2, 3, 4]
    assert (report.revisions.first, report.revisions.last) == (2, 2)


@pytest.mark.parametrize("ending", FORMS)
async def test_a_transfer_without_items_has_a_report_too(connected: Caller, ending: str) -> None:
    transfer_id = await start(connected)

    reply = await connected("GET", f"/status/{transfer_id}/report.{ending}")

    assert reply.status == 200
    if ending == "json":
        assert reply.json["rows"] == []
    if ending == "csv":
        assert reply.text == ",".join(COLUMNS) + "\r\n"


async def test_a_byte_order_mark_comes_where_it_is_asked_for(connected: Caller) -> None:
    transfer_id = await start(connected)

    with_mark = await connected("GET", f"/status/{transfer_id}/report.csv?bom=1")
    without = await connected("GET", f"/status/{transfer_id}/report.csv?bom=0")
    odd = await connected("GET", f"/status/{transfer_id}/report.csv?bom=maybe")

    assert with_mark.text == "\ufeff" + without.text
    assert odd.problem() == (422, "validation")


async def test_titles_that_want_to_be_more_stay_titles(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    titles = ("=HYPERLINK(1)", "a | b\n| c", "`x` <b>y</b>", 'say "hi", you', "@me")
    tracks = [
        Track(platform=Platform.SPOTIFY, id=TrackId(str(at)), title=title) for at, title in enumerate(titles)
    ]
    async with pool.acquire() as connection:
        await items.insert(
            connection, TransferId(transfer_id), first=0, items=[SourceItem(track=one) for one in tracks]
        )

    table = await connected("GET", f"/status/{transfer_id}/report.csv")
    page = await connected("GET", f"/status/{transfer_id}/report.md")

    assert [one["source_title"] for one in rows_of(table)] == [
        "'=HYPERLINK(1)",
        *titles[1:4],
        "'@me",
    ]
    rendered = MarkdownIt("commonmark").enable("table").render(page.text)
    assert rendered.count("<tr>") == 1 + len(titles)
    assert rendered.count("<td") == 7 * len(titles)
    assert "<b>" not in rendered
    assert "<code>" not in rendered


async def test_nobody_sees_the_report_of_somebody_else(
    connected: Caller, stranger: Caller, pool: Pool
) -> None:
    transfer_id = await start(connected)
    await fill(pool, transfer_id)

    for ending in ("", *(f".{ending}" for ending in FORMS)):
        foreign = await stranger("GET", f"/status/{transfer_id}/report{ending}")
        missing = await stranger("GET", f"/status/{UNKNOWN_ID}/report{ending}")

        assert foreign.problem() == missing.problem() == (404, "not-found")
        assert foreign.json["detail"] == missing.json["detail"]
        assert "Content-Disposition" not in foreign.headers


async def test_an_undo_reports_what_was_removed(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await fill_many(pool, transfer_id, count=3)
    await change(
        pool, transfer_id, state="completed", target_playlist_id="p.1", finished_at=datetime.now(UTC)
    )
    undo, _ = await undos.begin(
        pool,
        TransferId(transfer_id),
        user_id=connected.user_id,
        new_id=TransferId(UNKNOWN_ID),
        trace={},
    )
    removals = [
        Removal(position=0, outcome=Outcome.REMOVED),
        Removal(position=1, outcome=Outcome.FAILED, reason="It stands there twice."),
    ]
    async with pool.acquire() as connection:
        await undos.settle(connection, undo.id, removals)

    reply = await connected("GET", f"/status/{undo.id}/report.csv")
    undone = await connected("GET", f"/status/{transfer_id}/report.csv")

    rows = rows_of(reply)
    assert [(one["outcome"], one["reason"]) for one in rows] == [
        ("removed", ""),
        ("failed", "It stands there twice."),
        ("pending", ""),
    ]
    assert {one["target_position"] for one in rows + rows_of(undone)} == {""}


async def test_positions_in_the_target_count_what_stood_there_before(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await fill_many(pool, transfer_id, count=PAGE_COUNT + 2)
    await pool.execute("UPDATE items SET is_written = false WHERE position = 1")
    await change(pool, transfer_id, target_base_count=7)

    known = await connected("GET", f"/status/{transfer_id}/report.csv")
    await change(pool, transfer_id, warnings=[{"code": "order_differs", "detail": "Mixed."}])
    unknown = await connected("GET", f"/status/{transfer_id}/report.csv")

    places = [one["target_position"] for one in rows_of(known)]
    assert places[:3] == ["7", "", "8"]
    assert places[-1] == str(7 + PAGE_COUNT)
    assert {one["target_position"] for one in rows_of(unknown)} == {""}


async def test_a_report_says_in_which_playlist_each_track_stands(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await fill_many(pool, transfer_id, count=5)
    await change(pool, transfer_id, target_playlist_id="p.1", target_base_count=7, target_count=10)
    await split(pool, transfer_id)
    await pool.execute("INSERT INTO item_parts SELECT $1, unnest('{3,4}'::int[]), 2", transfer_id)
    await pool.execute("UPDATE items SET is_written = false WHERE position = 1")

    reply = await connected("GET", f"/status/{transfer_id}/report.csv")

    assert [(one["target_playlist"], one["target_position"]) for one in rows_of(reply)] == [
        ("Road Trip", "7"),
        ("", ""),
        ("Road Trip", "8"),
        ("Road Trip (2)", "0"),
        ("Road Trip (2)", "1"),
    ]


class SlowReader:
    """Somebody who asks for a report and takes hardly anything of it."""

    def __init__(self, call: Caller, path: str) -> None:
        self._call = call
        self._path = path

    async def __aenter__(self) -> asyncio.StreamReader:
        server = self._call.client.server
        connecting = socket.socket()
        connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connecting.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connecting, ("127.0.0.1", server.port))
        reader, self._writer = await asyncio.open_connection(sock=connecting, limit=4096)
        head = f"GET {self._path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._call.key}\r\n"
        self._writer.write(f"{head}Connection: close\r\n\r\n".encode())
        return reader

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()


async def test_a_report_says_which_revision_each_row_is_of(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await fill_many(pool, transfer_id, count=MANY_COUNT)

    async with SlowReader(connected, f"/status/{transfer_id}/report.csv") as reader:
        await reader.readuntil(b"\r\n\r\n")
        await change(pool, transfer_id, phase="write")
        content = await reader.read(-1)

    assert b",true,1\r\n" in content
    assert content.count(b",true,2\r\n") > 0


async def test_no_connection_to_postgres_waits_for_a_slow_reader(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await fill_many(pool, transfer_id, count=MANY_COUNT)

    async with contextlib.AsyncExitStack() as stack:
        for _ in range(READER_COUNT):
            reader = SlowReader(connected, f"/status/{transfer_id}/report.json")
            await (await stack.enter_async_context(reader)).readuntil(b"\r\n\r\n")
        reply = await connected("GET", f"/status/{transfer_id}")

    assert reply.status == 200


async def test_a_reader_that_leaves_ends_its_report_only(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await fill_many(pool, transfer_id, count=MANY_COUNT)
    runner = connected.client.server.runner
    assert runner is not None
    server = runner.server
    assert server is not None

    async with SlowReader(connected, f"/status/{transfer_id}/report.md") as reader:
        await reader.readuntil(b"\r\n\r\n")
        busy_count = len(server.connections)
    await until(lambda: len(server.connections) < busy_count)

    assert (await connected("GET", f"/status/{transfer_id}")).status == 200


async def test_a_report_that_breaks_off_is_not_taken_for_a_whole_one(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await fill_many(pool, transfer_id, count=MANY_COUNT)

    async with SlowReader(connected, f"/status/{transfer_id}/report.csv") as reader:
        await reader.readuntil(b"\r\n\r\n")
        await pool.execute("ALTER TABLE items RENAME TO hidden_items")
        content = bytearray()
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                content += piece

    assert content
    assert not content.endswith(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize("ending", FORMS)
async def test_memory_does_not_grow_with_the_report(connected: Caller, pool: Pool, ending: str) -> None:
    transfer_id = await start(connected)
    await fill_many(pool, transfer_id, count=MANY_COUNT)

    async def download() -> int:
        path, headers = f"/status/{transfer_id}/report.{ending}", {"Authorization": f"Bearer {connected.key}"}
        async with connected.client.get(path, headers=headers) as response:
            return sum([len(chunk) async for chunk in response.content.iter_chunked(65536)])

    await download()  # what is made once, is made
    tracemalloc.start()
    try:
        size_bytes = await download()
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size_bytes > MANY_COUNT * 20
    assert peak_bytes < MOST_HELD_BYTES

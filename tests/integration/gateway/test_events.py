"""GET /status/{id}/events: what comes, what comes again after a cut, when it ends, and who is kept out."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient

from gateway import keys
from gateway.actions.follow_transfer import STREAM_LIMITS, StreamLimits
from shared.db.pool import Pool
from shared.models import Platform
from shared.secret import Secret
from shared.settings import Settings
from tests.event_streams import EventStream
from tests.fakes.platforms import FakePlatforms
from tests.faults.proxy import Proxy
from tests.integration.gateway.conftest import Caller
from tests.integration.gateway.event_streams import ask, change, gateway, listen, start
from tests.waiting import until, within

pytestmark = pytest.mark.integration

UNKNOWN_ID = "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"
CONTENT_BYTES = 16_000_000  # more than the buffers of both sides hold
PAUSED = {"state": "paused", "pause_reason": "user"}
TO_RECONNECT = {"state": "paused", "pause_reason": "reconnect_required", "pause_platform": "spotify"}
RUNNING = {"state": "running", "pause_reason": None, "pause_platform": None}


@pytest_asyncio.fixture
async def client(settings: Settings, platforms: FakePlatforms) -> AsyncIterator["TestClient[Any, Any]"]:
    """In place of the one that cancels handlers whose client is gone, which the real gateway does not."""
    async with gateway(settings, platforms) as one:
        yield one


def open_count(call: Caller) -> int:
    """Return how many streams the gateway has open."""
    app = call.client.server.app  # type: ignore[attr-defined]  # a TestServer has one
    return int(app[keys.FOLLOW_TRANSFER]._open.total())


def at(client: "TestClient[Any, Any]", call: Caller) -> Caller:
    """Return the same caller at another gateway."""
    return Caller(client, key=call.key, user_id=call.user_id)


def narrowed(**changes: Any) -> StreamLimits:
    return msgspec.structs.replace(STREAM_LIMITS, **changes)


async def test_a_stream_begins_with_a_snapshot_that_is_the_status_resource(connected: Caller) -> None:
    transfer_id = await start(connected)
    shown = await connected("GET", f"/status/{transfer_id}")

    stream = await listen(connected, transfer_id)
    first = await stream.next()

    assert (first.name, first.revision, first.data) == ("snapshot", shown.json["revision"], shown.json)
    assert shown.json["links"]["events"] == f"/status/{transfer_id}/events"
    headers = stream.response.headers
    assert headers["Content-Type"] == "text/event-stream"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["X-Request-Id"]


async def test_each_change_comes_with_its_name_and_its_revision_until_done(
    connected: Caller, pool: Pool
) -> None:
    transfer_id = await start(connected)
    stream = await listen(connected, transfer_id)
    told = [await stream.next()]
    revisions = [1]

    for values in (
        RUNNING,
        {"phase": "write"},
        PAUSED,
        RUNNING,
        TO_RECONNECT,
        RUNNING,
        {"state": "completed"},
    ):
        revisions.append(await change(pool, transfer_id, **values))
        told.append(await stream.next())
    rest = await stream.to_the_end()

    names = ["snapshot", "progress", "progress", "paused", "resumed", "attention", "resumed", "done"]
    assert [event.name for event in told] == names
    assert [event.revision for event in told] == revisions
    assert [event.data["revision"] for event in told] == revisions
    assert rest == []


async def test_an_undo_has_events_too(connected: Caller, platforms: FakePlatforms, pool: Pool) -> None:
    platforms.accounts[Platform.APPLE_MUSIC].add("id-away", "Away")
    body = {"source": {"platform": "apple_music", "playlist": "id-away"}, "target": {"platform": "spotify"}}
    transfer_id = (await connected("POST", "/transfer", json=body)).json["id"]
    await pool.execute(
        "INSERT INTO items (transfer_id, position, source, outcome, target, target_track_id, is_written)"
        " VALUES ($1, 0, '{\"title\": \"x\"}', 'exact', '{\"title\": \"x\"}', 's1', true)",
        transfer_id,
    )
    await change(pool, transfer_id, state="completed", target_playlist_id="p1")
    undo_id = (await connected("POST", f"/transfer/{transfer_id}/undo")).json["id"]

    stream = await listen(connected, undo_id)
    first = await stream.next()
    await change(pool, undo_id, state="completed")
    last = await stream.next()

    assert (first.name, first.data["kind"], first.data["counts"]["pending"]) == ("snapshot", "undo", 1)
    assert (last.name, last.data["id"]) == ("done", undo_id)


async def test_what_was_seen_is_not_sent_again(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    stream = await listen(connected, transfer_id)
    last = (await stream.next()).revision
    stream.cut()

    again = await listen(connected, transfer_id, last=last)
    revision = await change(pool, transfer_id, **PAUSED)
    event = await again.next()

    assert (event.name, event.revision) == ("paused", revision)


async def test_what_was_missed_comes_as_one_snapshot(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    for values in (RUNNING, PAUSED, RUNNING):
        revision = await change(pool, transfer_id, **values)

    event = await (await listen(connected, transfer_id, last=1)).next()

    assert (event.name, event.revision, event.data["state"]) == ("snapshot", revision, "running")


@pytest.mark.parametrize("last", ["", "abc", "-1", "1.0", "999999", "9" * 19, "٣"])
async def test_an_id_that_is_none_of_ours_is_ignored(connected: Caller, last: str) -> None:
    transfer_id = await start(connected)

    event = await (await listen(connected, transfer_id, last=last)).next()

    assert (event.name, event.revision) == ("snapshot", 1)


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
async def test_after_done_there_is_nothing_until_it_goes_on(
    connected: Caller, pool: Pool, state: str
) -> None:
    transfer_id = await start(connected)
    await change(pool, transfer_id, state=state)
    ended = await (await listen(connected, transfer_id)).to_the_end()
    last = ended[-1].revision

    over = await ask(connected, transfer_id, last=last)
    await change(pool, transfer_id, **RUNNING)
    stream = await listen(connected, transfer_id, last=last)
    opened_again = await stream.next()
    await change(pool, transfer_id, state="completed")
    done_again = await stream.to_the_end()

    assert [event.name for event in ended] == ["done"]
    assert (over.status, await over.read()) == (204, b"")
    assert (opened_again.name, opened_again.data["state"]) == ("snapshot", "running")
    assert [(event.name, event.revision) for event in done_again] == [("done", 4)]


async def test_a_change_after_the_end_is_told_once_more(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    last = await change(pool, transfer_id, state="completed")
    revision = await change(pool, transfer_id)

    told = await (await listen(connected, transfer_id, last=last)).to_the_end()
    over = await ask(connected, transfer_id, last=revision)

    assert [(event.name, event.revision) for event in told] == [("done", revision)]
    assert over.status == 204


@pytest.mark.parametrize("own_id", [UNKNOWN_ID, "1", "%00"])
async def test_a_foreign_stream_is_the_same_404_as_none(
    connected: Caller, stranger: Caller, own_id: str
) -> None:
    foreign = await start(connected)

    replies = [
        await stranger("GET", f"/status/{one}/events", headers={"Last-Event-ID": "1"})
        for one in (foreign, own_id)
    ]

    assert {reply.problem() for reply in replies} == {(404, "not-found")}
    assert len({reply.json["detail"] for reply in replies}) == 1


async def test_one_user_has_so_many_streams_and_others_have_theirs(
    settings: Settings, platforms: FakePlatforms, connected: Caller, stranger: Caller
) -> None:
    transfer_id = await start(connected)
    narrow = msgspec.structs.replace(settings, streams_per_user=2)
    limits = narrowed(ping_s=3600)  # so that no write finds out who is gone
    async with gateway(narrow, platforms, limits=limits) as client:
        call = at(client, connected)
        streams = [await listen(call, transfer_id) for _ in range(2)]

        refused = await call("GET", f"/status/{transfer_id}/events")
        other = await at(client, stranger)("GET", f"/status/{transfer_id}/events")
        streams[0].cut()
        await until(lambda: open_count(call) == 1)
        event = await (await listen(call, transfer_id)).next()

    assert refused.problem() == (429, "too-many-streams")
    assert (refused.headers["Retry-After"], refused.json["limit"]) == ("5", 2)
    assert other.problem() == (404, "not-found")
    assert event.name == "snapshot"


async def test_all_users_together_have_so_many_streams(
    settings: Settings, platforms: FakePlatforms, connected: Caller
) -> None:
    transfer_id = await start(connected)
    limits = narrowed(total_count=1)
    async with gateway(settings, platforms, limits=limits) as client:
        call = at(client, connected)
        await listen(call, transfer_id)

        refused = await call("GET", f"/status/{transfer_id}/events")

    assert refused.problem() == (429, "too-many-streams")


async def test_streams_that_wait_hold_no_connection_to_the_store(
    settings: Settings, platforms: FakePlatforms, connected: Caller, pool: Pool
) -> None:
    """The gateway's pool has 20 connections; twice as many streams are open."""
    transfer_id = await start(connected)
    wide = msgspec.structs.replace(settings, streams_per_user=40)
    async with gateway(wide, platforms) as client:
        call = at(client, connected)
        streams = [await listen(call, transfer_id) for _ in range(40)]
        first = [await stream.next() for stream in streams]

        shown = await call("GET", f"/status/{transfer_id}")
        await change(pool, transfer_id, state="completed")
        last = [await stream.next() for stream in streams]

    assert shown.status == 200
    assert {event.name for event in first} == {"snapshot"}
    assert {event.name for event in last} == {"done"}


async def test_a_gateway_that_stops_says_goodbye(
    settings: Settings, platforms: FakePlatforms, connected: Caller
) -> None:
    transfer_id = await start(connected)
    async with gateway(settings, platforms) as client:
        call = at(client, connected)
        stream = await listen(call, transfer_id)
        first = await stream.next()

        stopping = asyncio.create_task(client.server.close())
        rest = await stream.to_the_end()
        await within(stopping, patience_s=STREAM_LIMITS.send_s)

    assert first.name == "snapshot"
    assert [(event.name, event.revision) for event in rest] == [("bye", None)]


async def test_a_stream_that_is_old_says_goodbye_and_is_taken_up_again(
    settings: Settings, platforms: FakePlatforms, connected: Caller, pool: Pool
) -> None:
    transfer_id = await start(connected)
    limits = narrowed(life_s=0.1)
    async with gateway(settings, platforms, limits=limits) as client:
        call = at(client, connected)
        events = await (await listen(call, transfer_id)).to_the_end()

        await change(pool, transfer_id, state="completed")
        more = await (await listen(call, transfer_id, last=events[0].revision)).to_the_end()

    assert [event.name for event in events] == ["snapshot", "bye"]
    assert [event.name for event in more] == ["done"]


async def test_silence_is_broken_by_a_comment(
    settings: Settings, platforms: FakePlatforms, connected: Caller
) -> None:
    transfer_id = await start(connected)
    limits = narrowed(ping_s=0.1)
    async with gateway(settings, platforms, limits=limits) as client:
        call = at(client, connected)
        stream = await listen(call, transfer_id)

        await stream.until_comments(1)

    assert (await stream.next()).name == "snapshot"


async def drain(reader: socket.socket) -> int:
    """Take what still comes, and return how much that was."""
    reader.setblocking(False)
    loop, taken_bytes = asyncio.get_running_loop(), 0
    with contextlib.suppress(ConnectionResetError):
        while content := await loop.sock_recv(reader, 1_000_000):
            taken_bytes += len(content)
    return taken_bytes


async def test_a_reader_who_takes_nothing_is_cut_off(
    settings: Settings, platforms: FakePlatforms, connected: Caller, pool: Pool
) -> None:
    transfer_id = await start(connected)
    await change(pool, transfer_id, warnings=[{"code": "long", "detail": "x" * CONTENT_BYTES}])
    limits = narrowed(send_s=0.3)
    async with gateway(settings, platforms, limits=limits) as client:
        call = at(client, connected)
        with contextlib.closing(socket.socket()) as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect((client.host, client.port))
            reader.sendall(
                f"GET /status/{transfer_id}/events HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {connected.key}\r\n\r\n".encode()
            )

            await until(lambda: open_count(call) == 1)
            await until(lambda: open_count(call) == 0)
            taken_bytes = await within(drain(reader))

    assert taken_bytes < CONTENT_BYTES


async def test_many_revisions_become_four_events_a_second(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    clock = asyncio.get_running_loop().time
    began_s = clock()
    stream = await listen(connected, transfer_id)

    async def hurry() -> None:
        for number in range(150):
            await change(pool, transfer_id, target_name=f"Name {number}")
        await change(pool, transfer_id, state="completed")

    hurrying = asyncio.create_task(hurry())
    events = await stream.to_the_end()
    took_s = clock() - began_s
    await hurrying

    # However slow the machine is, there is a quarter of a second between two of them.
    assert len(events) <= 2 + took_s / 0.25
    assert (events[-1].name, events[-1].revision) == ("done", 152)


async def test_an_open_stream_outlives_its_store_being_away(
    settings: Settings, platforms: FakePlatforms, connected: Caller, pool: Pool
) -> None:
    transfer_id = await start(connected)
    limits = narrowed(ping_s=0.1)
    async with Proxy(settings.database_url.reveal()) as proxy:
        through = msgspec.structs.replace(settings, database_url=Secret(proxy.url))
        async with gateway(through, platforms, limits=limits) as client:
            call = at(client, connected)
            stream = await listen(call, transfer_id)
            first = await stream.next()

            proxy.is_refusing = True
            proxy.cut()
            await stream.until_comments(stream.comment_count + 3)  # each of them after a look that failed
            away = await call("GET", f"/status/{transfer_id}/events")
            revision = await change(pool, transfer_id, **PAUSED)
            proxy.heal()
            event = await stream.next()

    assert first.name == "snapshot"
    assert away.problem() == (503, "store-unavailable")
    assert (event.name, event.revision) == ("paused", revision)


async def test_streams_are_there_below_v1_too(connected: Caller) -> None:
    transfer_id = await start(connected)
    bearer = {"Authorization": f"Bearer {connected.key}"}

    response = await connected.client.get(f"/v1/status/{transfer_id}/events", headers=bearer)

    assert (await EventStream(response).next()).name == "snapshot"

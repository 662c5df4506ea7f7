"""One transfer is one tree of spans, also over the death of a worker, and no secret leaves the system.

Spans pass through rotel, a collector that others wrote, before they are looked at.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from shared import sending
from tests.e2e.stack import FAST, Stack, wait_until
from tests.e2e.users import Json
from tests.e2e.worlds import Worlds
from tests.fakes.otlp import OtlpReceiver, Span
from tests.fakes.rotel import collector

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

PATIENCE_S = 15.0
HELD_MS = 2300  # so long a write is under way: time to see all that was before it, and to kill its worker
AGE = "UPDATE transfers SET created_at = created_at - make_interval(secs => $2) WHERE id = $1"
SLOW_SENDS = {"CROSSPLAY_LEASE_S": "5", "CROSSPLAY_SEND_TIMEOUT_S": "2.4"}
PRODUCERS = {
    "send spotify read",
    "send apple_music match",
    "send apple_music write",
    "send apple_music verify",
}


@pytest.fixture(scope="module")
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as receiver:
        yield receiver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def traced_stack(
    tmp_path_factory: pytest.TempPathFactory, worlds: Worlds, receiver: OtlpReceiver
) -> AsyncIterator[Stack]:
    data_dir: Path = tmp_path_factory.mktemp("traced")
    async with collector(tmp_path_factory.mktemp("rotel"), onward_url=receiver.url) as url:
        environ = {**FAST, **SLOW_SENDS, "OTEL_EXPORTER_OTLP_ENDPOINT": url}
        async with Stack.run(data_dir, worlds=worlds.paths, environ=environ, latency_ms=15) as stack:
            yield stack


def calls_in(spans: Iterable[Span]) -> list[Span]:
    """Return the spans of requests to platforms."""
    return [span for span in spans if span.kind == "client" and "url.template" in span.attributes]


async def requests_of(stack: Stack) -> list[Json]:
    return [
        call
        for platform in stack.system.sandbox_urls
        for call in (await stack.control(platform, "requests?calls=1"))["calls"]
    ]


def orphans(spans: Iterable[Span], *, known: Iterable[Span]) -> list[Span]:
    """Return the spans whose parent nobody has ever told of."""
    ids = {(span.trace_id, span.span_id) for span in known}
    return [
        span
        for span in spans
        if span.parent_span_id is not None and (span.trace_id, span.parent_span_id) not in ids
    ]


def of_kind(spans: Iterable[Span], kind: str) -> dict[str, Span]:
    return {span.span_id: span for span in spans if span.kind == kind}


async def arrive(receiver: OtlpReceiver, trace_id: str, *, request_count: int) -> list[Span]:
    """Wait until a trace has spans of so many requests and lacks no parent; return it."""

    async def is_whole() -> bool:
        spans = receiver.trace(trace_id)
        return len(calls_in(spans)) >= request_count and not orphans(spans, known=spans)

    await wait_until(is_whole, patience_s=PATIENCE_S)
    return receiver.trace(trace_id)


async def test_every_request_of_a_transfer_hangs_in_its_tree(
    traced_stack: Stack, worlds: Worlds, receiver: OtlpReceiver
) -> None:
    stack = traced_stack
    await stack.refresh()

    status = await stack.user.end(await stack.start(worlds.movable))

    requests = await requests_of(stack)
    spans = await arrive(receiver, status["trace_id"], request_count=len(requests))
    (root,) = [span for span in spans if span.parent_span_id is None]
    sent, processed = of_kind(spans, "producer"), of_kind(spans, "consumer")
    parts = {span.name: span for span in spans if span.kind == "internal"}
    assert await stack.flaws(worlds.movable, status) == []
    assert len(calls_in(spans)) == len(requests)
    assert {span.service for span in spans} == {"crossplay-gateway", "crossplay-worker"}
    assert root.name == "POST /transfer"
    assert {span.name for span in sent.values()} == PRODUCERS
    assert {span.parent_span_id for span in sent.values()} == {root.span_id}
    assert {span.attributes["crossplay.phase"] for span in processed.values()} == {
        *("read", "match", "write", "verify")
    }
    assert {span.parent_span_id for span in processed.values()} <= set(sent)
    assert {span.parent_span_id for span in calls_in(spans)} <= {root.span_id, *processed}
    assert parts["verify target"].attributes["crossplay.verify.is_perfect"] is True
    assert parts["verify target"].parent_span_id in processed
    assert sum(span.name == "checkpoint" for span in spans) == len(processed)


async def test_an_operator_finds_a_transfer_by_what_is_known_of_it(
    traced_stack: Stack, worlds: Worlds, receiver: OtlpReceiver
) -> None:
    stack = traced_stack
    await stack.refresh()
    status = await stack.user.end(await stack.start(worlds.movable))
    requests = await requests_of(stack)

    spans = await arrive(receiver, status["trace_id"], request_count=len(requests))

    (root,) = [span for span in spans if span.parent_span_id is None]
    verify = next(span for span in spans if span.name == "process apple_music verify")
    known = {
        "crossplay.transfer_id": status["id"],
        "crossplay.source.platform": "spotify",
        "crossplay.source.playlist_id": status["source"]["playlist"],
        "crossplay.target.platform": "apple_music",
    }
    made = {"crossplay.target.playlist_id": status["target_playlist"]["id"]}
    assert known.items() <= root.attributes.items()
    assert (known | made).items() <= verify.attributes.items()
    assert root.attributes["crossplay.user_id"] == verify.attributes["crossplay.user_id"]
    assert {
        "messaging.system": "redis",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "{crossplay:apple_music}:jobs",
        "messaging.consumer.group.name": "workers",
    }.items() <= verify.attributes.items()
    entry_of = {
        span.span_id: span.attributes["messaging.message.id"] for span in spans if span.kind == "producer"
    }
    assert entry_of[verify.parent_span_id or ""] == verify.attributes["messaging.message.id"]


async def test_killed_worker_leaves_one_tree_with_every_request(
    traced_stack: Stack, worlds: Worlds, receiver: OtlpReceiver
) -> None:
    stack = traced_stack
    await stack.refresh()
    await stack.arm(
        "apple_music",
        {"operation": "add_items", "kind": "applied_then_delay", "delay_ms": HELD_MS, "count": 1},
    )
    transfer_id = await stack.start(worlds.road_trip)
    await stack.writes_begin("apple_music")
    trace_id = (await stack.user.status(transfer_id))["trace_id"]
    await arrive_before_the_write(stack, receiver, trace_id)
    victim = await stack.at_work(transfer_id)
    assert victim is not None

    await stack.kill(victim)

    status = await stack.user.end(transfer_id)
    requests = await requests_of(stack)
    spans = await arrive(receiver, trace_id, request_count=len(requests) - 1)
    attempts = of_kind(spans, "consumer")
    (died,) = [one for one in attempts.values() if one.attributes["crossplay.verdict"] == "worker_died"]
    heirs = [one for one in attempts.values() if "crossplay.taken_over_from" in one.attributes]
    read_backs = [span for span in spans if span.name == "read back"]
    assert await stack.flaws(worlds.road_trip, status) == []
    assert status["trace_id"] == trace_id
    assert {span.trace_id for span in of_transfer(receiver, transfer_id)} == {trace_id}
    assert Counter(span.parent_span_id for span in spans)[None] == 1
    assert f":{victim.pid}:" in died.attributes["messaging.client.id"]
    assert died.is_error
    assert heirs[0].links == ((trace_id, died.span_id),)
    assert heirs[0].attributes["crossplay.taken_over_from"] == died.attributes["messaging.client.id"]
    # The one request without a span is the write that was under way; who read it back tells of it.
    assert len(calls_in(spans)) == len(requests) - 1
    assert {span.attributes["crossplay.intent.epoch"] for span in read_backs} == {
        died.attributes["crossplay.epoch"]
    }
    assert read_backs[-1].attributes["crossplay.result"] == "batch_written"
    assert read_backs[-1].attributes["crossplay.readback.arrived_count"] > 0
    assert len({one.attributes["messaging.client.id"] for one in attempts.values()}) >= 2


def of_transfer(receiver: OtlpReceiver, transfer_id: str) -> list[Span]:
    return [span for span in receiver.spans if span.attributes.get("crossplay.transfer_id") == transfer_id]


async def arrive_before_the_write(stack: Stack, receiver: OtlpReceiver, trace_id: str) -> None:
    """Wait until each request but the held write has its span: those of the last moment die with a worker."""

    async def have_all_arrived() -> bool:
        answered_count = await stack.total_request_count() - await stack.request_count(
            "apple_music", "add_items"
        )
        return len(calls_in(receiver.trace(trace_id))) >= answered_count

    await wait_until(have_all_arrived, patience_s=PATIENCE_S)


async def test_a_transfer_that_goes_on_after_a_long_pause_does_so_in_a_linked_trace(
    traced_stack: Stack, worlds: Worlds, receiver: OtlpReceiver
) -> None:
    stack = traced_stack
    await stack.refresh()
    await stack.arm("apple_music", {"operation": "add_items", "kind": "delay", "delay_ms": 100, "count": 1})
    transfer_id = await stack.start(worlds.road_trip)
    await stack.writes_begin("apple_music")
    before = await stack.user.post(f"/status/{transfer_id}/pause", {})
    await wait_until(lambda: stack.is_resting(transfer_id, reason="user"))
    await stack.fetch(AGE, transfer_id, sending.TRACE_LIFE_S)

    await stack.user.post(f"/status/{transfer_id}/resume", {})

    status = await stack.user.end(transfer_id)
    requests = await requests_of(stack)

    def count_in_both() -> int:
        return len(calls_in([*receiver.trace(before["trace_id"]), *receiver.trace(status["trace_id"])]))

    async def have_all_arrived() -> bool:
        return count_in_both() >= len(requests)

    await wait_until(have_all_arrived, patience_s=PATIENCE_S)
    first = await arrive(receiver, before["trace_id"], request_count=1)
    second = await arrive(receiver, status["trace_id"], request_count=1)
    (origin,) = [span for span in first if span.parent_span_id is None]
    (root,) = [span for span in second if span.parent_span_id is None]
    resume = next(span for span in receiver.spans if span.name == "POST /status/{id}/resume")
    sent = of_kind(second, "producer").values()
    assert await stack.flaws(worlds.road_trip, status) == []
    assert status["trace_id"] != before["trace_id"]
    assert count_in_both() == len(requests)
    assert (root.name, root.links) == ("continue transfer", ((origin.trace_id, origin.span_id),))
    assert {span.trace_id for span in of_transfer(receiver, transfer_id) if span.kind != "server"} == {
        *(origin.trace_id, root.trace_id)
    }
    assert resume.attributes["crossplay.transfer_id"] == transfer_id
    assert ((resume.trace_id, resume.span_id),) in {span.links for span in sent}
    assert {span.parent_span_id for span in sent} == {root.span_id}


async def test_no_secret_is_in_a_span_a_log_a_status_or_a_store(
    traced_stack: Stack, worlds: Worlds, receiver: OtlpReceiver
) -> None:
    stack = traced_stack
    await stack.refresh()
    status = await stack.user.end(await stack.start(worlds.movable))
    tokens = {token for path in stack.data_dir.glob("sandbox-*/*.jsonl") for token in _tokens(path)}
    settings = stack.system.settings
    ours = {
        stack.user.key,
        settings["CROSSPLAY_SECRET_KEYS"].partition(":")[2],
        settings["CROSSPLAY_APPLE_MUSIC_PRIVATE_KEY"].splitlines()[1],
    }

    texts = {path.name: path.read_bytes() for path in (stack.data_dir / "logs").iterdir()}
    texts["spans"] = repr(receiver.spans + receiver.headers).encode()
    texts["points"] = repr(receiver.points).encode()
    texts["status"] = msgspec.json.encode([status, await stack.user.tracks(status["id"])])
    for store in ("pgdata-*", "valkey"):
        files = [path for root in stack.data_dir.glob(store) for path in root.rglob("*") if path.is_file()]
        texts |= {str(path): path.read_bytes() for path in files}

    leaks = [name for name, text in texts.items() for secret in tokens | ours if secret.encode() in text]
    assert len(tokens) >= 3  # Spotify's access and refresh token, Apple's user token
    assert any("pgdata" in name for name in texts)
    assert leaks == []


def _tokens(journal: Path) -> Iterator[str]:
    """Return the tokens that a sandbox has issued."""
    for line in journal.read_bytes().splitlines():
        change = msgspec.json.decode(line)
        if token := change.get("token"):
            yield token["value"]

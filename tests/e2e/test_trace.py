"""One transfer is one trace, also over the death of a worker, and no secret leaves the system."""

import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from tests.e2e.stack import FAST, Stack, wait_until
from tests.e2e.users import Json
from tests.e2e.worlds import Worlds
from tests.fakes.otlp import OtlpReceiver, Span

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

EXPORT_MS = 100  # what a worker has not sent yet dies with it
PATIENCE_S = 15.0


@pytest.fixture(scope="module")
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as receiver:
        yield receiver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def traced_stack(
    tmp_path_factory: pytest.TempPathFactory, worlds: Worlds, receiver: OtlpReceiver
) -> AsyncIterator[Stack]:
    environ = {
        **FAST,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_BSP_SCHEDULE_DELAY": str(EXPORT_MS),
    }
    data_dir: Path = tmp_path_factory.mktemp("traced")
    async with Stack.run(data_dir, worlds=worlds.paths, environ=environ, latency_ms=15) as stack:
        yield stack


def calls_in(spans: Iterable[Span]) -> list[Span]:
    """Return the spans of requests to platforms."""
    return [span for span in spans if span.kind == "client" and "crossplay.platform" in span.attributes]


async def requests_of(stack: Stack) -> list[Json]:
    return [
        call
        for platform in stack.system.sandbox_urls
        for call in (await stack.control(platform, "requests?calls=1"))["calls"]
    ]


async def test_every_request_of_a_transfer_is_a_span_of_its_trace(
    traced_stack: Stack, worlds: Worlds, receiver: OtlpReceiver
) -> None:
    stack = traced_stack
    await stack.refresh()

    status = await stack.user.end(await stack.start(worlds.movable))

    requests = await requests_of(stack)
    trace_id = status["trace_id"]

    async def have_all_arrived() -> bool:
        return len(calls_in(receiver.trace(trace_id))) >= len(requests)

    await wait_until(have_all_arrived, patience_s=PATIENCE_S)
    spans = receiver.trace(trace_id)
    assert await stack.flaws(worlds.movable, status) == []
    assert len(calls_in(spans)) == len(requests)
    assert {span.service for span in spans} == {"crossplay-gateway", "crossplay-worker"}
    assert {span.attributes.get("crossplay.phase") for span in spans if span.kind == "consumer"} == {
        *("read", "match", "write", "verify")
    }


async def test_killed_worker_leaves_one_trace_that_lacks_only_its_last_moments(
    traced_stack: Stack, worlds: Worlds, receiver: OtlpReceiver
) -> None:
    stack = traced_stack
    await stack.refresh()
    await stack.arm("apple_music", {"operation": "add_items", "kind": "delay", "delay_ms": 400})
    transfer_id = await stack.start(worlds.road_trip)
    await stack.writes_begin("apple_music")
    victim = await stack.at_work(transfer_id)
    assert victim is not None

    await stack.kill(victim)

    killed_at_s = time.time()
    status = await stack.user.end(transfer_id)
    requests = await requests_of(stack)
    trace_id = status["trace_id"]
    # A call is counted when it is answered; the one under way took a while longer.
    lost_at_most: int = sum(-0.5 < call["at_s"] - killed_at_s < 0.6 for call in requests)

    async def have_most_arrived() -> bool:
        return lost_at_most >= len(requests) - len(calls_in(receiver.trace(trace_id)))

    await wait_until(have_most_arrived, patience_s=PATIENCE_S)
    of_transfer = [
        span for span in receiver.spans if span.attributes.get("crossplay.transfer_id") == transfer_id
    ]
    assert await stack.flaws(worlds.road_trip, status) == []
    assert {span.trace_id for span in of_transfer} == {trace_id}
    assert len(calls_in(receiver.trace(trace_id))) <= len(requests)
    assert max(span.attributes.get("crossplay.epoch", 0) for span in of_transfer) > 1  # it was taken over


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

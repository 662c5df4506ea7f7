"""A live gateway and live workers are scraped: every instrument is there, and use makes no new series."""

import asyncio
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.fleet_gauges import GAUGES
from shared.instruments import INSTRUMENTS
from tests.e2e.stack import Stack, wait_until
from tests.e2e.worlds import Worlds
from tests.waiting import within

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

PROMTOOL = shutil.which("promtool")
PATIENCE_S = 20.0
# Nothing is told of what these servers do not have: a limit of Redis' memory.
UNTOLD = {"crossplay_redis_memory_limit_bytes"}

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scrape(stack: Stack) -> dict[str, str]:
    """Return what each process tells a Prometheus server."""
    async with aiohttp.ClientSession() as http:
        texts = {}
        for name, url in stack.system.probe_urls.items():
            async with http.get(f"{url}/metrics") as response:
                assert response.status == 200
                texts[name] = await response.text()
    return texts


def series_of(texts: dict[str, str]) -> Series:
    """Return all series of all processes, counters and buckets added up."""
    series: Series = {}
    for text in texts.values():
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                if family.name not in ("target", "target_info"):
                    series[key] = series.get(key, 0) + sample.value
    return series


async def test_a_scrape_after_a_transfer_tells_every_instrument(stack: Stack, worlds: Worlds) -> None:
    status = await stack.user.end(await stack.start(worlds.movable))
    series: Series = {}

    async def is_complete() -> bool:
        series.clear()
        series.update(series_of(await scrape(stack)))
        told = {name.removesuffix("_bucket") for name, _ in series}
        # Workers that another test has killed are counted for a few seconds more.
        worker_count = sum(value for (name, _), value in series.items() if name == "crossplay_workers")
        return {one.prometheus_name for one in INSTRUMENTS} - UNTOLD <= told and worker_count == 2

    await wait_until(is_complete, patience_s=PATIENCE_S)  # the fleet is counted every few seconds
    total: dict[str, float] = {}
    for (name, _), value in series.items():
        total[name] = total.get(name, 0) + value
    assert total["crossplay_transfers_total"] >= 1
    assert total["crossplay_tracks_total"] >= status["counts"]["total"]
    assert total["crossplay_checkpoint_duration_seconds_count"] >= 4
    assert (
        total["crossplay_upstream_requests_total"]
        == total["crossplay_upstream_request_duration_seconds_count"]
    )
    assert total["crossplay_transfer_duration_seconds_count"] == total["crossplay_transfers_total"]
    assert series["http_server_request_duration_seconds_count", _route("POST", "202", "/transfer")] >= 1


@pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool (apt-get install prometheus)")
async def test_promtool_finds_no_fault_in_a_live_scrape(stack: Stack) -> None:
    texts = await scrape(stack)

    for text in texts.values():
        command = [str(PROMTOOL), "check", "metrics"]
        checked = await asyncio.to_thread(
            subprocess.run, command, input=text.encode(), capture_output=True, timeout=60, check=False
        )
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
    assert len(texts) >= 3


async def test_more_users_and_transfers_make_no_new_series(stack: Stack, worlds: Worlds) -> None:
    await stack.user.end(await stack.start(worlds.movable))
    before = {key for key in series_of(await scrape(stack)) if _is_counted(key[0])}

    async with stack.new_user("second of metrics") as user:
        ids = [await user.start(worlds.movable.platform, worlds.movable.name, worlds.movable.target)]
        ids += [await stack.start(worlds.movable) for _ in range(2)]
        for transfer_id, owner in zip(ids, (user, stack.user, stack.user), strict=True):
            await owner.end(transfer_id)
    texts = await scrape(stack)
    after = {key for key in series_of(texts) if _is_counted(key[0])}

    assert after - before == set()
    assert not [text for text in texts.values() if any(transfer_id in text for transfer_id in ids)]


async def test_what_goes_wrong_on_the_way_is_counted(stack: Stack, worlds: Worlds) -> None:
    await stack.forget_answers()
    before = series_of(await scrape(stack))
    await stack.control("spotify", "tokens/revoke", method="POST", body={"kind": "access"})
    await stack.arm(
        "apple_music",
        {"operation": "lookup_isrc", "kind": "rate_limit", "retry_after_s": 1, "count": 1},
        {"operation": "create_playlist", "kind": "drop", "count": 1},
        {"operation": "add_items", "kind": "applied_then_lost", "count": 1},
    )

    status = await stack.user.end(await stack.start(worlds.movable))
    after = series_of(await scrape(stack))

    def more(name: str, **labels: str) -> float:
        key = (name, tuple(sorted((f"crossplay_{label}", value) for label, value in labels.items())))
        return after[key] - before.get(key, 0)

    assert await stack.flaws(worlds.movable, status) == []
    assert more("crossplay_token_refreshes_total", platform="spotify", result="refreshed") == 1
    assert more("crossplay_ratelimit_cooldowns_total", platform="apple_music") == 1
    assert more("crossplay_readbacks_total", platform="apple_music", result="absent") == 1
    assert more("crossplay_readbacks_total", platform="apple_music", result="applied") == 1
    assert more("crossplay_jobs_total", platform="apple_music", phase="write", verdict="retry") == 2
    requests = {"platform": "apple_music", "operation": "find_by_isrc"}
    assert more("crossplay_upstream_requests_total", **requests, status="429") == 1


async def test_a_path_that_is_none_makes_no_label_of_its_own(stack: Stack) -> None:
    assert await stack.answers_at("/nowhere/cp_live_canary") == 404

    texts = await scrape(stack)
    series = series_of(texts)

    assert series["http_server_request_duration_seconds_count", _route("GET", "404", "unmatched")] >= 1
    assert "canary" not in texts["gateway"]


async def test_no_secret_is_in_a_scrape(stack: Stack) -> None:
    settings = stack.system.settings
    secrets = {
        stack.system.api_key,
        settings["CROSSPLAY_SECRET_KEYS"].partition(":")[2],
        settings["CROSSPLAY_APPLE_MUSIC_PRIVATE_KEY"].splitlines()[1],
        settings["CROSSPLAY_DATABASE_URL"].split("@")[0].rpartition(":")[2],
        *(token for path in stack.data_dir.glob("sandbox-*/*.jsonl") for token in _tokens(path)),
    }

    texts = await scrape(stack)

    assert len(secrets) > 5
    assert not [secret for secret in secrets for text in texts.values() if secret in text]


async def test_a_worker_that_drains_is_alive_and_not_ready(stack: Stack, worlds: Worlds) -> None:
    await stack.arm("apple_music", {"operation": "add_items", "kind": "delay", "delay_ms": 800})
    before = [await health(url) for url in stack.system.probe_urls.values()]
    transfer_id = await stack.start(worlds.movable)
    await stack.writes_begin("apple_music")
    worker = await stack.next_at_work(transfer_id)
    url = stack.system.probe_urls[worker.name]

    worker.send_signal(signal.SIGTERM)

    async with aiohttp.ClientSession() as http:

        async def is_leaving() -> bool:
            async with http.get(f"{url}/readyz") as response:
                answer = await response.json()
            return bool(answer["checks"]["process"]["detail"] == "This process is about to stop.")

        await wait_until(is_leaving)
        async with http.get(f"{url}/healthz") as response:
            alive = response.status
    ended = await within(worker.wait())
    after = await health(url)
    await stack.user.end(transfer_id)
    assert before == [(0, "ready")] * 3
    assert (alive, ended) == (200, 0)
    assert after[0] == 1
    assert after[1].startswith("crossplay: Nobody answers at 127.0.0.1, port ")


async def health(url: str) -> tuple[int, str]:
    """Ask as a container's health check does; return the exit code and what was said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli.health", "--url", url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await within(process.communicate())
    return process.returncode or 0, out.decode().strip()


def _is_counted(name: str) -> bool:
    gauges = {one.prometheus_name for one in GAUGES}
    # What a platform answers is not known before, so a status may come late; so may a path's.
    return name not in gauges and not name.startswith("http_server") and "upstream" not in name


def _route(method: str, status: str, route: str) -> tuple[tuple[str, str], ...]:
    return (
        ("http_request_method", method),
        ("http_response_status_code", status),
        ("http_route", route),
    )


def _tokens(journal: Path) -> list[str]:
    changes = [msgspec.json.decode(line) for line in journal.read_bytes().splitlines()]
    return [change["token"]["value"] for change in changes if change.get("token")]

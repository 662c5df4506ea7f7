"""A real Prometheus scrapes live processes, and is asked all that dashboards, rules and runbook ask."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml

from deploy.dev.processes import Process, ProcessSpec
from deploy.dev.servers import start_on_free_port
from tests.e2e.stack import Json, Stack, wait_until
from tests.e2e.worlds import Worlds
from tests.promql import labels_of, metrics_of
from tests.runbook import ALERTS, questions, rules

PROMETHEUS = shutil.which("prometheus")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(PROMETHEUS is None, reason="no prometheus (apt-get install prometheus)"),
]

SCRAPES_IN_RANGE = "20s"  # what stands for $__rate_interval, at a scrape each second
# Not told by every healthy fleet, or of the processes themselves and not of Crossplay.
OPTIONAL = {"crossplay_redis_memory_limit_bytes"}
RECORDED = {rule["record"] for rule in rules() if "record" in rule}
WITHOUT_ANSWER = {
    "Redis B": "no maxmemory is set",
    "Share of requests that fail A": "no request has failed",
}


class Api:
    """Prometheus' own API."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def get(self, path: str, **params: str) -> Any:
        async with self._http.get(f"{self._url}/api/v1/{path}", params=params) as response:
            answer = await response.json()
        assert answer["status"] == "success", answer
        return answer["data"]

    async def ask(self, expr: str) -> list[Json]:
        """Ask a question as Grafana would, for all platforms."""
        asked = expr.replace("$__rate_interval", SCRAPES_IN_RANGE).replace("$platform", ".+")
        answers: list[Json] = (await self.get("query", query=asked))["result"]
        return answers

    async def labels(self, metric: str) -> set[str]:
        return set(await self.get("labels", **{"match[]": metric}))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(
    common_stack: Stack, worlds: Worlds, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    """A Prometheus that has seen a transfer from before its start to after its end."""
    directory = tmp_path_factory.mktemp("prometheus")
    stack = common_stack
    await stack.refresh()
    await stack.forget_answers()
    async with aiohttp.ClientSession() as http:
        process, port = await start(directory, stack)
        try:
            api = Api(f"http://127.0.0.1:{port}", http)
            await wait_until(lambda: is_scraped(api, stack))
            status = await stack.user.end(await stack.start(worlds.movable))
            assert await stack.flaws(worlds.movable, status) == []
            await wait_until(lambda: has_seen_the_end(api))
            yield api
        finally:
            await process.stop()


async def start(directory: Path, stack: Stack) -> tuple[Process, int]:
    """Start a Prometheus with our rules, which scrapes all processes of the stack."""
    config = directory / "prometheus.yml"
    config.write_text(yaml.safe_dump(configuration(stack)))
    command = (
        *(str(PROMETHEUS), f"--config.file={config}", f"--storage.tsdb.path={directory / 'data'}"),
        "--log.level=warn",
    )
    spec = ProcessSpec(
        name="prometheus",
        command=command,
        log_path=directory / "prometheus.log",
        environment={},
        cwd=directory,
    )

    async def answers(port: int) -> bool:
        try:
            async with aiohttp.request("GET", f"http://127.0.0.1:{port}/-/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    return await start_on_free_port(
        lambda port: ProcessSpec(
            name=spec.name,
            command=(*command, f"--web.listen-address=127.0.0.1:{port}"),
            log_path=spec.log_path,
            environment={},
            cwd=directory,
        ),
        answers=answers,
        ready_timeout_s=30,
        stop_timeout_s=10,
    )


def configuration(stack: Stack) -> Json:
    jobs: dict[str, list[str]] = {}
    for name, url in stack.system.probe_urls.items():
        jobs.setdefault(name.split("-")[0], []).append(url.removeprefix("http://"))
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [
            {"job_name": f"crossplay-{role}", "static_configs": [{"targets": targets}]}
            for role, targets in jobs.items()
        ],
    }


async def is_scraped(api: Api, stack: Stack) -> bool:
    """Whether all processes answer, and one of them tells of the fleet."""
    up = await api.ask('up{job=~"crossplay-.*"} == 1')
    return len(up) == len(stack.system.probe_urls) and bool(await api.ask("max(crossplay_workers)"))


async def has_seen_the_end(api: Api) -> bool:
    """Whether a rate can be told of what comes last, and what is counted seldom was counted."""
    last = (
        'rate(crossplay_transfers_total{crossplay_state="completed"}[$__rate_interval]) > 0',
        "rate(crossplay_transfer_duration_seconds_count[$__rate_interval])",
        "crossplay_connection_expires_seconds",
        "rate(http_server_request_duration_seconds_count[$__rate_interval])",
    )
    return all([await api.ask(expr) for expr in last])


async def test_every_metric_that_is_asked_for_exists(api: Api) -> None:
    told = set(await api.get("label/__name__/values"))

    missing = {
        place: sorted(absent)
        for place, expr in questions().items()
        if (absent := metrics_of(expr) - told - OPTIONAL - RECORDED)
    }
    assert missing == {}


async def test_every_label_that_is_asked_for_exists(api: Api) -> None:
    asked = set().union(*(labels_of(expr) for expr in questions().values()))
    metrics = sorted({metric for metric, _ in asked} - OPTIONAL)
    has = dict(zip(metrics, await asyncio.gather(*(api.labels(metric) for metric in metrics)), strict=True))

    assert {(metric, label) for metric, label in asked if metric in has and label not in has[metric]} == set()


async def test_prometheus_understands_every_question_and_has_an_answer_to_those_of_panels(api: Api) -> None:
    silent: set[str] = set()

    async def is_answered() -> bool:
        answers = {place: await api.ask(expr) for place, expr in questions().items()}
        silent.clear()
        silent.update(
            place.split(".json ")[1] for place, answer in answers.items() if ".json " in place and not answer
        )
        return silent <= set(WITHOUT_ANSWER)

    await wait_until(is_answered)  # a process that is busy may miss a scrape, and a rate needs two


async def test_all_rules_work_and_no_alert_fires_in_a_healthy_fleet(api: Api) -> None:
    told = [rule for group in (await api.get("rules"))["groups"] for rule in group["rules"]]

    assert len(told) == len(rules())
    assert {rule["name"]: rule.get("lastError") for rule in told if rule["health"] != "ok"} == {}
    assert [rule["name"] for rule in told if rule.get("state") == "firing"] == []

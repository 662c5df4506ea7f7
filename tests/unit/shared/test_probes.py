"""The private port: metrics, life and readiness on a real socket."""

import socket
from typing import Any

import aiohttp
import pytest

from shared.errors import SettingsError
from shared.instrument import Role
from shared.probes import Faults, Probes, listening
from shared.settings import Settings

FREE = Settings(metrics_port=0)


def probes(*, faults: Faults | None = None, lacks: Faults | None = None) -> Probes:
    async def ask() -> Faults:
        return lacks or {"postgres": None}

    return Probes(role=Role.WORKER, faults=lambda: faults or {}, lacks=ask)


async def get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.json()


async def test_a_process_that_is_well_says_so() -> None:
    async with listening(FREE, probes()) as url:
        live, ready = await get(f"{url}/healthz"), await get(f"{url}/readyz")

    assert live == (200, {"status": "ok", "checks": {}})
    assert ready == (200, {"status": "ready", "checks": {"postgres": {"ok": True, "detail": None}}})


async def test_what_it_lacks_makes_it_unready_and_not_dead() -> None:
    async with listening(FREE, probes(lacks={"redis": "Does not answer."})) as url:
        live, ready = await get(f"{url}/healthz"), await get(f"{url}/readyz")

    assert live[0] == 200
    assert ready == (
        503,
        {"status": "not_ready", "checks": {"redis": {"ok": False, "detail": "Does not answer."}}},
    )


async def test_a_part_that_has_ended_makes_it_dead_and_unready() -> None:
    async with listening(FREE, probes(faults={"census": "Has ended."})) as url:
        live, ready = await get(f"{url}/healthz"), await get(f"{url}/readyz")

    assert live == (503, {"status": "failing", "checks": {"census": {"ok": False, "detail": "Has ended."}}})
    assert ready[0] == 503


async def test_metrics_are_told_as_prometheus_wants_them() -> None:
    async with (
        listening(FREE, probes()) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/metrics") as response,
    ):
        text = await response.text()

    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE crossplay_jobs_total counter\n" in text
    assert "http_server_request_duration" not in text  # that is the gateway's


async def test_nothing_listens_where_no_port_is_set() -> None:
    async with listening(Settings(), probes()) as url:
        assert url is None


async def test_a_port_that_is_taken_is_told_with_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(SettingsError, match=f"CROSSPLAY_METRICS_PORT: .*127.0.0.1, port {port}: "):
            async with listening(Settings(metrics_port=port), probes()):
                pass


async def test_a_host_that_is_none_of_this_machine_is_told() -> None:
    with pytest.raises(SettingsError, match=r"nobody can listen on 192\.0\.2\.1, port 9464"):
        async with listening(Settings(metrics_host="192.0.2.1", metrics_port=9464), probes()):
            pass

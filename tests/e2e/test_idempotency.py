"""A client that repeats its request gets one transfer, also when the gateway dies that it spoke to."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec
import pytest

from deploy.dev.processes import Process, ProcessSpec
from tests.e2e.stack import Stack
from tests.e2e.worlds import Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

REQUEST_COUNT = 100
COUNT = "SELECT count(*) FROM transfers WHERE idempotency_key = $1"


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """was_cut: the first gateway broke off, and the other one was asked."""

    status: int
    transfer_id: str
    is_replayed: bool
    was_cut: bool


@asynccontextmanager
async def second_gateway(stack: Stack) -> AsyncIterator[tuple[Process, str]]:
    """Start one more gateway on the same stores; gives its address, too."""
    process = await Process.start(
        ProcessSpec(
            name="gateway-2",
            command=(sys.executable, "-m", "gateway", "--json"),
            log_path=stack.data_dir / "logs" / "gateway-2.log",
            environment={**stack.system.settings, "CROSSPLAY_PORT": "0"},
            reads_stdout=True,
        )
    )
    try:
        yield process, str((await process.read_ready_line(timeout_s=60.0))["gateway"])
    finally:
        await process.stop()


async def test_a_hundred_posts_of_one_key_are_one_transfer_when_a_gateway_is_killed_half_way(
    stack: Stack, worlds: Worlds
) -> None:
    cut, key = worlds.movable, f"storm-{secrets.token_hex(4)}"
    body = {
        "source": {"platform": cut.platform, "playlist": cut.name},
        "target": {"platform": cut.target, "name": f"{cut.name} {key}"},
    }
    headers = {"Authorization": f"Bearer {stack.user.key}", "Idempotency-Key": key}
    first_answer = asyncio.Event()
    await stack.user.get("/playlists", params={"platform": cut.platform})  # so that no platform is asked

    async with (
        second_gateway(stack) as (process, url),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=REQUEST_COUNT), headers=headers) as client,
    ):

        async def post(address: str, *, was_cut: bool = False) -> Accepted:
            async with client.post(f"{address}/transfer", json=body) as response:
                answer = await response.json()
                first_answer.set()
                return Accepted(
                    status=response.status,
                    transfer_id=str(answer.get("id")),
                    is_replayed="Idempotent-Replayed" in response.headers,
                    was_cut=was_cut,
                )

        async def post_until_answered(address: str) -> Accepted:
            try:
                return await post(address)
            except aiohttp.ClientConnectionError:
                return await post(stack.system.gateway_url, was_cut=True)

        async def kill() -> None:
            await first_answer.wait()
            await process.kill()

        addresses = (stack.system.gateway_url, url)
        killing = asyncio.create_task(kill())
        accepted = await asyncio.gather(
            *(post_until_answered(addresses[number % 2]) for number in range(REQUEST_COUNT))
        )
        await killing
    status = await stack.user.end(accepted[0].transfer_id)

    assert {one.status for one in accepted} == {202}
    assert len({one.transfer_id for one in accepted}) == 1
    assert [one.is_replayed for one in accepted].count(False) <= 1  # the first answer may be lost
    assert any(one.was_cut for one in accepted)
    assert await stack.fetch(COUNT, key) == 1
    assert await stack.flaws(cut, status) == []

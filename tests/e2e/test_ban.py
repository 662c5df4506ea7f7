"""A platform bans us for thirteen hours in the middle of a transfer: it gets its silence, nothing is lost."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from tests.e2e.stack import Stack, wait_until
from tests.e2e.worlds import Cut, Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

BAN_S = 48_925  # the longest that was measured of a development mode app
MOST_LATE_S = 30


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """When the ban strikes: at a call of this operation after so many others of it."""

    playlist: str
    operation: str
    after: int


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_stack(tmp_path_factory: pytest.TempPathFactory, worlds: Worlds) -> AsyncIterator[Stack]:
    """A system whose Spotify lives half a day ahead afterwards."""
    data_dir: Path = tmp_path_factory.mktemp("ban")
    async with Stack.run(data_dir, worlds=worlds.paths, latency_ms=15) as stack:
        yield stack


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer that waits for a platform, and for how long from when it was seen."""

    platform: str
    revision: int
    wait_s: float


async def at_rest(stack: Stack, transfer_id: str, *, after_revision: int = 0) -> Rest:
    """Wait until a transfer is paused by a limit and nobody is at it any more."""

    async def is_at_rest() -> bool:
        is_newer = (await stack.user.status(transfer_id))["revision"] > after_revision
        return is_newer and await stack.is_resting(transfer_id, reason="rate_limited")

    await wait_until(is_at_rest)
    status = await stack.user.status(transfer_id)
    paused = status["paused"]
    wait_s = (datetime.fromisoformat(paused["resume_at"]) - datetime.now(UTC)).total_seconds()
    return Rest(platform=paused["platform"], revision=status["revision"], wait_s=wait_s)


async def resumed_in_vain(stack: Stack, transfer_id: str, *, before: Rest) -> Rest:
    """Press resume, which raises the revision, and wait until the transfer rests again."""
    await stack.user.post(f"/status/{transfer_id}/resume", {})
    return await at_rest(stack, transfer_id, after_revision=before.revision + 1)


async def listing_status(stack: Stack) -> int:
    """Ask for the playlists of the banned platform; return the status of the answer."""
    url = f"{stack.system.gateway_url}/playlists?platform=spotify&refresh=true"
    headers = {"Authorization": f"Bearer {stack.user.key}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        return answer.status


@pytest.mark.parametrize(
    "moment",
    [
        # First, for afterwards all answers are known and nothing is looked up any more.
        pytest.param(Moment(playlist="home", operation="search", after=20), id="target-in-a-look-up"),
        pytest.param(Moment(playlist="home", operation="create_playlist", after=0), id="target-in-creation"),
        pytest.param(Moment(playlist="home", operation="add_items", after=0), id="target-in-a-write"),
        pytest.param(Moment(playlist="home", operation="list_items", after=0), id="target-in-the-proof"),
        pytest.param(Moment(playlist="road_trip", operation="list_items", after=1), id="source"),
    ],
)
async def test_ban_of_thirteen_hours_is_kept_by_everybody_and_costs_no_track(
    own_stack: Stack, worlds: Worlds, moment: Moment
) -> None:
    stack, cut = own_stack, _cut(worlds, moment)
    await stack.refresh()
    await stack.arm(
        "spotify", {"kind": "quota", "operation": moment.operation, "after": moment.after, "count": 1}
    )

    transfer_id = await stack.start(cut)
    rests = [await at_rest(stack, transfer_id)]
    await stack.control("spotify", "requests", method="DELETE")
    rests.append(await resumed_in_vain(stack, transfer_id, before=rests[-1]))
    for worker in list(stack.workers):
        await stack.kill(worker)
        await stack.system.add_worker()
        rests.append(await resumed_in_vain(stack, transfer_id, before=rests[-1]))
    refusal = await listing_status(stack)
    request_count = await stack.request_count("spotify")
    await stack.pass_time(BAN_S + MOST_LATE_S, platform="spotify")
    ended = await stack.user.end(transfer_id)

    for rest in rests:
        assert rest.platform == "spotify"
        assert BAN_S - MOST_LATE_S < rest.wait_s <= BAN_S + 1
    assert refusal == HTTPStatus.TOO_MANY_REQUESTS
    assert request_count == 0
    assert await stack.flaws(cut, ended) == []
    assert "429" not in (await stack.control("spotify", "requests"))["by_status"]


def _cut(worlds: Worlds, moment: Moment) -> Cut:
    cut: Cut = getattr(worlds, moment.playlist)
    return cut

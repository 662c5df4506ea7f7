"""What every adapter makes of a platform's refusals and failures."""

import pytest

from shared.errors import (
    PlatformAnswerInvalid,
    PlatformError,
    PlatformNotFound,
    PlatformRejected,
    PlatformUnavailable,
    RateLimited,
    ReconnectRequired,
)
from shared.models import Isrc
from shared.platforms.profile import REQUESTS
from tests.contract.sandboxes import FLAVORS, Stage, line
from worker.matching.query import Query

REFRESHING = sorted(name for name in FLAVORS if FLAVORS[name].can_refresh)


async def read(stage: Stage) -> None:
    playlist_id = await stage.playlist_named("Odd Rows")
    await stage.adapter.read_items(playlist_id)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_passing_server_fault_of_a_read_is_not_noticed(stage: Stage, status: int) -> None:
    await stage.fault("status", operation="list_items", status=status, count=1)

    await read(stage)

    assert len(await stage.calls("list_items")) == 2


async def test_broken_connection_of_a_read_is_not_noticed(stage: Stage) -> None:
    await stage.fault("drop", operation="list_items", count=2)

    await read(stage)

    assert len(await stage.calls("list_items")) == 3


@pytest.mark.parametrize("kind", ["html", "drop"])
async def test_lasting_fault_of_a_read_is_given_up_after_few_attempts(stage: Stage, kind: str) -> None:
    await stage.fault(kind, operation=stage.flavor.head)

    with pytest.raises(PlatformUnavailable) as caught:
        await stage.adapter.get_playlist(await stage.playlist_named("Odd Rows"))

    assert (caught.value.platform, caught.value.operation) == (stage.platform, "get_playlist")
    # Once more from aiohttp itself, where a kept-alive connection broke.
    assert 3 <= len(await stage.calls(stage.flavor.head)) <= 6


async def test_platform_that_never_answers_is_unavailable(impatient: Stage) -> None:
    await impatient.fault("timeout", operation=impatient.flavor.head)

    with pytest.raises(PlatformUnavailable) as caught:
        await impatient.adapter.get_playlist(await impatient.playlist_named("Odd Rows"))

    assert caught.value.status is None


async def test_unreadable_success_is_an_invalid_answer(stage: Stage) -> None:
    await stage.fault("garbage", operation="list_items")

    with pytest.raises(PlatformAnswerInvalid):
        await read(stage)


@pytest.mark.parametrize(("told_s", "waited_s"), [(7, 7.0), (48925, 48925.0), (None, None)])
async def test_rate_limit_is_told_with_its_wait_and_asked_once(
    stage: Stage, told_s: int | None, waited_s: float | None
) -> None:
    await stage.fault("rate_limit", operation="list_items", retry_after_s=told_s, plain_text=told_s is None)

    with pytest.raises(RateLimited) as caught:
        await read(stage)

    longest_s = waited_s or stage.platforms.profile(stage.platform).backoff_s
    shortest_s = waited_s or longest_s / 2  # jitter, where the platform does not say
    assert shortest_s <= caught.value.retry_after_s <= longest_s
    assert stage.budget.cool_downs == [(REQUESTS, caught.value.retry_after_s)]
    assert len(await stage.calls("list_items")) == 1


async def test_rate_limited_look_up_never_looks_like_an_unknown_track(stage: Stage) -> None:
    await stage.fault("rate_limit", operation="search")
    if stage.capabilities.isrc_batch and stage.flavor.look_up[0] != "search":
        await stage.fault("rate_limit", operation=stage.flavor.look_up[0])

    if stage.capabilities.isrc_batch:
        with pytest.raises(RateLimited):
            await stage.adapter.find_by_isrc([Isrc(line(1)["isrc"])])
    with pytest.raises(RateLimited):
        await stage.adapter.search(Query(plain="Harbour Light", title="Harbour Light", artist="Quiet Engine"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, PlatformRejected), (404, PlatformNotFound), (410, PlatformNotFound), (451, PlatformRejected)],
)
async def test_refusal_is_told_apart_and_not_repeated(
    stage: Stage, status: int, kind: type[PlatformError]
) -> None:
    await stage.fault("status", operation="list_items", status=status)

    with pytest.raises(kind) as caught:
        await read(stage)

    assert (caught.value.status, caught.value.operation) == (status, "read_items")
    assert len(await stage.calls("list_items")) == 1


async def test_refused_permission_is_the_users_matter(stage: Stage) -> None:
    await stage.fault("status", operation="list_items", status=403)

    with pytest.raises(stage.flavor.forbidden):
        await read(stage)

    assert len(await stage.calls("list_items")) == 1


async def test_playlist_that_is_not_there_is_not_found(stage: Stage) -> None:
    playlist_id = stage.flavor.absent_playlist

    with pytest.raises(PlatformNotFound):
        await stage.adapter.get_playlist(playlist_id)
    with pytest.raises(PlatformNotFound):
        await stage.adapter.read_items(playlist_id)


async def test_dead_access_token_is_replaced_once_where_that_is_possible(stage: Stage) -> None:
    await stage.order("POST", "tokens/revoke", {"kind": stage.flavor.revoked})

    if stage.flavor.can_refresh:
        await read(stage)
    else:
        with pytest.raises(ReconnectRequired):
            await read(stage)
    assert len(stage.session.rejected) == 1


async def test_dead_tokens_ask_for_a_new_connection(stage: Stage) -> None:
    await stage.order("POST", "tokens/revoke", {})

    with pytest.raises(ReconnectRequired):
        await stage.adapter.account()


@pytest.mark.parametrize("flavor", REFRESHING, indirect=True)
async def test_write_with_a_dead_access_token_is_repeated_once(stage: Stage) -> None:
    await stage.order("POST", "tokens/revoke", {"kind": "access"})
    gate_count = 0

    def gate() -> None:
        nonlocal gate_count
        gate_count += 1

    playlist = await stage.create("Night Drive", description="<tr_1>", gate=gate)

    assert await stage.truth(playlist.id) == []
    statuses = [call["status"] for call in await stage.calls("create_playlist")]
    assert statuses == ["401", stage.flavor.created_status]
    assert gate_count == 2


async def test_error_text_names_the_platform_and_shows_neither_token_nor_body(stage: Stage) -> None:
    body = {"error": "Bearer abcdef is not welcome"}
    await stage.fault("status", operation="list_items", status=400, body=body)

    with pytest.raises(PlatformRejected) as caught:
        await read(stage)

    text = str(caught.value)
    assert text.startswith(f"{stage.platforms.label(stage.platform)} ")
    assert "abcdef" not in text
    assert (await stage.session.tokens()).access_token not in text


async def test_each_attempt_passes_the_budget(stage: Stage) -> None:
    granted_before = sum(budget.granted_count for budget in stage.budgets.by_key.values())
    await stage.fault("status", operation=stage.flavor.head, status=502, count=2)
    playlist_id = await stage.playlist_named("Odd Rows")

    await stage.adapter.get_playlist(playlist_id)

    others = len(await stage.calls("me"))
    assert len(await stage.calls(stage.flavor.head)) == 3
    assert stage.budget.granted_count - granted_before == 3 + others

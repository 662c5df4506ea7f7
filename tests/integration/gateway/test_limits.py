"""Requests per key, counted by all gateways together, and wrong keys per address."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import unused_port

from shared import key_text
from shared.db.pool import Pool
from shared.models import UserId
from shared.secret import Secret
from shared.settings import Settings
from tests.integration.gateway.conftest import Caller, Reply, Serve, new_caller, transfer_body
from tests.waiting import within

pytestmark = pytest.mark.integration

NOBODY = UserId("")
RATE_LIMIT = re.compile(r'"default";r=(\d+);t=(\d+)')


def limited(settings: Settings, **changes: Any) -> Settings:
    return msgspec.structs.replace(settings, **changes)


def left(reply: Reply) -> tuple[int, int]:
    """Return the requests that are left and the seconds until all are there again."""
    parts = RATE_LIMIT.fullmatch(reply.headers["RateLimit"])
    assert parts
    return int(parts[1]), int(parts[2])


async def statuses(call: Caller, path: str, *, count: int, **options: Any) -> Counter[int]:
    replies = await asyncio.gather(*(call("GET", path, **options) for _ in range(count)))
    return Counter(reply.status for reply in replies)


def wrong_key(number: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {key_text.compose(f'{number:016x}', secret='0' * 64)}"}


async def test_answers_tell_what_is_left_and_the_next_one_too_many_when_to_come_again(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    client = await serve(limited(settings, key_requests_per_minute=3))
    call = await new_caller(client, pool, name="mira")

    answered = [await call("GET", path) for path in ("/connections", "/status/1", "/transfers")]
    refused = await call("GET", "/connections")

    assert [one.status for one in answered] == [200, 404, 200]
    assert [left(one)[0] for one in answered] == [2, 1, 0]
    assert {one.headers["RateLimit-Policy"] for one in answered} == {'"default";q=3;w=60'}
    assert left(answered[2])[1] in (59, 60)
    assert refused.problem() == (429, "too-many-requests")
    assert 18 <= int(refused.headers["Retry-After"]) <= 20
    assert left(refused)[0] == 0


async def test_by_default_a_key_may_make_six_hundred_requests(call: Caller) -> None:
    guarded = await call("GET", "/connections")
    is_open = await call("GET", "/version")

    assert guarded.headers["RateLimit-Policy"] == '"default";q=600;w=60'
    assert guarded.headers["RateLimit"] == '"default";r=599;t=1'
    assert "RateLimit" not in is_open.headers


async def test_what_is_not_limited_tells_of_no_limit(serve: Serve, settings: Settings, pool: Pool) -> None:
    client = await serve(limited(settings, key_requests_per_minute=0, failed_keys_per_minute=0))
    call = await new_caller(client, pool, name="mira")

    reply = await call("GET", "/connections")

    assert reply.status == 200
    assert not {"RateLimit", "RateLimit-Policy"} & set(reply.headers)
    assert await statuses(call, "/connections", count=70, headers=wrong_key(1)) == {401: 70}


async def test_two_gateways_share_one_limit_among_a_hundred_requests_at_once(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    clients = [await serve(limited(settings, key_requests_per_minute=20)) for _ in range(2)]
    first = await new_caller(clients[0], pool, name="mira")
    second = Caller(clients[1], key=first.key, user_id=first.user_id)

    counts = await asyncio.gather(
        statuses(first, "/connections", count=50), statuses(second, "/connections", count=50)
    )

    total = counts[0] + counts[1]
    assert set(total) == {200, 429}
    assert 20 <= total[200] <= 22  # one more comes every three seconds
    assert total.total() == 100


async def test_each_key_has_its_own_limit(serve: Serve, settings: Settings, pool: Pool) -> None:
    client = await serve(limited(settings, key_requests_per_minute=2))
    first = await new_caller(client, pool, name="mira")
    second = await new_caller(client, pool, name="mira")
    await statuses(first, "/connections", count=4)

    assert (await first("GET", "/connections")).status == 429
    assert (await second("GET", "/connections")).status == 200


async def test_an_answer_that_nothing_has_changed_does_not_count(
    connected: Caller, serve: Serve, settings: Settings
) -> None:
    transfer = await connected("POST", "/transfer", json=transfer_body())
    path, headers = f"/status/{transfer.json['id']}", {"If-None-Match": transfer.headers["ETag"]}
    client = await serve(limited(settings, key_requests_per_minute=60))
    call = Caller(client, key=connected.key, user_id=connected.user_id)

    before = await call("GET", path)
    polled = [await call("GET", path, headers=headers) for _ in range(30)]
    after = await call("GET", path)

    assert [one.status for one in polled] == [304] * 30
    assert left(polled[0])[0] >= left(before)[0]
    assert left(after)[0] >= left(before)[0] - 1


async def test_a_long_poll_and_a_stream_count_once_and_tell_what_is_left(
    connected: Caller, serve: Serve, settings: Settings, pool: Pool
) -> None:
    transfer = await connected("POST", "/transfer", json=transfer_body())
    client = await serve(limited(settings, key_requests_per_minute=10))
    call = await new_caller(client, pool, name="mira")
    path = f"/status/{transfer.json['id']}"

    first = await call("GET", path, headers={"Prefer": "wait=1"})
    headers = {"Authorization": f"Bearer {call.key}"}
    async with client.get(f"{path}/events", headers=headers) as stream:
        second = await call("GET", path)

    told = RATE_LIMIT.fullmatch(stream.headers["RateLimit"])
    assert told
    assert [left(first)[0], int(told[1]), left(second)[0]] == [9, 8, 7]


async def test_without_redis_requests_are_answered_and_each_gateway_counts_by_itself(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    away = Secret(f"redis://127.0.0.1:{unused_port()}/0")
    changed = limited(settings, redis_url=away, key_requests_per_minute=5)
    first = await new_caller(await serve(changed), pool, name="mira")
    second = Caller(await serve(changed), key=first.key, user_id=first.user_id)

    counts = [await statuses(one, "/connections", count=8) for one in (first, second)]

    assert counts == [{200: 5, 429: 3}] * 2


@pytest_asyncio.fixture
async def silent_redis_url() -> AsyncIterator[Secret]:
    """A Redis that takes connections and never says a word."""
    over = asyncio.Event()

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    yield Secret(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    over.set()
    server.close()


async def test_a_redis_that_is_silent_is_waited_for_once_and_not_by_each_request(
    serve: Serve, settings: Settings, pool: Pool, silent_redis_url: Secret
) -> None:
    call = await new_caller(await serve(limited(settings, redis_url=silent_redis_url)), pool, name="mira")

    replies = await within(_one_after_the_other(call, count=40), patience_s=8)  # 20 s, if each one waited

    assert {reply.status for reply in replies} == {200}


async def _one_after_the_other(call: Caller, *, count: int) -> list[Reply]:
    return [await call("GET", "/connections") for _ in range(count)]


async def test_who_sends_too_many_wrong_keys_is_told_to_wait_and_others_work_on(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    client = await serve(limited(settings, failed_keys_per_minute=3))
    known = await new_caller(client, pool, name="mira")
    await known("GET", "/connections")

    wrong = [await known("GET", "/connections", headers=wrong_key(number)) for number in range(5)]
    newcomer = await new_caller(client, pool, name="jonas")
    unseen, seen, keyless = (
        await newcomer("GET", "/connections"),
        await known("GET", "/connections"),
        await known("GET", "/connections", headers={"Authorization": ""}),
    )

    assert [one.problem()[1] for one in wrong] == ["unauthenticated"] * 3 + ["too-many-requests"] * 2
    assert 1 <= int(wrong[-1].headers["Retry-After"]) <= 20
    assert unseen.problem() == (429, "too-many-requests")
    assert (seen.status, keyless.status) == (200, 401)


async def test_wrong_keys_are_counted_by_all_gateways_together(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    clients = [await serve(limited(settings, failed_keys_per_minute=4)) for _ in range(2)]
    callers = [Caller(client, key="", user_id=NOBODY) for client in clients]

    counts = [await statuses(one, "/connections", count=4, headers=wrong_key(1)) for one in callers]

    assert counts[0] == {401: 4}
    assert counts[1][429] >= 3


async def test_a_revoked_key_is_no_longer_one_that_was_good_here(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    client = await serve(limited(settings, failed_keys_per_minute=2))
    call = await new_caller(client, pool, name="mira")
    await call("GET", "/connections")
    await pool.execute("UPDATE api_keys SET revoked_at = now()")

    replies = [await call("GET", "/connections") for _ in range(3)]
    await pool.execute("UPDATE api_keys SET revoked_at = NULL")
    replies.append(await call("GET", "/connections"))

    assert [one.status for one in replies] == [401, 401, 429, 429]


async def test_a_forwarded_address_is_not_believed(serve: Serve, settings: Settings) -> None:
    call = Caller(await serve(limited(settings, failed_keys_per_minute=2)), key="", user_id=NOBODY)

    replies = []
    for number in range(4):
        headers = {**wrong_key(number), "X-Forwarded-For": f"192.0.2.{number}"}
        replies.append(await call("GET", "/connections", headers=headers))

    assert [one.status for one in replies] == [401, 401, 429, 429]

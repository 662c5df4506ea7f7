"""One Idempotency-Key is one transfer, however often and wherever it is asked for."""

import asyncio

import pytest

from shared.db.pool import Pool
from shared.models import Platform
from shared.settings import Settings
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, Serve, transfer_body

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("keys", [("k-1", "k-1"), ('"k-1"', '"k-1"'), ("k-1", '"k-1"')])
async def test_the_same_key_and_body_is_the_same_transfer(connected: Caller, keys: tuple[str, str]) -> None:
    body = transfer_body()
    other_form = {"target": body["target"], "source": dict(reversed(body["source"].items()))}

    first = await connected("POST", "/transfer", json=body, headers={"Idempotency-Key": keys[0]})
    again = await connected("POST", "/transfer", json=other_form, headers={"Idempotency-Key": keys[1]})

    assert (first.status, again.status) == (202, 202)
    assert first.json["id"] == again.json["id"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_key_with_another_body_is_refused(connected: Caller) -> None:
    headers = {"Idempotency-Key": "k-1"}
    await connected("POST", "/transfer", json=transfer_body(), headers=headers)

    reply = await connected("POST", "/transfer", json=transfer_body(policy="exact"), headers=headers)

    assert reply.problem() == (422, "idempotency-key-reused")


@pytest.mark.parametrize("gateway_count", [1, 2])
async def test_a_hundred_posts_at_once_with_one_key_make_one_transfer(
    connected: Caller, serve: Serve, settings: Settings, pool: Pool, gateway_count: int
) -> None:
    headers = {"Idempotency-Key": "storm"}
    clients = [connected.client, *[await serve(settings) for _ in range(gateway_count - 1)]]
    callers = [Caller(client, key=connected.key, user_id=connected.user_id) for client in clients]
    other_body = transfer_body(policy="exact")

    replies = await asyncio.gather(
        *(
            callers[number % gateway_count]("POST", "/transfer", json=transfer_body(), headers=headers)
            for number in range(100)
        )
    )
    others = await asyncio.gather(
        *(caller("POST", "/transfer", json=other_body, headers=headers) for caller in callers)
    )

    assert {reply.status for reply in replies} == {202}
    assert len({reply.json["id"] for reply in replies}) == 1
    assert [reply.headers.get("Idempotent-Replayed") for reply in replies].count("true") == 99
    assert {reply.problem() for reply in others} == {(422, "idempotency-key-reused")}
    assert await pool.fetchval("SELECT count(*) FROM transfers") == 1
    assert await pool.fetchval("SELECT count(*) FROM jobs") == 1


async def test_keys_belong_to_their_user(
    connected: Caller, stranger: Caller, platforms: FakePlatforms
) -> None:
    headers = {"Idempotency-Key": "k-1"}
    body = transfer_body(source={"platform": "apple_music", "playlist": "id-mix"})
    platforms.accounts[Platform.APPLE_MUSIC].add("id-mix", "Mix")
    await stranger.connect_apple_music()

    mine = await connected("POST", "/transfer", json=body, headers=headers)
    theirs = await stranger("POST", "/transfer", json=body, headers=headers)

    assert mine.json["id"] != theirs.json["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", '"open', "ümlaut"])
async def test_a_key_that_is_none_is_refused(connected: Caller, key: str) -> None:
    reply = await connected("POST", "/transfer", json=transfer_body(), headers={"Idempotency-Key": key})

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == ["/headers/Idempotency-Key"]

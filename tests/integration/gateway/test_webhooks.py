"""Webhooks through the API: made with a secret that is shown once, changed, replayed, and nobody else's."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from loguru import logger

from gateway.actions.keep_webhooks import LIMIT
from shared import webhook_secrets
from shared.cipher import Cipher
from shared.db import seals
from shared.db.pool import Pool
from shared.secret import Secret
from shared.settings import Settings, parse_key_ring
from shared.webhook_events import DEFAULT_EVENTS, SUBSCRIBABLE
from tests.integration.gateway.conftest import KEY_RING, PUBLIC_URL, Caller, Reply, Serve, new_caller

pytestmark = pytest.mark.integration

URL = "https://example.org/hooks/a-secret-path"
UNKNOWN_ID = "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"
SETTLE = "UPDATE webhook_deliveries SET state = 'failed', next_try_at = NULL, failure_count = 9 WHERE id = $1"


@pytest_asyncio.fixture
async def made(call: Caller) -> dict[str, Any]:
    reply = await call("POST", "/webhooks", json={"url": URL})
    assert reply.status == 201, reply.text
    webhook: dict[str, Any] = reply.json
    return webhook


@pytest.fixture
def log() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lines.append, level="DEBUG", format="{message} {extra} {exception}")
    yield lines
    logger.remove(sink)


async def deliveries(call: Caller, webhook_id: str, query: str = "") -> Reply:
    return await call("GET", f"/webhooks/{webhook_id}/deliveries{query}")


async def test_a_webhook_shows_its_secret_once_and_where_it_is(call: Caller) -> None:
    body = {"url": URL, "events": ["transfer.failed", "transfer.failed"], "description": "Pages me."}

    made = await call("POST", "/webhooks", json=body)
    shown = await call("GET", made.headers["Location"].removeprefix(PUBLIC_URL))
    listed = await call("GET", "/webhooks")

    secret = made.json.pop("secret")
    assert made.status == 201
    assert secret.startswith("whsec_")
    assert shown.json == made.json
    assert listed.json == {"items": [made.json], "next_cursor": None}
    assert (made.json["url"], made.json["description"]) == (URL, "Pages me.")
    assert made.json["events"] == ["transfer.failed"]
    assert (made.json["enabled"], made.json["disabled_reason"]) == (True, None)
    assert made.json["links"]["deliveries"] == f"/webhooks/{made.json['id']}/deliveries"


async def test_without_a_choice_all_is_told_but_progress(made: dict[str, Any]) -> None:
    assert made["events"] == list(DEFAULT_EVENTS)
    assert set(SUBSCRIBABLE) - set(made["events"]) == {"transfer.progress"}


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"url": "http://example.org/hook"}, "/url", "https://"),
        ({"url": "https://127.0.0.1/hook"}, "/url", "CROSSPLAY_WEBHOOK_ALLOWED_NETWORKS"),
        ({"url": "https://0x7f000001/hook"}, "/url", "four decimal numbers"),
        ({"url": "https://mira:pw@example.org/"}, "/url", "user and password"),
        ({"url": "https://example.org/#x"}, "/url", "#"),
        ({"url": "https://" + "a" * 3000}, "/url", "2000"),
        ({"url": None}, "/url", "str"),
        ({"events": []}, "/events", "length"),
        ({"events": ["transfer.done"]}, "/events/0", "transfer.completed"),
        ({"events": ["webhook.test"]}, "/events/0", "transfer.completed"),
        ({"description": "x" * 201}, "/description", "200"),
        ({"secret": "whsec_mine"}, "/secret", "unknown field"),
    ],
)
async def test_what_cannot_be_a_webhook_is_refused_at_its_field(
    call: Caller, change: dict[str, Any], pointer: str, words: str
) -> None:
    reply = await call("POST", "/webhooks", json={"url": URL, **change})

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == [pointer]
    assert words in reply.json["errors"][0]["detail"]
    assert (await call("GET", "/webhooks")).json["items"] == []


async def test_nobody_has_more_than_a_few(call: Caller, stranger: Caller) -> None:
    replies = [await call("POST", "/webhooks", json={"url": URL}) for _ in range(LIMIT + 1)]

    assert [reply.status for reply in replies] == [201] * LIMIT + [409]
    assert replies[-1].problem() == (409, "too-many-webhooks")
    assert replies[-1].json["limit"] == LIMIT
    assert (await stranger("POST", "/webhooks", json={"url": URL})).status == 201


async def test_webhooks_come_in_pages_newest_first(call: Caller) -> None:
    ids = [(await call("POST", "/webhooks", json={"url": URL})).json["id"] for _ in range(3)]

    first = await call("GET", "/webhooks?limit=2")
    last = await call("GET", first.headers["Link"].split(">")[0].removeprefix("<"))

    assert [one["id"] for one in first.json["items"] + last.json["items"]] == ids[::-1]
    assert last.json["next_cursor"] is None


async def test_a_change_keeps_what_it_does_not_name(call: Caller, made: dict[str, Any]) -> None:
    path = f"/webhooks/{made['id']}"

    rested = await call("PATCH", path, json={"enabled": False, "description": "Resting."})
    moved = await call("PATCH", path, json={"url": URL + "/2", "events": ["transfer.progress"]})
    refused = await call("PATCH", path, json={"url": "http://example.org/"})

    assert rested.json == {
        **{name: value for name, value in made.items() if name != "secret"},
        "enabled": False,
        "description": "Resting.",
    }
    assert moved.json == {**rested.json, "url": URL + "/2", "events": ["transfer.progress"]}
    assert (refused.problem(), refused.pointers()) == ((422, "validation"), ["/url"])
    assert (await call("GET", path)).json == moved.json


async def test_what_was_disabled_is_forgiven_when_its_user_enables_it(
    call: Caller, made: dict[str, Any], pool: Pool
) -> None:
    await pool.execute(
        "UPDATE webhooks SET is_enabled = false, disabled_reason = 'failing', failing_since = now()"
    )

    before = await call("GET", f"/webhooks/{made['id']}")
    after = await call("PATCH", f"/webhooks/{made['id']}", json={"enabled": True})

    assert (before.json["enabled"], before.json["disabled_reason"]) == (False, "failing")
    assert before.json["failing_since"] is not None
    assert (after.json["enabled"], after.json["disabled_reason"]) == (True, None)
    assert after.json["failing_since"] is None


async def test_a_rotated_secret_leaves_the_one_before_valid_for_a_day(
    call: Caller, made: dict[str, Any], pool: Pool
) -> None:
    rotated = await call("POST", f"/webhooks/{made['id']}/rotate-secret")

    row = await pool.fetchrow("SELECT *, old_secret_until - now() AS overlap FROM webhooks")
    cipher = Cipher(parse_key_ring(Secret(KEY_RING)))
    stored = [
        webhook_secrets.unseal(cipher, row[name], webhook_id=made["id"]).reveal()
        for name in ("sealed_secret", "sealed_old_secret")
    ]
    assert rotated.status == 200
    assert stored == [rotated.json["secret"], made["secret"]]
    assert rotated.json["old_secret_until"] is not None
    assert 23.9 < row["overlap"].total_seconds() / 3600 <= 24
    assert "secret" not in (await call("GET", f"/webhooks/{made['id']}")).json


async def test_both_secrets_come_under_another_key_with_everything_else(
    call: Caller, made: dict[str, Any], pool: Pool
) -> None:
    rotated = await call("POST", f"/webhooks/{made['id']}/rotate-secret")
    both_keys = Cipher({"k2": bytes(32), **parse_key_ring(Secret(KEY_RING))})

    for column in seals.SEALED:
        await seals.reseal(pool, both_keys, column=column)

    row = await pool.fetchrow("SELECT * FROM webhooks")
    opened = [
        webhook_secrets.unseal(Cipher({"k2": bytes(32)}), row[name], webhook_id=made["id"]).reveal()
        for name in ("sealed_secret", "sealed_old_secret")
    ]
    assert opened == [rotated.json["secret"], made["secret"]]


async def test_a_removed_webhook_is_gone_with_its_deliveries(
    call: Caller, made: dict[str, Any], pool: Pool
) -> None:
    await call("POST", f"/webhooks/{made['id']}/test")

    removed = await call("DELETE", f"/webhooks/{made['id']}")

    assert (removed.status, removed.text) == (204, "")
    assert (await call("GET", f"/webhooks/{made['id']}")).problem() == (404, "not-found")
    assert await pool.fetchval("SELECT count(*) FROM webhook_deliveries") == 0


async def test_secrets_and_addresses_are_never_logged(
    call: Caller, made: dict[str, Any], log: list[str]
) -> None:
    again = await call("POST", "/webhooks", json={"url": URL})
    rotated = await call("POST", f"/webhooks/{made['id']}/rotate-secret")
    await call("PATCH", f"/webhooks/{made['id']}", json={"url": URL, "enabled": True})
    await call("POST", "/webhooks", json={"url": "http://example.org/a-secret-path"})
    await call("DELETE", f"/webhooks/{made['id']}")

    told = "".join(log)
    assert "Webhook secret rotated" in told
    for secret in (again.json["secret"], rotated.json["secret"], made["secret"], "whsec_", "a-secret-path"):
        assert secret not in told


async def test_deliveries_are_listed_newest_first_by_page_and_state(
    call: Caller, made: dict[str, Any], pool: Pool
) -> None:
    await call.connect_apple_music()
    first = (await deliveries(call, made["id"])).json["items"][0]
    await pool.execute(SETTLE, first["id"])
    test = await call("POST", f"/webhooks/{made['id']}/test")

    page = await deliveries(call, made["id"], "?limit=1")
    rest = await call("GET", page.headers["Link"].split(">")[0].removeprefix("<"))
    failed = await deliveries(call, made["id"], "?state=failed")

    assert test.status == 202
    assert page.json["items"] == [test.json]
    assert [one["id"] for one in rest.json["items"]] == [first["id"]]
    assert rest.json["next_cursor"] is None
    assert [one["id"] for one in failed.json["items"]] == [first["id"]]
    assert (first["type"], first["state"], first["attempts"]) == ("connection.connected", "pending", 0)
    assert first["next_try_at"] is not None
    assert (first["status"], first["error"], first["tried_at"]) == (None, None, None)


@pytest.mark.parametrize("query", ["state=odd", "limit=0", "cursor=bm9wZQ", "cursor=LTE", "order=up"])
async def test_a_query_of_another_form_is_refused(call: Caller, made: dict[str, Any], query: str) -> None:
    reply = await deliveries(call, made["id"], f"?{query}")

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == ["/query/" + query.partition("=")[0]]
    if query.startswith("state"):
        assert "pending, delivered, failed" in reply.json["errors"][0]["detail"]


async def test_a_replay_is_the_same_delivery_with_all_its_retries(
    call: Caller, made: dict[str, Any], pool: Pool
) -> None:
    sent = (await call("POST", f"/webhooks/{made['id']}/test")).json
    await pool.execute(SETTLE, sent["id"])

    reply = await call("POST", f"/webhooks/{made['id']}/deliveries/{sent['id']}/replay")

    row = await pool.fetchrow("SELECT * FROM webhook_deliveries")
    assert reply.status == 202
    assert (reply.json["id"], reply.json["state"]) == (sent["id"], "pending")
    assert reply.json["next_try_at"] is not None
    assert row["failure_count"] == 0


async def test_a_test_that_still_waits_is_not_doubled(call: Caller, made: dict[str, Any]) -> None:
    replies = [await call("POST", f"/webhooks/{made['id']}/test") for _ in range(2)]

    assert replies[0].json == replies[1].json
    assert replies[0].json["type"] == "webhook.test"


async def test_nothing_is_sent_through_a_disabled_webhook(
    call: Caller, made: dict[str, Any], pool: Pool
) -> None:
    path = f"/webhooks/{made['id']}"
    sent = (await call("POST", f"{path}/test")).json
    await pool.execute(SETTLE, sent["id"])
    await call("PATCH", path, json={"enabled": False})

    replies = [await call("POST", f"{path}/{one}") for one in ("test", f"deliveries/{sent['id']}/replay")]

    assert [reply.problem() for reply in replies] == [(409, "state-conflict")] * 2
    assert [one["state"] for one in (await deliveries(call, made["id"])).json["items"]] == ["failed"]


async def test_nobody_sees_or_touches_webhooks_of_others(
    call: Caller, stranger: Caller, made: dict[str, Any]
) -> None:
    sent = (await call("POST", f"/webhooks/{made['id']}/test")).json["id"]
    own = (await stranger("POST", "/webhooks", json={"url": URL})).json["id"]

    tries = [
        ("GET", "/webhooks/{id}"),
        ("PATCH", "/webhooks/{id}"),
        ("DELETE", "/webhooks/{id}"),
        ("POST", "/webhooks/{id}/rotate-secret"),
        ("GET", "/webhooks/{id}/deliveries"),
        ("POST", f"/webhooks/{{id}}/deliveries/{sent}/replay"),
        ("POST", "/webhooks/{id}/test"),
    ]
    for method, path in tries:
        replies = [
            await stranger(method, path.format(id=one), json={})
            for one in (made["id"], UNKNOWN_ID, "1", "%00")
        ]
        assert {reply.problem() for reply in replies} == {(404, "not-found")}
        assert len({reply.json["detail"] for reply in replies}) == 1
    through_own = await stranger("POST", f"/webhooks/{own}/deliveries/{sent}/replay")

    assert through_own.problem() == (404, "not-found")
    assert [one["id"] for one in (await stranger("GET", "/webhooks")).json["items"]] == [own]
    assert (await call("GET", f"/webhooks/{made['id']}")).status == 200


async def test_a_receiver_in_the_operators_own_network_is_let_be_named(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    opened = await serve(msgspec.structs.replace(settings, webhook_allowed_networks="127.0.0.0/8"))
    caller = await new_caller(opened, pool, name="nia")

    replies = [
        await caller("POST", "/webhooks", json={"url": f"http://{host}:9000/hook"})
        for host in ("127.0.0.1", "localhost", "10.0.0.1")
    ]

    assert [reply.status for reply in replies] == [201, 201, 422]

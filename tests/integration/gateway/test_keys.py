"""API keys through the API: made, listed, revoked, and never able to give away what they do not have."""

import re
from collections.abc import Iterable
from typing import Any

import pytest

from gateway.app import OPERATIONS
from gateway.operations import Operation
from shared.db.pool import Pool
from shared.scopes import USER_SCOPES, Scope, with_included
from tests.integration.gateway.conftest import Caller, Reply, Serve, new_caller
from tests.waiting import within

pytestmark = pytest.mark.integration

GUARDED = [one for one in OPERATIONS if one.scope is not None]


async def made(call: Caller, **body: Any) -> Reply:
    reply = await call("POST", "/keys", json={"name": "spare", **body})
    assert reply.status == 201, reply.text
    return reply


def with_key(call: Caller, key: str) -> Caller:
    return Caller(call.client, key=key, user_id=call.user_id)


async def with_scopes(call: Caller, pool: Pool, scopes: Iterable[Scope]) -> Caller:
    return await new_caller(call.client, pool, name="mira", scopes=scopes)


async def ask(call: Caller, operation: Operation) -> Reply:
    """Ask for an operation with ids of nothing and, where one is needed, an empty body."""
    path = re.sub(r"{\w+}", "1", operation.path.replace("{platform}", "spotify"))
    return await call(operation.method, path, json={} if operation.body else None)


async def test_every_operation_is_refused_without_its_scope_which_is_named(call: Caller, pool: Pool) -> None:
    callers = {
        scope: await with_scopes(call, pool, [one for one in Scope if scope not in with_included([one])])
        for scope in Scope
    }

    for operation in GUARDED:
        assert operation.scope is not None
        reply = await ask(callers[operation.scope], operation)
        assert (operation.name, *reply.problem()) == (operation.name, 403, "forbidden-scope")
        assert f"`{operation.scope}`" in reply.json["detail"]


async def test_every_operation_is_let_through_with_its_scope_alone(call: Caller, pool: Pool) -> None:
    callers = {scope: await with_scopes(call, pool, [scope]) for scope in Scope}

    for operation in GUARDED:
        assert operation.scope is not None
        reply = await ask(callers[operation.scope], operation)
        assert (operation.name, reply.status in (401, 403)) == (operation.name, False)


async def test_a_new_key_works_and_its_text_is_shown_once(call: Caller) -> None:
    new = await made(call, scopes=["transfers:write", "keys:read"], expires_in_days=90)

    listed = await with_key(call, new.json["key"])("GET", "/keys")

    first = {name: value for name, value in new.json.items() if name != "key"}
    shown = listed.json["items"][0]
    assert shown["last_used_at"] is not None
    assert {**shown, "last_used_at": None} == first
    assert first["scopes"] == ["keys:read", "transfers:write"]
    assert first["expires_at"] is not None
    assert new.json["key"].startswith(first["hint"].removesuffix("…"))
    assert new.json["key"][25:] not in listed.text
    assert len(listed.json["items"]) == 2


async def test_a_key_has_what_its_maker_has_unless_it_says_less(call: Caller, pool: Pool) -> None:
    admin = await with_scopes(call, pool, Scope)

    of_user, of_admin = await made(call), await made(admin)

    assert set(of_user.json["scopes"]) == set(of_admin.json["scopes"]) == USER_SCOPES
    assert of_user.json["expires_at"] is None


async def test_a_key_gives_no_scope_that_it_does_not_have(call: Caller, pool: Pool) -> None:
    modest = await with_scopes(call, pool, [Scope.KEYS_WRITE, Scope.TRANSFERS_READ])

    refused = {
        wanted: await modest("POST", "/keys", json={"name": "more", "scopes": ["transfers:read", wanted]})
        for wanted in ("admin", "transfers:write", "webhooks:read")
    }
    less = await made(modest, scopes=["transfers:read", "keys:read"])

    for wanted, reply in refused.items():
        assert reply.problem() == (403, "forbidden-scope")
        assert f"`{wanted}`" in reply.json["detail"]
    assert less.status == 201
    assert await pool.fetchval("SELECT count(*) FROM api_keys WHERE name = 'more'") == 0


WRONG_BODIES: tuple[tuple[Any, str], ...] = (
    ({}, "/name"),
    ({"name": ""}, "/name"),
    ({"name": "x", "scopes": []}, "/scopes"),
    ({"name": "x", "scopes": ["moods:read"]}, "/scopes/0"),
    ({"name": "x", "expires_in_days": 0}, "/expires_in_days"),
    ({"name": "x", "expires_in_days": 3651}, "/expires_in_days"),
    ({"name": "x", "user": "y"}, "/user"),
)


async def test_a_wish_that_cannot_be_is_refused_at_its_field(call: Caller) -> None:
    replies = [await call("POST", "/keys", json=body) for body, _ in WRONG_BODIES]

    assert {reply.problem() for reply in replies} == {(422, "validation")}
    assert [reply.pointers() for reply in replies] == [[pointer] for _, pointer in WRONG_BODIES]


async def test_a_revoked_key_is_refused_at_once_at_every_gateway(
    call: Caller, pool: Pool, serve: Serve, settings: Any
) -> None:
    new = await made(call)
    here = with_key(call, new.json["key"])
    there = Caller(await serve(settings), key=new.json["key"], user_id=call.user_id)
    before = [(await one("GET", "/connections")).status for one in (here, there)]

    revoked = await call("DELETE", f"/keys/{new.json['id']}")
    again = await call("DELETE", f"/keys/{new.json['id']}")
    after = [await one("GET", "/connections") for one in (here, there)]

    listed = await call("GET", "/keys")
    assert before == [200, 200]
    assert (revoked.status, again.status, revoked.text) == (204, 204, "")
    assert [one.problem() for one in after] == [(401, "unauthenticated")] * 2
    assert {one.json["detail"] for one in after} == {"This API key was revoked."}
    assert listed.json["items"][0]["revoked_at"] is not None


async def test_a_key_can_revoke_itself(call: Caller) -> None:
    new = await made(call)

    revoked = await with_key(call, new.json["key"])("DELETE", f"/keys/{new.json['id']}")

    assert revoked.status == 204
    assert (await with_key(call, new.json["key"])("GET", "/keys")).status == 401


async def test_a_key_is_refused_from_its_end_on(call: Caller, pool: Pool) -> None:
    new = await made(call, expires_in_days=1)
    await pool.execute("UPDATE api_keys SET expires_at = now() WHERE id = $1", new.json["id"])

    reply = await with_key(call, new.json["key"])("GET", "/connections")

    assert reply.problem() == (401, "unauthenticated")
    assert "expired" in reply.json["detail"]


async def test_a_key_that_was_not_copied_whole_is_told_from_an_unknown_one(call: Caller, pool: Pool) -> None:
    new = await made(call)
    await pool.execute("DELETE FROM api_keys WHERE id = $1", new.json["id"])

    cut = await with_key(call, new.json["key"][:-3])("GET", "/connections")
    unknown = await with_key(call, new.json["key"])("GET", "/connections")

    assert cut.problem() == unknown.problem() == (401, "unauthenticated")
    assert "not copied whole" in cut.json["detail"]
    assert "not known" in unknown.json["detail"]


async def test_why_a_key_is_refused_is_told_to_nobody_without_its_secret(call: Caller, pool: Pool) -> None:
    new = await made(call)
    await pool.execute("UPDATE api_keys SET secret_sha256 = sha256('another')")
    await pool.execute("UPDATE api_keys SET revoked_at = now() WHERE id = $1", new.json["id"])

    reply = await with_key(call, new.json["key"])("GET", "/connections")

    assert reply.json["detail"] == "This API key is not known here."


async def test_scopes_of_a_newer_release_allow_nothing_and_do_no_harm(call: Caller, pool: Pool) -> None:
    await pool.execute("UPDATE api_keys SET scopes = ARRAY['moods:write', 'keys:read', 'odd']")

    listed = await call("GET", "/keys")

    assert listed.json["items"][0]["scopes"] == ["keys:read"]


async def test_keys_are_listed_page_by_page(call: Caller) -> None:
    for number in range(3):
        await made(call, name=f"key {number}")

    first = await call("GET", "/keys?limit=3")
    second = await call("GET", f"/keys?limit=3&cursor={first.json['next_cursor']}")

    assert [one["name"] for one in first.json["items"]] == ["key 2", "key 1", "key 0"]
    assert [one["name"] for one in second.json["items"]] == [""]
    assert second.json["next_cursor"] is None
    assert 'rel="next"' in first.headers["Link"]


async def test_a_key_that_is_not_there_is_not_found(call: Caller) -> None:
    ids = ("1", "0" * 16, "x" * 16, "%00", "0123456789ABCDEF")

    replies = [await call("DELETE", f"/keys/{key_id}") for key_id in ids]

    assert {reply.problem() for reply in replies} == {(404, "not-found")}


async def test_an_open_stream_ends_soon_after_its_key_was_revoked(connected: Caller) -> None:
    new = await made(connected)
    body = {"source": {"platform": "spotify", "playlist": "id-road"}, "target": {"platform": "apple_music"}}
    transfer = await connected("POST", "/transfer", json=body)
    headers = {"Authorization": f"Bearer {new.json['key']}"}

    async with connected.client.get(f"/status/{transfer.json['id']}/events", headers=headers) as response:
        opening = await within(response.content.readuntil(b"event: snapshot"))
        await connected("DELETE", f"/keys/{new.json['id']}")
        rest = await within(response.content.read(), patience_s=10)

    assert response.status == 200
    assert opening
    assert b"event: bye" in rest

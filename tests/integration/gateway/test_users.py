"""Users through the API: an admin makes, disables and enables them, and sees nothing of what is theirs."""

import uuid
from typing import Any

import pytest
import pytest_asyncio

from shared.db.pool import Pool
from shared.scopes import Scope
from tests.integration.gateway.conftest import Caller, new_caller, transfer_body

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def admin(client: Any, pool: Pool) -> Caller:
    return await new_caller(client, pool, name="the operator", scopes=Scope)


async def test_a_user_is_made_once(admin: Caller) -> None:
    first = await admin("POST", "/users", json={"name": "mira"})
    again = await admin("POST", "/users", json={"name": "mira"})

    listed = await admin("GET", "/users")
    assert (first.status, again.status) == (201, 200)
    assert first.json == again.json
    assert first.json["disabled_at"] is None
    assert [one["name"] for one in listed.json["items"]] == ["mira", "the operator"]


async def test_users_are_listed_page_by_page(admin: Caller) -> None:
    for name in ("mira", "jonas"):
        await admin("POST", "/users", json={"name": name})

    first = await admin("GET", "/users?limit=2")
    second = await admin("GET", f"/users?limit=2&cursor={first.json['next_cursor']}")

    assert [one["name"] for one in first.json["items"]] == ["jonas", "mira"]
    assert [one["name"] for one in second.json["items"]] == ["the operator"]
    assert second.json["next_cursor"] is None


async def test_an_admin_makes_lists_and_revokes_the_keys_of_a_user(admin: Caller) -> None:
    user = await admin("POST", "/users", json={"name": "mira"})
    path = f"/users/{user.json['id']}/keys"

    key = await admin("POST", path, json={"name": "first", "scopes": ["keys:read"]})
    owner = Caller(admin.client, key=key.json["key"], user_id=user.json["id"])
    own_list = await owner("GET", "/keys")
    admins_list = await admin("GET", path)
    revoked = [(await admin("DELETE", f"{path}/{key.json['id']}")).status for _ in range(2)]

    assert key.status == 201
    assert own_list.json["items"][0]["id"] == key.json["id"]
    assert [one["name"] for one in admins_list.json["items"]] == ["first"]
    assert revoked == [204, 204]
    assert (await owner("GET", "/keys")).status == 401


async def test_an_admin_gives_no_scope_that_the_asking_key_does_not_have(
    client: Any, pool: Pool, call: Caller
) -> None:
    lone = await new_caller(client, pool, name="the operator", scopes=[Scope.ADMIN])
    path = f"/users/{call.user_id}/keys"

    unsaid = await lone("POST", path, json={"name": "first"})
    said = await lone("POST", path, json={"name": "first", "scopes": ["transfers:read"]})

    assert unsaid.problem() == said.problem() == (403, "forbidden-scope")


async def test_a_disabled_user_is_refused_with_the_reason_and_what_runs_goes_on(
    admin: Caller, connected: Caller, pool: Pool
) -> None:
    transfer = await connected("POST", "/transfer", json=transfer_body())

    disabled = [await admin("POST", f"/users/{connected.user_id}/disable") for _ in range(2)]
    refused = await connected("GET", "/transfers")
    state = await pool.fetchval("SELECT state FROM transfers WHERE id = $1", transfer.json["id"])
    enabled = await admin("POST", f"/users/{connected.user_id}/enable")
    shown = await connected("GET", f"/status/{transfer.json['id']}")

    assert [one.status for one in disabled] == [200, 200]
    assert disabled[0].json == disabled[1].json
    assert disabled[0].json["disabled_at"] is not None
    assert refused.problem() == (401, "unauthenticated")
    assert "disabled" in refused.json["detail"]
    assert state == "queued"
    assert (enabled.status, enabled.json["disabled_at"]) == (200, None)
    assert shown.status == 200


async def test_nobody_disables_themselves(admin: Caller) -> None:
    reply = await admin("POST", f"/users/{admin.user_id}/disable")

    assert reply.problem() == (409, "state-conflict")
    assert (await admin("GET", "/users")).status == 200


async def test_an_admin_sees_only_own_transfers(admin: Caller, connected: Caller) -> None:
    transfer = await connected("POST", "/transfer", json=transfer_body())

    shown = await admin("GET", f"/status/{transfer.json['id']}")
    cancelled = await admin("POST", f"/status/{transfer.json['id']}/cancel")
    listed = await admin("GET", "/transfers")

    assert shown.problem() == cancelled.problem() == (404, "not-found")
    assert listed.json["items"] == []


async def test_the_key_of_one_user_is_not_found_below_another(admin: Caller, call: Caller) -> None:
    key_id = (await call("GET", "/keys")).json["items"][0]["id"]
    other = await admin("POST", "/users", json={"name": "jonas"})

    reply = await admin("DELETE", f"/users/{other.json['id']}/keys/{key_id}")

    assert reply.problem() == (404, "not-found")
    assert (await call("GET", "/keys")).status == 200


async def test_a_user_who_is_not_there_is_not_found(admin: Caller) -> None:
    asked = (("POST", "disable"), ("POST", "enable"), ("GET", "keys"), ("POST", "keys"), ("DELETE", "keys/0"))

    replies = [
        await admin(method, f"/users/{user_id}/{path}", json={"name": "first"})
        for method, path in asked
        for user_id in (uuid.UUID(int=7), "x", "%00")
    ]

    assert {reply.problem() for reply in replies} == {(404, "not-found")}

"""The verbs `api-keys` against a gateway on a real socket."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deploy.cli.exits import Exit
from tests.fakes.gateway import FakeGateway

Crossplay = Callable[..., Awaitable[int]]


def key(key_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": key_id,
        "name": "backup",
        "hint": "cp_live_0123…",
        "scopes": ["keys:read", "transfers:read"],
        "last_used_at": None,
        "expires_at": None,
        "revoked_at": None,
        **changes,
    }


async def test_keys_are_listed_with_their_state_over_all_pages(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.pages["/keys"] = [
        key("k1", last_used_at="2026-11-28T00:41:53Z"),
        key("k2", expires_at="2026-12-24T18:00:00Z"),
        key("k3", expires_at="2026-12-24T18:00:00Z", revoked_at="2026-11-01T00:00:00Z"),
    ]

    code = await crossplay("api-keys", "list")

    assert code == Exit.FULL
    assert capsys.readouterr().out.splitlines() == [
        "k1\tbackup\tkeys:read,transfers:read\t2026-11-28T00:41\t",
        "k2\tbackup\tkeys:read,transfers:read\tnever\tuntil 2026-12-24",
        "k3\tbackup\tkeys:read,transfers:read\tnever\trevoked",
    ]


async def test_a_new_key_is_all_that_goes_to_stdout(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.stored["/keys"] = key("k1", key="cp_live_new")

    code = await crossplay(
        "api-keys", "create", "backup", "--scopes", "transfers:read, keys:read", "--expires-in-days", "90"
    )

    printed = capsys.readouterr()
    assert code == Exit.FULL
    assert printed.out == "cp_live_new\n"
    assert "nobody can show it again" in printed.err
    assert gateway.received.bodies == [
        {"name": "backup", "scopes": ["transfers:read", "keys:read"], "expires_in_days": 90}
    ]


async def test_without_options_the_gateway_decides(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.stored["/keys"] = key("k1", key="cp_live_new")

    await crossplay("api-keys", "create", "backup", "-o", "json")

    assert json.loads(capsys.readouterr().out)["key"] == "cp_live_new"
    assert gateway.received.bodies == [{"name": "backup"}]


async def test_a_word_that_is_no_scope_is_told_before_anything_is_sent(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await crossplay("api-keys", "create", "backup", "--scopes", "transfers:read,moods")

    printed = capsys.readouterr()
    assert code == Exit.USAGE_OR_CANCELLED
    assert "'moods' is no scope" in printed.err
    assert "transfers:write" in printed.err
    assert gateway.received.paths == []


async def test_a_key_is_revoked(gateway: FakeGateway, crossplay: Crossplay) -> None:
    code = await crossplay("api-keys", "revoke", "k1")

    assert code == Exit.FULL
    assert gateway.received.paths == ["DELETE /keys/k1"]


async def test_a_missing_scope_is_told_with_its_name(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.problem = {
        "status": 403,
        "code": "forbidden-scope",
        "detail": "Your API key does not have the scope `keys:write`.",
    }

    code = await crossplay("api-keys", "revoke", "k1")

    assert code == Exit.SIGN_IN
    assert "`keys:write`" in capsys.readouterr().err

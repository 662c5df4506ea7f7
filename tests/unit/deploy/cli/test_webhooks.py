"""The verb `webhooks` against a gateway on a real socket."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deploy.cli.exits import Exit
from tests.fakes.gateway import FakeGateway

Crossplay = Callable[..., Awaitable[int]]
URL = "https://example.org/hook"


def webhook(webhook_id: str, **changes: Any) -> dict[str, Any]:
    return {"id": webhook_id, "url": URL, "events": ["transfer.failed"], "enabled": True, **changes}


def delivery(delivery_id: str, **changes: Any) -> dict[str, Any]:
    return {"id": delivery_id, "type": "transfer.failed", "state": "pending", "attempts": 1, **changes}


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ((), {"url": URL, "description": ""}),
        (
            ("--event", "transfer.failed", "--event", "transfer.completed", "--description", "Pager"),
            {"url": URL, "description": "Pager", "events": ["transfer.failed", "transfer.completed"]},
        ),
    ],
)
async def test_a_webhook_is_made_and_its_secret_printed(
    gateway: FakeGateway,
    crossplay: Crossplay,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    body: dict[str, Any],
) -> None:
    gateway.stored["/webhooks"] = webhook("w-1", secret="whsec_c2VjcmV0")

    code = await crossplay("webhooks", "add", URL, *options)

    printed = capsys.readouterr()
    assert code == Exit.FULL
    assert gateway.received.bodies == [body]
    assert printed.out == "w-1  whsec_c2VjcmV0\n"
    assert "not shown again" in printed.err


async def test_webhooks_are_listed_over_all_pages(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.pages["/webhooks"] = [
        webhook("w-1"),
        webhook("w-2", enabled=False),
        webhook("w-3", enabled=False, disabled_reason="gone"),
    ]

    await crossplay("webhooks", "list")

    assert [line.split("\t") for line in capsys.readouterr().out.splitlines()] == [
        ["w-1", "enabled", "transfer.failed", URL],
        ["w-2", "disabled", "transfer.failed", URL],
        ["w-3", "disabled (gone)", "transfer.failed", URL],
    ]


async def test_deliveries_tell_how_they_went(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "/webhooks/w-1/deliveries"
    gateway.pages[path] = [
        delivery("d-2", status=503, error="status", next_try_at="2026-11-28T09:30:00Z"),
        delivery("d-1", state="failed", error="timeout", attempts=10),
    ]

    await crossplay("webhooks", "deliveries", "w-1", "--state", "failed", "--limit", "5")
    as_text = capsys.readouterr().out
    await crossplay("webhooks", "deliveries", "w-1", "-o", "json")

    assert [line.split("\t") for line in as_text.splitlines()] == [
        ["d-2", "transfer.failed", "pending", "1", "503", "2026-11-28T09:30:00Z"],
        ["d-1", "transfer.failed", "failed", "10", "timeout", ""],
    ]
    assert dict(gateway.received.queries[0]) == {"state": "failed", "limit": "5"}
    assert json.loads(capsys.readouterr().out) == {"items": gateway.pages[path]}


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (("test", "w-1"), "/webhooks/w-1/test"),
        (("replay", "w-1", "d-1"), "/webhooks/w-1/deliveries/d-1/replay"),
    ],
)
async def test_what_is_sent_says_where_to_look(
    gateway: FakeGateway,
    crossplay: Crossplay,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    path: str,
) -> None:
    gateway.stored[path] = delivery("d-1")

    code = await crossplay("webhooks", *arguments)

    printed = capsys.readouterr()
    assert code == Exit.FULL
    assert gateway.received.paths == [f"POST {path}"]
    assert printed.out == "d-1\n"
    assert "crossplay webhooks deliveries w-1" in printed.err


async def test_a_secret_is_rotated_a_webhook_enabled_and_removed(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.stored["/webhooks/w-1/rotate-secret"] = webhook("w-1", secret="whsec_bmV3")
    gateway.stored["/webhooks/w-1"] = webhook("w-1")

    codes = [await crossplay("webhooks", verb, "w-1") for verb in ("rotate-secret", "enable", "remove")]

    assert codes == [Exit.FULL] * 3
    assert capsys.readouterr().out == "w-1  whsec_bmV3\n"
    assert gateway.received.paths == [
        "POST /webhooks/w-1/rotate-secret",
        "PATCH /webhooks/w-1",
        "DELETE /webhooks/w-1",
    ]
    assert {"enabled": True} in gateway.received.bodies

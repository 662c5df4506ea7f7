"""The verbs that change what a transfer does, against a gateway on a real socket."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deploy.cli.exits import Exit
from tests.fakes.gateway import TRANSFER_ID, FakeGateway, status

Crossplay = Callable[..., Awaitable[int]]


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ((), {}),
        (("--only", "unmatched"), {"scope": "unmatched"}),
        (("--only", "failed"), {"scope": "failed"}),
        (("--only", "deferred"), {"scope": "deferred"}),
        (("--only", "all"), {"scope": "all"}),
    ],
)
async def test_retry_asks_for_what_is_meant_and_tells_how_it_stands(
    gateway: FakeGateway,
    crossplay: Crossplay,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    body: dict[str, Any],
) -> None:
    gateway.revisions = [status("running", phase="match", summary="Matched 2 of 3.")]

    code = await crossplay("retry", TRANSFER_ID, *options)

    assert code == Exit.FULL
    assert gateway.received.paths == [f"POST /status/{TRANSFER_ID}/retry"]
    assert gateway.received.bodies == [body]
    assert "Matched 2 of 3." in capsys.readouterr().out


async def test_retry_of_something_else_is_wrong_use_and_asks_nobody(
    gateway: FakeGateway, crossplay: Crossplay
) -> None:
    code = await crossplay("retry", TRANSFER_ID, "--only", "review")

    assert code == Exit.USAGE_OR_CANCELLED
    assert gateway.received.paths == []


async def test_retry_that_means_nothing_says_why(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.problem = {"status": 409, "code": "state-conflict", "detail": "There is nothing to retry."}

    code = await crossplay("retry", TRANSFER_ID)

    assert code == Exit.FAILED
    assert "There is nothing to retry." in capsys.readouterr().err

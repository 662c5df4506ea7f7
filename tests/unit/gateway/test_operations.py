"""Each operation says who may call it."""

from typing import Any

import pytest
from aiohttp import web

from gateway.app import OPERATIONS
from gateway.openapi import document
from gateway.operations import Operation
from shared.scopes import Scope


async def answer(_: web.Request) -> web.Response:
    return web.Response()


@pytest.mark.parametrize("access", [{}, {"scope": Scope.TRANSFERS_READ, "is_open": True}])
def test_an_operation_is_open_or_has_a_scope(access: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="GET /moods has to have either a `scope` or `is_open`"):
        Operation(
            method="GET", path="/moods", handler=answer, name="m", summary="m", answers={200: None}, **access
        )


def test_every_operation_that_is_not_open_has_a_scope_and_tells_it() -> None:
    paths = document(OPERATIONS)["paths"]

    for operation in OPERATIONS:
        entry = paths[operation.path][operation.method.lower()]
        if operation.is_open:
            assert (operation.scope, entry["security"]) == (None, [])
            continue
        assert entry["security"] == [{"apiKey": [operation.scope]}]
        assert f"`{operation.scope}`" in entry["description"]
        assert "forbidden-scope" in entry["responses"]["403"]["description"]
        assert "too-many-requests" in entry["responses"]["429"]["description"]


def test_what_changes_something_needs_more_than_reading() -> None:
    lax = [
        one.name
        for one in OPERATIONS
        if one.method != "GET" and one.scope is not None and one.scope.endswith(":read")
    ]

    assert lax == []


def test_only_what_is_below_users_needs_an_admin() -> None:
    assert {one.path.split("/")[1] for one in OPERATIONS if one.scope is Scope.ADMIN} == {"users"}

"""One call to the gateway, for verbs that make no more than that."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from deploy.cli.client import Answer, GatewayClient

PAGE_COUNT = "200"


def ask(act: Callable[[GatewayClient], Awaitable[Answer]], *, server: str, key: str | None) -> Any:
    """Do one request; return the body of its answer, None where there is none."""

    async def run() -> Any:
        async with GatewayClient.open(server, key=key) as client:
            return (await act(client)).body

    return asyncio.run(run())


def list_items(path: str, *, params: Mapping[str, str], server: str, key: str | None) -> list[dict[str, Any]]:
    """Return every item of a list, page by page."""

    async def run() -> list[dict[str, Any]]:
        async with GatewayClient.open(server, key=key) as client:
            return [item async for item in client.pages(path, params={"limit": PAGE_COUNT, **params})]

    return asyncio.run(run())

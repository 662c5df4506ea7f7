"""The user of a sandbox: an API key, and all simulated accounts connected.

`python -m deploy.dev.accounts --gateway URL --apple-music URL` does it for a system with the first two that
runs elsewhere, with the database of CROSSPLAY_DATABASE_URL, and prints what to do with it.
"""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from deploy.cli.exits import CommandStopped
from deploy.dev.processes import StartError
from deploy.dev.sandboxes import USES
from shared.db import api_keys, users
from shared.db.pool import STORE_ERRORS, open_pool
from shared.environment import load
from shared.errors import SettingsError, Unauthenticated
from shared.scopes import Scope
from shared.secret import Secret

USER_NAME = "dev"


async def give_key(database_url: Secret, *, known: str = "") -> str:
    """Return an API key with every scope of the sandbox's user, who is made where there is none.

    known: a key of before, which is returned if it is still good.
    """
    async with await open_pool(database_url, size=1) as pool:
        with contextlib.suppress(Unauthenticated):
            await api_keys.authenticate(pool, text=known)
            return known
        user_id = await users.ensure(pool, name=USER_NAME)
        key = await api_keys.create(pool, user_id, name="crossplay dev", scopes=Scope)
        return key.secret.reveal()


async def connect_accounts(gateway_url: str, *, api_key: str, sandbox_urls: Mapping[str, str]) -> None:
    """Connect the accounts of sandboxes the way a user does. Raises StartError.

    sandbox_urls: by platform; that of Apple Music leads there by loopback: it mints user tokens for its host
    alone.
    """
    headers = {"Authorization": f"Bearer {api_key}"}
    async with aiohttp.ClientSession(gateway_url, headers=headers) as session:

        async def post(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
            return await _post(session, path, body)

        for platform, url in sandbox_urls.items():
            await USES[platform].connect(post, platform, url)


async def _post(session: aiohttp.ClientSession, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
    async with session.post(url, json=body) as response:
        if response.status >= 300:
            raise StartError(f"{url} answered {response.status}: {await response.text()}")
        answer: dict[str, Any] = await response.json()
        return answer


async def _prepare(database_url: Secret, *, gateway_url: str, apple_music_url: str) -> str:
    api_key = await give_key(database_url)
    urls = {"spotify": "", "apple_music": apple_music_url}
    await connect_accounts(gateway_url, api_key=api_key, sandbox_urls=urls)
    return api_key


def main(arguments: Sequence[str] | None = None) -> int:
    """Connect the accounts, print the key. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.accounts")
    parser.add_argument("--gateway", required=True, metavar="URL")
    parser.add_argument("--apple-music", required=True, metavar="URL", help="the sandbox, by loopback")
    parser.add_argument("--shown-gateway", metavar="URL", help="as those who read this reach it")
    parsed = parser.parse_args(arguments)
    try:
        api_key = asyncio.run(
            _prepare(
                load(os.environ).database_url,
                gateway_url=parsed.gateway,
                apple_music_url=parsed.apple_music,
            )
        )
    except (*STORE_ERRORS, SettingsError, StartError, CommandStopped, aiohttp.ClientError) as error:
        sys.stderr.write(f"The sandbox's accounts are not connected: {error}\n")
        return 1
    sys.stdout.write(
        "Both sandbox accounts are connected. Try:\n"
        f"  export CROSSPLAY_URL={parsed.shown_gateway or parsed.gateway} CROSSPLAY_API_KEY={api_key}\n"
        '  crossplay transfer "spotify:Harbour Lights" "apple_music:My copy"\n'
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A playlist comes home as it went away."""

import pytest

from tests.e2e.stack import Stack
from tests.e2e.worlds import Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_playlist_moved_back_has_the_same_order(stack: Stack, worlds: Worlds) -> None:
    cut = worlds.road_trip
    away = await stack.user.end(await stack.start(cut))
    away_id = away["target_playlist"]["id"]

    back = await stack.user.end(await stack.user.start(cut.target, away_id, cut.platform))

    source = next(
        playlist
        for playlist in await stack.control(cut.platform, "playlists")
        if playlist["name"] == cut.name
    )
    left = [
        row
        for position, row in enumerate(await stack.rows(cut.platform, source["id"]))
        if position not in cut.named
    ]
    assert await stack.flaws(cut, away) == []
    assert back["state"] == "completed"
    assert await stack.rows(cut.platform, back["target_playlist"]["id"]) == left


async def test_playlist_moves_from_apple_music_to_spotify(stack: Stack, worlds: Worlds) -> None:
    status = await stack.user.end(await stack.start(worlds.home))

    assert await stack.flaws(worlds.home, status) == []

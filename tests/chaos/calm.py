"""Moves everything once while nothing goes wrong: what every later run must come to."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from deploy.sandbox.world import World
from shared.models import Platform
from shared.platforms.registry import declarations
from tests.chaos.arena import Arena
from tests.chaos.plans import FIRST_PAIR, SOME_MATCH, Expected, Music, SourceList, key_of
from tests.chaos.worlds import AWAY, FICTION, ODD, STRANGERS, WorldFiles, odd_rows

PATIENCE_S = 120.0
WORKER_COUNT = 2


class CalmError(Exception):
    """A transfer that nobody disturbed is not what the world says it must be."""


class _Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A list that was moved: its rows, its items, and the playlists that were made of it."""

    source: SourceList
    expected: dict[str, Expected]
    items: tuple[dict[str, Any], ...]
    target_playlist_ids: tuple[str, ...]


async def learn(arena: Arena, files: WorldFiles) -> Music:
    """Move each list to the other platform, and what has arrived on the second one back again.

    Raises CalmError where the fiction is not moved as it says itself, or a track is not found that is there.
    """
    await arena.crew.staff(WORKER_COUNT)
    home, away = files.platforms
    odd = {platform: odd_rows(platform) for platform in files.platforms}
    for platform, rows in odd.items():
        await arena.make_playlist(platform, ODD, rows=rows)
    names = {await _id_of(arena, home, name): name for name in (FICTION, ODD, *files.real_names)}
    there = await _move_all(arena, names, source=home, target=away)
    world = World.load(files.paths)
    if files.platforms == FIRST_PAIR:
        _hold_against_fiction(there[0], files)
    _hold_against_catalog(there, world, source=home, target=away)
    back_names = {await _id_of(arena, away, name): name for name in (AWAY, ODD)}
    back_names |= {
        own_id: f"{moved.source.name}, back {number}"
        for moved in there
        for number, own_id in enumerate(moved.target_playlist_ids, start=1)
    }
    back = await _move_all(arena, back_names, source=away, target=home)
    _hold_against_catalog(back, world, source=away, target=home)
    return Music(
        lists={
            home: tuple(moved.source for moved in there if moved.source.name != ODD),
            away: tuple(moved.source for moved in back if moved.source.track_ids),
        },
        odd=odd,
        strangers={platform: await _strangers(arena, platform) for platform in files.platforms},
        expected={
            home: {row: one for moved in there for row, one in moved.expected.items()},
            away: {row: one for moved in back for row, one in moved.expected.items()},
        },
    )


async def _move_all(arena: Arena, names: dict[str, str], *, source: str, target: str) -> list[_Moved]:
    return await asyncio.gather(
        *(_move(arena, own_id, name, source=source, target=target) for own_id, name in names.items())
    )


async def _move(arena: Arena, playlist_id: str, name: str, *, source: str, target: str) -> _Moved:
    user = arena.stack.user
    status = await user.end(await user.start(source, playlist_id, target), patience_s=PATIENCE_S)
    if status["state"] != "completed":
        raise CalmError(f"{name} is {status['state']}: {status['summary']}")
    items = await user.tracks(status["id"])
    rows = await arena.rows(source, playlist_id)
    return _Moved(
        source=SourceList(name=name, track_ids=tuple(row["id"] for row in rows if row["id"])),
        expected=_expected(rows, items),
        items=tuple(items),
        target_playlist_ids=tuple(target["id"] for target in status["targets"]),
    )


def _expected(rows: Sequence[dict[str, Any]], items: Sequence[dict[str, Any]]) -> dict[str, Expected]:
    """Return what has become of each row, of one that stands there again what became of the first."""
    expected: dict[str, Expected] = {}
    for row, item in zip(rows, items, strict=True):
        target_id = item["target"]["id"] if item["target"] else None
        is_repeat = item["outcome"] == "already_present" and target_id
        outcome = SOME_MATCH if is_repeat else item["outcome"]
        expected.setdefault(key_of(row["id"], row["title"]), Expected(outcome=outcome, target_id=target_id))
    return expected


def _hold_against_fiction(moved: _Moved, files: WorldFiles) -> None:
    """Compare what became of the fiction with what it says itself."""
    wrong = [
        f"{item['source']['title']} is {item['outcome']}"
        for item, expected in zip(moved.items, files.expected, strict=True)
        if (None if item["written"] else item["outcome"]) != expected.outcome
        or (
            item["written"]
            and (item["target"]["title"], item["target"].get("isrc")) != (expected.title, expected.isrc)
        )
    ]
    if wrong:
        raise CalmError(f"The fiction is not moved as it says itself: {wrong}")


def _hold_against_catalog(lists: Sequence[_Moved], world: World, *, source: str, target: str) -> None:
    """Look whether what was told as missing is really missing, where tracks are looked up by their ISRCs."""
    if not declarations()[Platform(target)].capabilities.isrc_batch:
        return
    here, there = world.catalog(source), world.catalog(target)
    isrcs = {
        recording.isrc
        for moved in lists
        for row, one in moved.expected.items()
        if one.outcome == "no_candidate" and (recording := here.by_id.get(row))
    }
    if wrong := [isrc for isrc in isrcs if isrc and there.with_isrc(isrc)]:
        raise CalmError(f"Told as missing, and {target} has them: {wrong}")


async def _id_of(arena: Arena, platform: str, name: str) -> str:
    playlists: Sequence[dict[str, Any]] = await arena.control(platform, "playlists")
    return next(str(playlist["id"]) for playlist in playlists if playlist["name"] == name)


async def _strangers(arena: Arena, platform: str) -> tuple[str, ...]:
    rows = await arena.rows(platform, await _id_of(arena, platform, STRANGERS))
    return tuple(row["id"] for row in rows)

"""One run: prepares an arena, disturbs it while transfers run, heals it, and brings back the history."""

import asyncio
import contextlib
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from deploy.sandbox.changes import Item
from tests.chaos.arena import Arena
from tests.chaos.injector import Injector
from tests.chaos.plans import Music, Plan, PlatformFault
from tests.chaos.records import Change, History, Strike, as_inserts, with_names
from tests.chaos.system_troubles import LEASE_S
from tests.chaos.witness import Witness
from tests.waiting import until

PATIENCE_S = 120.0
LIMIT_WINDOW_S = 2.0


async def play(arena: Arena, plan: Plan, music: Music) -> History:
    """Play a plan to its end. What goes wrong stands in the history; the arena is healthy if nothing did."""
    began_s = time.monotonic()
    fenced_before, harm_before = arena.crew.fenced_count(), len(arena.crew.strikes())
    numbers = await _prepare(arena, plan)
    witnesses = await _witnesses(arena, plan)
    rng = random.Random(f"events {plan.seed}")
    injector = Injector(arena, witnesses=witnesses, music=music, rng=rng)
    async with _looking(witnesses):
        await _arm(arena, plan.faults)
        await _disturb(arena, plan, injector)
        struck, answers = await _struck(arena, plan.faults)
        lasting = [left for fault, count in struck if fault.is_lasting and (left := _rest(fault, count))]
        await arena.heal(worker_count=plan.worker_count)
        harm = arena.crew.strikes()[harm_before:]
        await _disarm(arena)
        await _arm(arena, lasting)
        await _all_ended(injector)
        struck_late, late_answers = await _struck(arena, lasting)
        await _disarm(arena)
        leftovers = await arena.leftovers()
        fenced_count = arena.crew.fenced_count() - fenced_before
    targets = [(witness.wish.target, own_id) for witness in witnesses for own_id in witness.target_ids]
    return History(
        plan=plan,
        stories=tuple(
            [
                await witness.story(music.expected_of(witness.wish.source, witness.wish.rows))
                for witness in witnesses
            ]
        ),
        changes=tuple(
            [change for platform in plan.platforms for change in await _changes(arena, platform, numbers)]
        ),
        rows={
            own_id: tuple([row["id"] for row in await arena.rows(platform, own_id)])
            for platform, own_id in targets
        },
        strikes=(
            *injector.strikes,
            *harm,
            *_limits(plan),
            *_strikes([*struck, *struck_late], fenced_count=fenced_count),
        ),
        leftovers=tuple(leftovers),
        answers=dict(answers + late_answers),
        duration_s=round(time.monotonic() - began_s, 2),
    )


async def _prepare(arena: Arena, plan: Plan) -> dict[str, int]:
    """Make the arena ready; return how long each platform's history is."""
    await arena.crew.staff(plan.worker_count, plans=plan.self_harm)
    await _disarm(arena)
    if plan.is_forgetful:
        await arena.stores.fetch("DELETE FROM lookups")
        await arena.stores.flush_redis()
    numbers = {}
    for platform in plan.platforms:
        history = await arena.control(platform, "history")
        numbers[platform] = history[-1]["number"] if history else 0
    return numbers


async def _witnesses(arena: Arena, plan: Plan) -> list[Witness]:
    """Put the playlists of the wishes into place."""
    salt = secrets.token_hex(3)
    shelves: dict[str, str] = {}
    witnesses = []
    for wish in plan.wishes:
        name = f"chaos {plan.seed} {wish.name} {salt}"
        source_id = await arena.make_playlist(wish.source, name, rows=wish.rows)
        if wish.shelf is not None and wish.shelf not in shelves:
            base = [Item(track_id=track_id) for track_id in wish.base]
            shelves[wish.shelf] = await arena.make_playlist(wish.target, f"{name} shelf", rows=base)
        shelf_id = shelves[wish.shelf] if wish.shelf else None
        witnesses.append(
            Witness(arena, wish, name=f"{name} target", source_playlist_id=source_id, shelf_id=shelf_id)
        )
    return witnesses


@asynccontextmanager
async def _looking(witnesses: Sequence[Witness]) -> AsyncIterator[None]:
    """Let the witnesses do their work."""
    tasks = [asyncio.create_task(witness.run()) for witness in witnesses]
    try:
        yield
    finally:
        for task in tasks:
            await _end(task)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _arm(arena: Arena, faults: Sequence[PlatformFault]) -> None:
    for fault in faults:
        await arena.control(fault.platform, "faults", method="POST", body=fault.fault)


async def _disarm(arena: Arena) -> None:
    for platform in arena.sandbox_urls:
        await arena.control(platform, "faults", method="DELETE")
        await arena.control(platform, "limit", method="DELETE")
        await arena.control(platform, "requests", method="DELETE")


async def _disturb(arena: Arena, plan: Plan, injector: Injector) -> None:
    """Let everything happen; return when it is time to be calm, or nothing is left to be disturbed."""
    for platform, count in plan.limits.items():
        limit = {"request_count": count, "window_s": LIMIT_WINDOW_S}
        await arena.control(platform, "limit", method="POST", body=limit)
    calm_at_s = time.monotonic() + plan.calm_at_s
    rng = random.Random(f"crew {plan.seed}")
    tending = asyncio.create_task(arena.crew.tend(lease_s=LEASE_S, rng=rng))
    try:
        async with asyncio.TaskGroup() as group:
            for event in plan.events:
                group.create_task(injector.perform(event))
        await until(
            lambda: injector.is_over or time.monotonic() >= calm_at_s, patience_s=plan.calm_at_s + PATIENCE_S
        )
    finally:
        await _end(tending)


async def _struck(
    arena: Arena, faults: Sequence[PlatformFault]
) -> tuple[list[tuple[PlatformFault, int]], Counter[str]]:
    """Return how often each of the armed faults has struck, and what the platforms have answered."""
    counts = []
    answers: Counter[str] = Counter()
    for platform in arena.sandbox_urls:
        armed = [fault for fault in faults if fault.platform == platform]
        told = await arena.control(platform, "faults")
        counts += [(fault, one["struck_count"]) for fault, one in zip(armed, told, strict=True)]
        answers.update((await arena.control(platform, "requests"))["by_status"])
    return counts, answers


def _rest(fault: PlatformFault, struck_count: int) -> PlatformFault | None:
    """Return what is left of a fault that lasts; None if its count is used up."""
    count = fault.fault.get("count")
    if count is None:
        return fault
    left = {**fault.fault, "count": count - struck_count, "after": 0}
    return msgspec.structs.replace(fault, fault=left) if left["count"] > 0 else None


def _strikes(struck: Sequence[tuple[PlatformFault, int]], *, fenced_count: int) -> list[Strike]:
    """Name the platform faults that have struck, and how often a worker met the fence."""
    strikes = [Strike(kind="fenced", count=fenced_count)] if fenced_count else []
    for fault, count in struck:
        if count:
            kind = fault.fault["kind"]
            name = f"{kind} {fault.fault['status']}" if kind == "status" else kind
            detail = f"{fault.platform} {fault.fault['operation']}"
            strikes.append(Strike(kind=name, count=count, detail=detail))
    return strikes


def _limits(plan: Plan) -> list[Strike]:
    return [Strike(kind="limit", detail=f"{platform} {count}") for platform, count in plan.limits.items()]


async def _all_ended(injector: Injector) -> None:
    with contextlib.suppress(TimeoutError):  # the rules find out that something is stuck
        await until(lambda: injector.is_over, patience_s=PATIENCE_S)


async def _changes(arena: Arena, platform: str, numbers: dict[str, int]) -> list[Change]:
    entries = await arena.control(platform, f"history?after={numbers[platform]}")
    return as_inserts(with_names([_change(platform, entry) for entry in entries]))


def _change(platform: str, entry: dict[str, Any]) -> Change:
    change = entry["change"]
    return Change(
        platform=platform,
        number=entry["number"],
        at_s=entry["at_s"],
        by=entry["by"],
        kind=change["type"],
        playlist_id=change["playlist_id"],
        name=change.get("name"),
        position=change.get("position"),
        track_ids=tuple(item.get("track_id") for item in change.get("items", ())),
    )

"""Makes the events of a plan happen to an arena, and notes those that really struck."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from deploy.dev.processes import StartError
from deploy.sandbox.changes import Item
from shared.db.pool import STORE_ERRORS
from tests.chaos.arena import Arena
from tests.chaos.crew import Member
from tests.chaos.plans import Event, EventKind, Music
from tests.chaos.records import Strike
from tests.chaos.witness import Witness
from tests.faults.proxy import Proxy

SLOW_S = 0.03
LEAVES_WITHIN_S = 5.0
WRITE_WITHIN_S = 10.0  # how long a write is waited for
LOOK_EVERY_S = 0.02
HOLDING = ("delay", "applied_then_delay")  # faults during which a write is under way
BUSY_SHARE = 0.8  # of kills and freezes that look for a worker with a job


class Injector:
    """Performs events. An event that finds nothing to disturb is not noted."""

    def __init__(
        self, arena: Arena, *, witnesses: Sequence[Witness], music: Music, rng: random.Random
    ) -> None:
        self._arena = arena
        self._witnesses = {witness.wish.name: witness for witness in witnesses}
        self._music = music
        self._rng = rng
        self.strikes: list[Strike] = []
        self._handlers: dict[EventKind, Callable[[Event], Awaitable[None]]] = {
            "kill": self._kill,
            "kill_all": self._kill_all,
            "freeze": self._freeze,
            "freeze_all": self._freeze_all,
            "kill_in_write": self._kill_in_write,
            "freeze_in_write": self._freeze_in_write,
            "terminate": self._terminate,
            "gateway_killed": self._kill_gateway,
            "redis_flushed": self._flush,
            "redis_restarted": self._restart_redis,
            "redis_cut": self._cut,
            "redis_stalled": self._stall,
            "redis_slow": self._slow,
            "redis_deaf": self._deafen,
            "postgres_crashed": self._crash,
            "postgres_cut": self._cut,
            "postgres_stalled": self._stall,
            "postgres_slow": self._slow,
            "tokens_revoked": self._revoke,
            "other_hand": self._other_hand,
            "pause": self._pause,
            "cancel": self._cancel,
        }

    @property
    def is_over(self) -> bool:
        """Whether no transfer is left to be disturbed."""
        return all(witness.ended.is_set() for witness in self._witnesses.values())

    async def perform(self, event: Event) -> None:
        """Wait for the event's moment and let it happen to its end, unless everything is over by then."""
        await asyncio.sleep(event.at_s)
        if not self.is_over:
            await self._handlers[event.kind](event)

    def _note(self, event: Event, detail: str = "") -> None:
        self.strikes.append(Strike(kind=event.kind, at_s=time.time(), detail=detail))

    async def _victim(self) -> tuple[Member | None, str]:
        """Choose a worker that can be disturbed, mostly one that holds a job."""
        busy = await self._arena.busy() if self._rng.random() < BUSY_SHARE else []
        awake = self._arena.crew.awake()
        if busy:
            return self._rng.choice(busy), "busy"
        return (self._rng.choice(awake), "any") if awake else (None, "")

    async def _kill(self, event: Event) -> None:
        member, manner = await self._victim()
        if member is not None:
            await self._replace(event, [member], manner)

    async def _kill_all(self, event: Event) -> None:
        await self._replace(event, list(self._arena.crew.members), "all")

    async def _replace(self, event: Event, members: Sequence[Member], manner: str) -> None:
        """Kill workers, and start others some time later."""
        self._note(event, f"{_names(members)}, {manner}")
        for member in members:
            await self._arena.crew.kill(member)
        await asyncio.sleep(event.for_s)
        for _ in members:
            self._arena.crew.add()

    async def _freeze(self, event: Event) -> None:
        member, manner = await self._victim()
        if member is not None:
            await self._freeze_for(event, [member], manner)

    async def _freeze_all(self, event: Event) -> None:
        await self._freeze_for(event, self._arena.crew.awake(), "all")

    async def _freeze_for(self, event: Event, members: Sequence[Member], manner: str) -> None:
        self._note(event, f"{_names(members)}, {manner}, {event.for_s:g} s")
        for member in members:
            self._arena.crew.freeze(member)
        await asyncio.sleep(event.for_s)
        self._arena.crew.thaw(members)

    async def _kill_in_write(self, event: Event) -> None:
        if member := await self._writer(event):
            await self._replace(event, [member], "writing")

    async def _freeze_in_write(self, event: Event) -> None:
        if member := await self._writer(event):
            await self._freeze_for(event, [member], "writing")

    async def _writer(self, event: Event) -> Member | None:
        """Wait until a fault holds so many writes up, and return a worker that holds a job then."""
        give_up_at_s = time.monotonic() + WRITE_WITHIN_S
        while not self.is_over and time.monotonic() < give_up_at_s:
            if await self._held_up_count(event.subject) >= event.amount:
                busy = await self._arena.busy()
                return self._rng.choice(busy) if busy else None
            await asyncio.sleep(LOOK_EVERY_S)
        return None

    async def _held_up_count(self, platform: str) -> int:
        faults = await self._arena.control(platform, "faults")
        return sum(fault["struck_count"] for fault in faults if fault["kind"] in HOLDING)

    async def _terminate(self, event: Event) -> None:
        member, manner = await self._victim()
        if member is not None:
            self._note(event, f"{member.name}, {manner}")
            self._arena.crew.add()
            await self._arena.crew.dismiss(member, patience_s=LEAVES_WITHIN_S)

    async def _kill_gateway(self, event: Event) -> None:
        self._note(event)
        with contextlib.suppress(StartError):
            await self._arena.stack.system.restart_gateway(is_killed=True)

    async def _flush(self, event: Event) -> None:
        if await self._arena.stores.flush_redis():
            self._note(event)

    async def _restart_redis(self, event: Event) -> None:
        self._note(event, f"{event.for_s:g} s")
        await self._arena.stores.restart_redis(down_s=event.for_s)

    async def _crash(self, event: Event) -> None:
        with contextlib.suppress(*STORE_ERRORS, asyncpg.PostgresError):  # it is down already
            await self._arena.stores.crash_postgres()
            self._note(event)

    def _proxy(self, event: Event) -> Proxy:
        stores = self._arena.stores
        return stores.redis if event.kind.startswith("redis") else stores.postgres

    async def _cut(self, event: Event) -> None:
        self._proxy(event).cut()
        self._note(event)

    async def _stall(self, event: Event) -> None:
        proxy = self._proxy(event)
        proxy.stall()
        self._note(event, f"{event.for_s:g} s")
        await asyncio.sleep(event.for_s)
        proxy.heal()

    async def _slow(self, event: Event) -> None:
        proxy = self._proxy(event)
        proxy.latency_s = SLOW_S
        self._note(event, f"{event.for_s:g} s")
        await asyncio.sleep(event.for_s)
        proxy.heal()

    async def _deafen(self, event: Event) -> None:
        proxy = self._proxy(event)
        proxy.go_deaf()
        self._note(event, f"{event.for_s:g} s")
        await asyncio.sleep(event.for_s)
        proxy.heal()

    async def _revoke(self, event: Event) -> None:
        platform, _, kind = event.subject.partition(":")
        body = {"kind": kind} if kind else {}
        await self._arena.control(platform, "tokens/revoke", method="POST", body=body)
        self._note(event, event.subject)

    async def _other_hand(self, event: Event) -> None:
        """Put strangers into the target that is being written."""
        witness = self._witnesses[event.subject]
        target_id, platform = witness.target_id, witness.wish.target
        if target_id is None or witness.ended.is_set():
            return
        length = len(await self._arena.rows(platform, target_id))
        ids = self._rng.sample(self._music.strangers[platform], event.amount)
        position = self._rng.choice((0, length // 2, length, length))
        rows = [Item(track_id=track_id) for track_id in ids]
        await self._arena.add_rows(platform, target_id, rows=rows, position=position)
        self._note(event, f"{witness.wish.name}, {event.amount} at {position} of {length}")

    async def _pause(self, event: Event) -> None:
        witness = self._witnesses[event.subject]
        witness.is_held = True
        try:
            if await witness.act("pause"):
                self._note(event, event.subject)
                await asyncio.sleep(event.for_s)
                await witness.act("resume")
        finally:
            witness.is_held = False

    async def _cancel(self, event: Event) -> None:
        if await self._witnesses[event.subject].act("cancel"):
            self._note(event, event.subject)


def _names(members: Sequence[Member]) -> str:
    return " ".join(member.name for member in members)

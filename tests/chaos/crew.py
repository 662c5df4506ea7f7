"""The workers of an arena: real processes that are killed, frozen and replaced, or strike themselves."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.chaos.records import Strike
from tests.faults import effects
from tests.faults.worker import spawn
from tests.waiting import until

LOOK_EVERY_S = 0.1
REPLACED_AFTER_S = 0.3
FENCED = "Lease lost"
HEALTHY = effects.Plan()


class Member:
    """One worker process. record: what it has done to itself, where it has a plan to."""

    def __init__(self, process: ForkServerProcess, *, name: str, plan: effects.Plan) -> None:
        assert process.pid is not None
        self.name = name
        self.pid = process.pid
        self.plan = plan
        self.process = process
        self.is_frozen = False
        self.seen_stopped_at_s: float | None = None

    @property
    def is_alive(self) -> bool:
        return self.process.exitcode is None

    @property
    def is_stopped(self) -> bool:
        """Whether the system says that it is frozen, by whomever."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] == "T"

    def signal(self, number: signal.Signals) -> None:
        if self.is_alive:
            os.kill(self.pid, number)

    async def end(self) -> None:
        """Kill it and wait until it is gone."""
        self.signal(signal.SIGKILL)
        await until(lambda: not self.is_alive)
        self.process.close()

    def strikes(self) -> list[Strike]:
        """Return what it has done to itself by now."""
        if self.plan.record_path is None:
            return []
        acts = {strike.at: strike.act for strike in self.plan.strikes}
        lines = Path(self.plan.record_path).read_text().splitlines()
        struck = [line.removeprefix("struck ") for line in lines if line.startswith("struck ")]
        return [Strike(kind=f"{acts.get(at, 'freeze')} itself", detail=f"{self.name}, {at}") for at in struck]


class Crew:
    """Starts workers and keeps their number. environ: of each; directory: for logs and records."""

    def __init__(self, environ: Mapping[str, str], *, directory: Path) -> None:
        self._environ = environ
        self._directory = directory
        self._number = 0
        self._ended_strikes: list[Strike] = []
        self.members: list[Member] = []

    def add(self, plan: effects.Plan = HEALTHY) -> Member:
        """Start a worker; it takes jobs within a moment."""
        self._number += 1
        name = f"worker-{self._number}"
        if plan != HEALTHY:
            record = self._directory / f"{name}.effects"
            record.touch()
            plan = effects.Plan(
                strikes=plan.strikes,
                record_path=str(record),
                freeze_probability=plan.freeze_probability,
                seed=plan.seed,
            )
        process = spawn(self._environ, plan=plan, log_path=self._directory / f"{name}.log")
        member = Member(process, name=name, plan=plan)
        self.members.append(member)
        return member

    def awake(self) -> list[Member]:
        """Return those that run and that nobody has frozen."""
        return [member for member in self.members if member.is_alive and not member.is_frozen]

    def freeze(self, member: Member) -> None:
        member.is_frozen = True
        member.signal(signal.SIGSTOP)

    def thaw(self, members: Sequence[Member]) -> None:
        for member in members:
            if member in self.members:
                member.signal(signal.SIGCONT)
                member.is_frozen = False
                member.seen_stopped_at_s = None

    async def kill(self, member: Member) -> None:
        """Pull the plug of a worker; nothing happens to one that somebody else is killing."""
        if member in self.members:
            self.members.remove(member)
            await member.end()
            self._ended_strikes += member.strikes()

    async def dismiss(self, member: Member, *, patience_s: float) -> None:
        """Ask a worker to leave; one that does not in time is killed."""
        self.members.remove(member)
        member.signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await until(lambda: not member.is_alive, patience_s=patience_s)
        await member.end()
        self._ended_strikes += member.strikes()

    async def staff(self, count: int, *, plans: Sequence[effects.Plan] = ()) -> None:
        """Have so many healthy workers, or new ones with these plans; whoever has an old plan must go."""
        for member in list(self.members):
            if plans or not member.is_alive or member.plan != HEALTHY:
                await self.kill(member)
        while len(self.members) > count:
            await self.kill(self.members[0])
        for plan in (*plans, *[HEALTHY] * (count - len(self.members) - len(plans))):
            self.add(plan)

    async def tend(self, *, lease_s: float, rng: random.Random) -> None:
        """Replace those that kill themselves, and thaw those that freeze themselves, until cancelled."""
        while True:
            for member in list(self.members):
                if not member.is_alive:
                    await self.kill(member)
                    await asyncio.sleep(REPLACED_AFTER_S)
                    self.add()
                elif not member.is_frozen and member.is_stopped:
                    member.seen_stopped_at_s = member.seen_stopped_at_s or time.monotonic()
                    if time.monotonic() > member.seen_stopped_at_s + lease_s + rng.uniform(0.3, 2.0):
                        self.thaw([member])
            await asyncio.sleep(LOOK_EVERY_S)

    async def leave(self) -> None:
        """End all of them."""
        for member in list(self.members):
            await self.kill(member)

    def strikes(self) -> list[Strike]:
        """Return what all have done to themselves."""
        return [*self._ended_strikes, *(one for member in self.members for one in member.strikes())]

    def fenced_count(self) -> int:
        """Return how often workers have found that their lease was lost."""
        logs = self._directory.glob("worker-*.log")
        return sum(log.read_text(errors="replace").count(FENCED) for log in logs)

"""A worker's effects, named as they happen, and a plan that strikes at one of them.

An effect is what outlives a process: a statement or a commit in Postgres, a command in Redis, a request to
a platform. Between two effects a worker may die anywhere; nobody could tell where. So a worker that is killed
right after an effect, before it hears of it, or that is told of a broken connection instead, covers every
place where it may stop.
"""

import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Literal, NoReturn, TypeVar

import msgspec

T = TypeVar("T")

PHASE: ContextVar[str] = ContextVar("phase", default="")
"""The phase of the job that the current task runs, empty outside of jobs."""


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """Where to strike, and how.

    at: an effect as it is recorded, `<phase>: <name>`, without a phase outside of jobs. nth: which of those.
    act: "kill" at once after the effect; "lose" its answer; "freeze" (SIGSTOP) before it.
    """

    at: str
    act: Literal["kill", "lose", "freeze"]
    nth: int = 1


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do to a worker. record_path: gets a line for each effect, and one for a strike.

    freeze_probability: of each platform write, to be frozen right before its request.
    """

    strikes: tuple[Strike, ...] = ()
    record_path: str | None = None
    freeze_probability: float = 0.0
    seed: int = 0


class Striker:
    """Counts the effects and carries out the plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._open = list(plan.strikes)
        self._counts: Counter[str] = Counter()
        self._rng = random.Random(plan.seed)
        self._record = open(plan.record_path, "a", buffering=1) if plan.record_path else None  # noqa: PTH123, SIM115  # as long as the process

    async def around(
        self, name: str, effect: Callable[[], Awaitable[T]], *, loss: Callable[[], Exception]
    ) -> T:
        """Let an effect happen. loss makes what a broken connection would raise."""
        phase = PHASE.get()
        full = f"{phase}: {name}" if phase else name
        strike = next(
            (one for one in self._open if one.at == full and one.nth <= self._counts[full] + 1), None
        )
        if strike is not None:
            self._open.remove(strike)
        if strike is not None and strike.act == "freeze":
            self._tell(f"struck {full}")
            os.kill(os.getpid(), signal.SIGSTOP)
        result = await effect()
        self._counts[full] += 1  # one that failed by itself is no effect
        self._tell(full)
        if strike is not None and strike.act != "freeze":
            self._tell(f"struck {full}")
            if strike.act == "kill":
                _die()
            raise loss()
        return result

    def before_write(self) -> None:
        """Freeze now and then, right before the bytes of a platform write."""
        if self._rng.random() < self._plan.freeze_probability:
            self._tell("struck a write")
            os.kill(os.getpid(), signal.SIGSTOP)

    def _tell(self, line: str) -> None:
        if self._record is not None:
            self._record.write(line + "\n")


def effects_of(record: Path) -> list[str]:
    """Return the effects of a record, in order."""
    return [line for line in record.read_text().splitlines() if not line.startswith("struck ")]


def has_struck(record: Path) -> bool:
    return record.exists() and "struck " in record.read_text()


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process does nothing any more")

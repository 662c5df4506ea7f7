"""Plays many runs, side by side, counts what has struck, and keeps the history of each broken one."""

import asyncio
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from tests.chaos.arena import Arena
from tests.chaos.calm import learn
from tests.chaos.history import Violation, check
from tests.chaos.plans import FIRST_PAIR, Music, Pair
from tests.chaos.records import History
from tests.chaos.run import play
from tests.chaos.schedule import draw
from tests.chaos.worlds import WorldFiles, write_files
from tests.faults.worker import warm_up

# After these the arena is not what the next run may expect.
SPOILING = {"ended", "nothing left over"}


class Campaign:
    """Plays seeds in lanes, each with an arena of its own. keep: where broken runs are described."""

    def __init__(self, seeds: Iterable[int], *, keep: Path, platforms: Pair = FIRST_PAIR) -> None:
        self._seeds = list(seeds)
        self._keep = keep
        self._platforms = platforms
        self._music: Music | None = None
        self._music_lock = asyncio.Lock()
        self.strikes: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self.run_count = 0
        self.row_count = 0
        self.transfer_count = 0
        self.broken: list[int] = []

    async def play(self, *, lane_count: int) -> None:
        """Play all seeds; what becomes of each is told at once."""
        waiting = self._seeds[::-1]
        with tempfile.TemporaryDirectory(prefix="crossplay-chaos-") as directory:
            files = write_files(Path(directory) / "world", platforms=self._platforms)
            await asyncio.to_thread(warm_up)
            async with asyncio.TaskGroup() as group:
                for number in range(min(lane_count, len(waiting))):
                    group.create_task(self._lane(Path(directory) / f"lane-{number}", files, waiting))

    async def _lane(self, directory: Path, files: WorldFiles, waiting: list[int]) -> None:
        """Play what is waiting; an arena that a run has spoiled is replaced."""
        life = 0
        while waiting:
            life += 1
            async with AsyncExitStack() as stack:
                home = directory / str(life)
                home.mkdir(parents=True)
                arena = await stack.enter_async_context(
                    Arena.open(home, worlds=files.paths, platforms=self._platforms)
                )
                music = await self._learned(arena, files)
                while waiting and await self._run(arena, waiting.pop(), music):
                    pass

    async def _learned(self, arena: Arena, files: WorldFiles) -> Music:
        async with self._music_lock:
            if self._music is None:
                self._music = await learn(arena, files)
            return self._music

    async def _run(self, arena: Arena, seed: int, music: Music) -> bool:
        """Play a seed, judge and tell it; False if the arena cannot be used again."""
        began_at_s = time.time()
        try:
            history = await play(arena, draw(seed, music), music)
        except Exception:  # noqa: BLE001 - whatever breaks a run is told, and the others go on
            self.broken.append(seed)
            say(f"seed {seed}: the run itself broke\n{traceback.format_exc()}")
            await asyncio.to_thread(self._keep_logs, arena, seed, began_at_s)
            return False
        violations = check(history)
        self._count(history)
        say(line_of(history, violations))
        if violations:
            self.broken.append(seed)
            self._keep.mkdir(parents=True, exist_ok=True)
            (self._keep / f"seed-{seed}.json").write_bytes(msgspec.json.encode(history))
            await asyncio.to_thread(self._keep_logs, arena, seed, began_at_s)
        return not any(violation.rule in SPOILING for violation in violations)

    def _count(self, history: History) -> None:
        self.run_count += 1
        self.transfer_count += len(history.stories)
        self.row_count += sum(len(story.source_ids) for story in history.stories)
        self.troubles.update(history.plan.troubles)
        self.answers.update(history.answers)
        for strike in history.strikes:
            self.strikes[strike.kind] += strike.count

    def _keep_logs(self, arena: Arena, seed: int, began_at_s: float) -> None:
        """Copy the logs that were written to during the run."""
        place = self._keep / f"seed-{seed}-logs"
        place.mkdir(parents=True, exist_ok=True)
        for log in arena.stack.data_dir.parent.rglob("*.log"):
            if log.stat().st_mtime >= began_at_s:
                shutil.copy(log, place / log.name)

    def summary(self) -> str:
        """Say what has struck in all, and how broken runs are played again."""
        lines = [
            f"{self.run_count} runs, {self.transfer_count} transfers, {self.row_count} rows.",
            f"Struck: {_listed(self.strikes)}.",
            f"Answers of the platforms: {_listed(self.answers)}.",
            f"Troubles drawn: {_listed(self.troubles)}.",
        ]
        if not self.broken:
            return "\n".join([*lines, "No promise was broken."])
        pair = ",".join(self._platforms)
        again = [
            f"  python -m tests.chaos --platforms {pair} --seed {seed} --runs 1"
            for seed in sorted(self.broken)
        ]
        return "\n".join(
            [*lines, f"Broken runs: {len(again)}; histories and logs are in {self._keep}.", *again]
        )


def line_of(history: History, violations: Sequence[Violation]) -> str:
    """Tell a run in a line, and each broken promise in one more."""
    struck: Counter[str] = Counter()
    for strike in history.strikes:
        struck[strike.kind] += strike.count
    rows = "+".join(str(len(story.source_ids)) for story in history.stories)
    states = ", ".join(story.last.state if story.last else "unseen" for story in history.stories)
    plan = history.plan
    head = (
        f"seed {plan.seed}: {plan.worker_count} workers, {rows} rows, {history.duration_s:.1f} s, {states}; "
        f"{_listed(struck) or 'nothing struck'}"
    )
    return "\n".join([head, *(f"  BROKEN {violation}" for violation in violations)])


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))

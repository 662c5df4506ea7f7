"""All that can go wrong during a run, each with its weight among the others."""

from collections.abc import Callable

from tests.chaos import platform_troubles as of_platforms
from tests.chaos import system_troubles as of_system
from tests.chaos.dice import Dice, Draft

TROUBLES: dict[str, tuple[float, Callable[[Dice], Draft]]] = {
    "kills": (6, of_system.kills),
    "all workers killed": (1, of_system.kill_all),
    "freezes": (4, of_system.freezes),
    "all workers frozen": (1, of_system.freeze_all),
    "dies in a write": (5, of_system.dies_in_write),
    "strikes itself": (6, of_system.strikes_itself),
    "frozen before writes": (3, of_system.frozen_before_writes),
    "frozen behind the gate": (0.3, of_system.frozen_behind_the_gate),
    "worker told to leave": (1, of_system.terminate),
    "gateway killed": (1, of_system.gateway),
    "redis": (3, of_system.redis),
    "redis deaf": (0.2, of_system.redis_deaf),
    "postgres": (3, of_system.postgres),
    "lost answers": (5, of_platforms.lost_answers),
    "part of a batch": (3, of_platforms.partial),
    "nothing done": (2, of_platforms.nothing_done),
    "slow writes": (1, of_platforms.slow_writes),
    "rate limited": (2, of_platforms.rate_limited),
    "bursts": (2, of_platforms.bursts),
    "unanswered look-ups": (3, of_platforms.unanswered_look_ups),
    "slow reads": (1, of_platforms.slow_reads),
    "nonsense": (1.5, of_platforms.nonsense),
    "lies": (0.5, of_platforms.lies),
    "late": (2, of_platforms.late),
    "shuffle": (0.7, of_platforms.shuffle),
    "poison": (0.7, of_platforms.poison),
    "poison for good": (1, of_platforms.poison_for_good),
    "refused": (0.7, of_platforms.refused),
    "tokens revoked": (0.8, of_system.revoke),
    "other hand": (1, of_system.other_hand),
    "paused": (1, of_system.pause),
    "cancelled": (1, of_system.cancel),
}
AT_WRITES = ("dies in a write", "lost answers", "part of a batch", "strikes itself", "nothing done")
AT_READS = ("unanswered look-ups", "bursts", "rate limited", "nonsense")

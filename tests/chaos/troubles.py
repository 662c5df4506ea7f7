"""All that can go wrong during a run, in groups, each trouble with its weight among its group."""

from collections.abc import Callable

import msgspec

from tests.chaos import platform_troubles as of_platforms
from tests.chaos import system_troubles as of_system
from tests.chaos.dice import Dice, Draft

Draw = Callable[[Dice], Draft]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """share: of the runs that have one of these troubles."""

    share: float
    troubles: dict[str, tuple[float, Draw]]


AT_WRITES = Group(
    share=0.85,
    troubles={
        "dies in a write": (7, of_system.dies_in_write),
        "lost answers": (8, of_platforms.lost_answers),
        "part of a batch": (6, of_platforms.partial),
        "nothing done": (3, of_platforms.nothing_done),
        "late": (2, of_platforms.late),
        "shuffle": (1, of_platforms.shuffle),
        "poison": (1, of_platforms.poison),
        "poison for good": (1, of_platforms.poison_for_good),
        "lies": (1, of_platforms.lies),
        "slow writes": (1, of_platforms.slow_writes),
    },
)
AT_READS = Group(
    share=0.5,
    troubles={
        "unanswered look-ups": (3, of_platforms.unanswered_look_ups),
        "rate limited": (2, of_platforms.rate_limited),
        "bursts": (2, of_platforms.bursts),
        "nonsense": (2, of_platforms.nonsense),
        "slow reads": (1, of_platforms.slow_reads),
        "refused": (1, of_platforms.refused),
    },
)
OF_WORKERS = Group(
    share=0.8,
    troubles={
        "kills": (5, of_system.kills),
        "strikes itself": (5, of_system.strikes_itself),
        "freezes": (4, of_system.freezes),
        "frozen before writes": (3, of_system.frozen_before_writes),
        "all workers killed": (1, of_system.kill_all),
        "all workers frozen": (1, of_system.freeze_all),
        "worker told to leave": (1, of_system.terminate),
        "frozen behind the gate": (0.5, of_system.frozen_behind_the_gate),
    },
)
OF_STORES = Group(
    share=0.45,
    troubles={
        "redis": (5, of_system.redis),
        "postgres": (5, of_system.postgres),
        "gateway killed": (2, of_system.gateway),
        "redis deaf": (0.5, of_system.redis_deaf),
    },
)
OF_USERS = Group(
    share=0.35,
    troubles={
        "other hand": (2, of_system.other_hand),
        "cancelled": (2, of_system.cancel),
        "paused": (1, of_system.pause),
        "tokens revoked": (1, of_system.revoke),
    },
)
GROUPS = (AT_WRITES, AT_READS, OF_WORKERS, OF_STORES, OF_USERS)
DRAWS: dict[str, Draw] = {name: draw for group in GROUPS for name, (_, draw) in group.troubles.items()}

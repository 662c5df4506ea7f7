"""What can go wrong during a run: each trouble draws its platform faults and its events. Pure."""

import random
from collections.abc import Callable
from typing import Any

from tests.chaos.plans import Event, EventKind, Music, PlatformFault, Wish

STRIKES_UNTIL_S = 3.0  # when the last event begins
LEASE_S = 3.0  # of the system that is disturbed
SEEN_WITHIN_S = 0.25  # the longest visibility delay; adapters are told to reckon with 0.3 s

Draft = tuple[tuple[PlatformFault, ...], tuple[Event, ...]]


class Dice:
    """What a trouble is drawn with."""

    def __init__(self, rng: random.Random, *, wishes: tuple[Wish, ...], music: Music, name: str) -> None:
        self.rng = rng
        self.wishes = wishes
        self.music = music
        self.name = name
        self.wish = rng.choice(wishes)
        self.target = self.wish.target
        self.platform = rng.choice((self.wish.source, self.wish.target))

    def at_s(self) -> float:
        return round(self.rng.uniform(0.1, STRIKES_UNTIL_S), 2)

    def fault(self, platform: str, *, is_lasting: bool = False, **fault: Any) -> PlatformFault:
        fault.setdefault("seed", self.rng.randrange(1000))
        return PlatformFault(trouble=self.name, platform=platform, fault=fault, is_lasting=is_lasting)

    def event(self, kind: EventKind, *, least_s: float = 0.0, most_s: float = 0.0, **more: Any) -> Event:
        """Draw an event that lasts from least_s to most_s."""
        for_s = round(self.rng.uniform(least_s, most_s), 2)
        return Event(kind=kind, at_s=self.at_s(), for_s=for_s, **more)

    def some_ids(self, most: int) -> list[str]:
        """Return tracks that the wish is going to write."""
        expected = self.music.expected_of(self.wish.source, self.wish.rows)
        ids = sorted({one.target_id for one in expected if one.target_id})
        return self.rng.sample(ids, min(len(ids), self.rng.randint(1, most)))


def _kills(dice: Dice) -> Draft:
    count = dice.rng.choice((1, 1, 2, 3))
    return (), tuple(dice.event("kill", most_s=1.0) for _ in range(count))


def _kill_all(dice: Dice) -> Draft:
    return (), (dice.event("kill_all", most_s=1.0),)


def _freezes(dice: Dice) -> Draft:
    """Stop a worker for longer than its lease, so that it wakes up as a zombie."""
    count = dice.rng.choice((1, 1, 2))
    return (), tuple(dice.event("freeze", least_s=LEASE_S + 0.3, most_s=LEASE_S + 2.0) for _ in range(count))


def _freeze_all(dice: Dice) -> Draft:
    return (), (dice.event("freeze_all", least_s=LEASE_S + 0.3, most_s=LEASE_S + 1.0),)


def _dies_in_write(dice: Dice) -> Draft:
    """Stop the worker while a write of its own is under way: before or after the platform has done it."""
    rng = dice.rng
    fault = dice.fault(
        dice.target,
        is_lasting=True,
        operation=rng.choice(("add_items", "add_items", "write")),
        kind=rng.choice(("delay", "applied_then_delay", "applied_then_delay")),
        delay_ms=rng.randint(300, 900),
        count=rng.randint(1, 3),
        after=rng.choice((0, 0, 1)),
    )
    if rng.random() < 0.3:
        seconds = {"least_s": LEASE_S + 0.3, "most_s": LEASE_S + 2.0}
        return (fault,), (dice.event("freeze_in_write", subject=dice.target, **seconds),)
    kills = [
        dice.event("kill_in_write", most_s=1.0, subject=dice.target) for _ in range(fault.fault["count"])
    ]
    return (fault,), tuple(kills)


def _terminate(dice: Dice) -> Draft:
    return (), (dice.event("terminate"),)


def _gateway(dice: Dice) -> Draft:
    return (), (dice.event("gateway_killed"),)


def _redis(dice: Dice) -> Draft:
    kind: EventKind = dice.rng.choice(
        ("redis_flushed", "redis_flushed", "redis_restarted", "redis_cut", "redis_stalled", "redis_slow")
    )
    count = dice.rng.randint(1, 4) if kind in ("redis_flushed", "redis_cut") else 1
    return (), tuple(dice.event(kind, least_s=0.5, most_s=2.0) for _ in range(count))


def _redis_deaf(dice: Dice) -> Draft:
    return (), (dice.event("redis_deaf", least_s=0.5, most_s=2.0),)


def _postgres(dice: Dice) -> Draft:
    kind: EventKind = dice.rng.choice(
        ("postgres_crashed", "postgres_crashed", "postgres_cut", "postgres_stalled", "postgres_slow")
    )
    count = dice.rng.randint(1, 3) if kind == "postgres_cut" else 1
    return (), tuple(dice.event(kind, least_s=0.5, most_s=2.0) for _ in range(count))


def _lost_answers(dice: Dice) -> Draft:
    """Let the platform do what it is asked and not say so."""
    rng = dice.rng
    kind = rng.choice(
        (
            "applied_then_lost",
            "applied_then_lost",
            "applied_then_error",
            "applied_then_delay",
            "applied_then_empty",
        )
    )
    fault: dict[str, Any] = {
        "operation": rng.choice(("add_items", "add_items", "create_playlist", "write")),
        "kind": kind,
        "count": rng.randint(1, 4),
        "probability": rng.choice((0.4, 1.0)),
    }
    if kind == "applied_then_delay":
        fault["delay_ms"] = rng.choice((400, 1500))
    return (dice.fault(dice.target, is_lasting=True, **fault),), ()


def _partial(dice: Dice) -> Draft:
    rng = dice.rng
    fault = dice.fault(
        dice.target,
        is_lasting=True,
        operation="add_items",
        kind=rng.choice(("applied_then_lost", "applied_then_error")),
        partial=rng.randint(1, 40),
        count=rng.randint(1, 2),
        after=rng.choice((0, 0, 1)),
    )
    return (fault,), ()


def _nothing_done(dice: Dice) -> Draft:
    """Lose writes before the platform has done anything."""
    rng = dice.rng
    fault = dice.fault(
        dice.target,
        is_lasting=True,
        operation=rng.choice(("add_items", "create_playlist", "write")),
        kind=rng.choice(("drop", "timeout", "status", "html")),
        status=rng.choice((500, 502, 503, 504)),
        count=rng.randint(1, 3),
    )
    return (fault,), ()


def _slow_writes(dice: Dice) -> Draft:
    fault = dice.fault(
        dice.target, operation="write", kind="delay", delay_ms=dice.rng.randint(200, 900), count=4
    )
    return (fault,), ()


def _rate_limited(dice: Dice) -> Draft:
    rng = dice.rng
    fault: dict[str, Any] = {
        "operation": rng.choice(("*", "read", "write", "search")),
        "kind": "rate_limit",
        "count": rng.randint(1, 3),
        "after": rng.randint(0, 20),
    }
    if rng.random() < 0.7:
        fault["retry_after_s"] = rng.choice((1, 2))
    elif dice.platform == "spotify":
        fault["count"] = 1  # without a header it rests for five seconds, then for ten
    return (dice.fault(dice.platform, **fault),), ()


def _bursts(dice: Dice) -> Draft:
    """Let reads fail again and again."""
    rng = dice.rng
    fault = dice.fault(
        dice.platform,
        operation=rng.choice(("*", "read", "read", "search", "list_items")),
        kind=rng.choice(("status", "status", "drop", "html")),
        status=rng.choice((500, 502, 503, 504)),
        probability=rng.choice((0.3, 0.7, 1.0)),
        count=rng.randint(3, 20),
        after=rng.randint(0, 10),
    )
    return (fault,), ()


def _slow_reads(dice: Dice) -> Draft:
    fault = dice.fault(
        dice.platform,
        operation="read",
        kind="timeout",
        delay_ms=dice.rng.choice((600, 10_000)),
        count=dice.rng.randint(1, 3),
        after=dice.rng.randint(0, 10),
    )
    return (fault,), ()


def _nonsense(dice: Dice) -> Draft:
    """Answer a read with a success that is none."""
    rng = dice.rng
    kind, operation = rng.choice(
        (("garbage", "read"), ("html", "read"), ("empty", "read"), ("empty_page", "list_items"))
    )
    fault = dice.fault(
        dice.platform,
        operation=operation,
        kind=kind,
        status=200,
        count=rng.randint(1, 4),
        after=rng.randint(0, 10),
    )
    return (fault,), ()


def _lies(dice: Dice) -> Draft:
    """Let Spotify accept tracks and not add them: verify has to repair it."""
    fault = dice.fault("spotify", is_lasting=True, operation="add_items", kind="empty", status=201, count=1)
    return (fault,), ()


def _late(dice: Dice) -> Draft:
    delay_s = round(dice.rng.uniform(0.05, SEEN_WITHIN_S), 2)
    fault = dice.fault(dice.target, operation="write", kind="visibility_delay", visibility_delay_s=delay_s)
    return (fault,), ()


def _shuffle(dice: Dice) -> Draft:
    count = dice.rng.randint(1, 2)
    fault = dice.fault("apple_music", is_lasting=True, operation="add_items", kind="shuffle", count=count)
    return (fault,), ()


def _poison(dice: Dice) -> Draft:
    """Let one track fail its whole batch for a while."""
    fault = dice.fault(
        dice.target,
        operation="add_items",
        kind="poison",
        poison_ids=dice.some_ids(1),
        count=dice.rng.randint(1, 3),
    )
    return (fault,), ()


def _poison_for_good(dice: Dice) -> Draft:
    """Let one to three tracks be refused for ever: they must be named, all others written."""
    fault = dice.fault(
        dice.target,
        is_lasting=True,
        operation="add_items",
        kind="poison",
        poison_ids=dice.some_ids(3),
        status=400,
    )
    return (fault,), ()


def _refused(dice: Dice) -> Draft:
    """Say once of a playlist that it is not there: the transfer fails, and its user tries again."""
    fault = dice.fault(
        dice.platform,
        operation="list_items",
        kind="status",
        status=404,
        count=1,
        after=dice.rng.randint(0, 3),
    )
    return (fault,), ()


def _revoke(dice: Dice) -> Draft:
    kinds = ("access", "") if dice.platform == "spotify" else ("user",)
    return (), (dice.event("tokens_revoked", subject=f"{dice.platform}:{dice.rng.choice(kinds)}"),)


def _other_hand(dice: Dice) -> Draft:
    count = dice.rng.choice((1, 1, 2))
    return (), tuple(
        dice.event("other_hand", subject=dice.wish.name, amount=dice.rng.randint(1, 3)) for _ in range(count)
    )


def _pause(dice: Dice) -> Draft:
    return (), (dice.event("pause", least_s=0.2, most_s=2.0, subject=dice.wish.name),)


def _cancel(dice: Dice) -> Draft:
    return (), (dice.event("cancel", subject=dice.wish.name),)


TROUBLES: dict[str, tuple[float, Callable[[Dice], Draft]]] = {
    "kills": (6, _kills),
    "all workers killed": (1, _kill_all),
    "freezes": (4, _freezes),
    "all workers frozen": (1, _freeze_all),
    "dies in a write": (5, _dies_in_write),
    "worker told to leave": (1, _terminate),
    "gateway killed": (1, _gateway),
    "redis": (3, _redis),
    "redis deaf": (0.2, _redis_deaf),
    "postgres": (3, _postgres),
    "lost answers": (5, _lost_answers),
    "part of a batch": (3, _partial),
    "nothing done": (2, _nothing_done),
    "slow writes": (1, _slow_writes),
    "rate limited": (2, _rate_limited),
    "bursts": (2, _bursts),
    "slow reads": (1, _slow_reads),
    "nonsense": (1.5, _nonsense),
    "lies": (0.5, _lies),
    "late": (2, _late),
    "shuffle": (0.7, _shuffle),
    "poison": (0.7, _poison),
    "poison for good": (1, _poison_for_good),
    "refused": (0.7, _refused),
    "tokens revoked": (0.8, _revoke),
    "other hand": (1, _other_hand),
    "paused": (1, _pause),
    "cancelled": (1, _cancel),
}

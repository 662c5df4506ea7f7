"""What happens to the processes and stores of a system, and what its users do. Pure."""

import msgspec

from deploy.dev.sandboxes import USES
from tests.chaos.dice import Dice, Draft
from tests.chaos.operations import adding
from tests.chaos.plans import EventKind
from tests.crashes import points
from tests.faults.effects import Plan, Strike

LEASE_S = 3.0  # of the system that is disturbed
LATE = "write: after the gate"  # who is frozen there sends late: nothing can prevent it


def kills(dice: Dice) -> Draft:
    count = dice.rng.choice((1, 1, 2, 3))
    return Draft(events=tuple(dice.event("kill", most_s=1.0) for _ in range(count)))


def kill_all(dice: Dice) -> Draft:
    return Draft(events=(dice.event("kill_all", most_s=1.0),))


def freezes(dice: Dice) -> Draft:
    """Stop a worker for longer than its lease, so that it wakes up as a zombie."""
    count = dice.rng.choice((1, 1, 2))
    return Draft(
        events=tuple(dice.event("freeze", least_s=LEASE_S + 0.3, most_s=LEASE_S + 2.0) for _ in range(count))
    )


def freeze_all(dice: Dice) -> Draft:
    return Draft(events=(dice.event("freeze_all", least_s=LEASE_S + 0.3, most_s=LEASE_S + 1.0),))


def dies_in_write(dice: Dice) -> Draft:
    """Stop the worker while a write of its own is under way: before or after the platform has done it."""
    rng = dice.rng
    fault = dice.fault(
        dice.target,
        is_lasting=True,
        operation=rng.choice((*(adding(dice.target),) * 3, "write")),
        kind=rng.choice(("delay", "applied_then_delay", "applied_then_delay")),
        delay_ms=rng.randint(300, 1400),
        count=rng.randint(1, 3),
        after=rng.choice((0, 0, 1)),
    )
    times = range(1, fault.fault["count"] + 1)
    kind: EventKind = "freeze_in_write" if rng.random() < 0.3 else "kill_in_write"
    least_s, most_s = (LEASE_S + 0.3, LEASE_S + 2.0) if kind == "freeze_in_write" else (0.0, 1.0)
    events = [
        dice.event(kind, least_s=least_s, most_s=most_s, subject=dice.target, amount=nth) for nth in times
    ]
    return Draft(faults=(fault,), events=tuple(msgspec.structs.replace(event, at_s=0.0) for event in events))


def terminate(dice: Dice) -> Draft:
    return Draft(events=(dice.event("terminate"),))


def gateway(dice: Dice) -> Draft:
    return Draft(events=(dice.event("gateway_killed"),))


def redis(dice: Dice) -> Draft:
    kind: EventKind = dice.rng.choice(
        ("redis_flushed", "redis_flushed", "redis_restarted", "redis_cut", "redis_stalled", "redis_slow")
    )
    count = dice.rng.randint(1, 4) if kind in ("redis_flushed", "redis_cut") else 1
    return Draft(events=tuple(dice.event(kind, least_s=0.5, most_s=2.0) for _ in range(count)))


def redis_deaf(dice: Dice) -> Draft:
    return Draft(events=(dice.event("redis_deaf", least_s=0.5, most_s=2.0),))


def postgres(dice: Dice) -> Draft:
    kind: EventKind = dice.rng.choice(
        ("postgres_crashed", "postgres_crashed", "postgres_cut", "postgres_stalled", "postgres_slow")
    )
    count = dice.rng.randint(1, 3) if kind == "postgres_cut" else 1
    return Draft(events=tuple(dice.event(kind, least_s=0.5, most_s=2.0) for _ in range(count)))


def revoke(dice: Dice) -> Draft:
    kinds = USES[dice.platform].revocable
    return Draft(events=(dice.event("tokens_revoked", subject=f"{dice.platform}:{dice.rng.choice(kinds)}"),))


def other_hand(dice: Dice) -> Draft:
    count = dice.rng.choice((1, 1, 2))
    return Draft(
        events=tuple(
            dice.event("other_hand", subject=dice.wish.name, amount=dice.rng.randint(1, 3))
            for _ in range(count)
        )
    )


def pause(dice: Dice) -> Draft:
    return Draft(events=(dice.event("pause", least_s=0.2, most_s=2.0, subject=dice.wish.name),))


def cancel(dice: Dice) -> Draft:
    return Draft(events=(dice.event("cancel", subject=dice.wish.name),))


def strikes_itself(dice: Dice) -> Draft:
    """Let a worker die, lose an answer or be frozen at some of its effects, wherever that is."""
    rng = dice.rng
    chosen = rng.sample(sorted({point.at for point in points.ALL}), 4)
    strikes = [
        Strike(at=at, nth=rng.choice((1, 1, 2, 3)), act=rng.choice(("kill", "kill", "lose", "freeze")))
        for at in chosen
        if at != LATE
    ]
    return Draft(self_harm=Plan(strikes=tuple(strikes)))


def frozen_before_writes(dice: Dice) -> Draft:
    """Freeze workers between the budget and the gate of a write, for longer than their leases."""
    return Draft(
        self_harm=Plan(freeze_probability=dice.rng.choice((0.2, 0.5)), seed=dice.rng.randrange(1000))
    )


def frozen_behind_the_gate(dice: Dice) -> Draft:
    """Freeze a worker where nothing stops its write any more: it must tell that it came late."""
    return Draft(self_harm=Plan(strikes=(Strike(at=LATE, nth=dice.rng.randint(1, 3), act="freeze"),)))

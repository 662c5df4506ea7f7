"""What platforms do wrong: they lose answers, fail, refuse, mix, hide and lie. Pure."""

from typing import Any

from shared.models import Platform
from shared.platforms.registry import declarations
from tests.chaos.dice import Dice, Draft
from tests.chaos.operations import adding, looking_up

SEEN_WITHIN_S = 0.25  # the longest visibility delay; adapters are told to reckon with 0.3 s


def lost_answers(dice: Dice) -> Draft:
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
        "operation": rng.choice((*(adding(dice.target),) * 3, "write", "create_playlist")),
        "kind": kind,
        "count": rng.randint(1, 4),
        "probability": rng.choice((0.6, 1.0, 1.0)),
    }
    if kind == "applied_then_delay":
        fault["delay_ms"] = 1500  # longer than a write is waited for
    return Draft(faults=(dice.fault(dice.target, is_lasting=True, **fault),))


def partial(dice: Dice) -> Draft:
    rng = dice.rng
    fault = dice.fault(
        dice.target,
        is_lasting=True,
        operation=adding(dice.target),
        kind=rng.choice(("applied_then_lost", "applied_then_error")),
        partial=rng.randint(1, 40),
        count=rng.randint(1, 2),
        after=rng.choice((0, 0, 1)),
    )
    return Draft(faults=(fault,))


def nothing_done(dice: Dice) -> Draft:
    """Lose writes before the platform has done anything."""
    rng = dice.rng
    fault = dice.fault(
        dice.target,
        is_lasting=True,
        operation=rng.choice((adding(dice.target), "create_playlist", "write")),
        kind=rng.choice(("drop", "timeout", "status", "html")),
        status=rng.choice((500, 502, 503, 504)),
        count=rng.randint(1, 3),
    )
    return Draft(faults=(fault,))


def slow_writes(dice: Dice) -> Draft:
    fault = dice.fault(
        dice.target, operation="write", kind="delay", delay_ms=dice.rng.randint(200, 1500), count=4
    )
    return Draft(faults=(fault,))


def rate_limited(dice: Dice) -> Draft:
    rng = dice.rng
    fault: dict[str, Any] = {
        "operation": rng.choice(("*", "read", "write", "search")),
        "kind": "rate_limit",
        "count": rng.randint(1, 3),
        "after": rng.randint(0, 20),
    }
    if rng.random() < 0.7:
        fault["retry_after_s"] = rng.choice((1, 2))
    elif dice.platform != "apple_music":
        fault["count"] = 1  # without a header it rests for five seconds, then for ten
    return Draft(faults=(dice.fault(dice.platform, **fault),))


def bursts(dice: Dice) -> Draft:
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
    return Draft(faults=(fault,))


def unanswered_look_ups(dice: Dice) -> Draft:
    """Let the catalog refuse, fail or babble: what was not answered is never told as missing."""
    rng = dice.rng
    kind = rng.choice(("status", "rate_limit", "drop", "garbage"))
    operations = looking_up(dice.target)
    operation = rng.choice(operations)
    fault: dict[str, Any] = {
        "operation": operation,
        "kind": kind,
        "after": rng.randint(0, 4),
        "count": rng.randint(4, 20),
    }
    if kind == "status":
        fault["status"] = rng.choice((500, 502, 503, 504))
    elif kind == "rate_limit":
        fault |= {"retry_after_s": 1, "count": 2}
    return Draft(faults=(dice.fault(dice.target, is_lasting=True, **fault),))


def slow_reads(dice: Dice) -> Draft:
    fault = dice.fault(
        dice.platform,
        operation="read",
        kind="timeout",
        delay_ms=dice.rng.choice((600, 10_000)),
        count=dice.rng.randint(1, 3),
        after=dice.rng.randint(0, 10),
    )
    return Draft(faults=(fault,))


def nonsense(dice: Dice) -> Draft:
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
    return Draft(faults=(fault,))


def lies(dice: Dice) -> Draft:
    """Let a platform accept tracks and not add them: verify has to repair it.

    Not one whose reads lag: there verify waits minutes before it believes that something is missing.
    """
    prompt = [one for one in dice.music.platforms if not declarations()[Platform(one)].capabilities.reads_lag]
    if not prompt:
        return Draft()
    platform = dice.first_of("spotify", *prompt)
    fault = dice.fault(
        platform, is_lasting=True, operation=adding(platform), kind="empty", status=201, count=1
    )
    return Draft(faults=(fault,))


def late(dice: Dice) -> Draft:
    delay_s = round(dice.rng.uniform(0.05, SEEN_WITHIN_S), 2)
    fault = dice.fault(dice.target, operation="write", kind="visibility_delay", visibility_delay_s=delay_s)
    return Draft(faults=(fault,))


def shuffle(dice: Dice) -> Draft:
    count = dice.rng.randint(1, 2)
    fault = dice.fault(
        dice.first_of("apple_music"),
        is_lasting=True,
        operation=adding(dice.first_of("apple_music")),
        kind="shuffle",
        count=count,
    )
    return Draft(faults=(fault,))


def poison(dice: Dice) -> Draft:
    """Let one track fail its whole batch for a while."""
    fault = dice.fault(
        dice.target,
        operation=adding(dice.target),
        kind="poison",
        poison_ids=dice.some_ids(1),
        count=dice.rng.randint(1, 3),
    )
    return Draft(faults=(fault,))


def poison_for_good(dice: Dice) -> Draft:
    """Let one to three tracks be refused for ever: they must be named, all others written."""
    fault = dice.fault(
        dice.target,
        is_lasting=True,
        operation=adding(dice.target),
        kind="poison",
        poison_ids=dice.some_ids(3),
        status=400,
    )
    return Draft(faults=(fault,))


def refused(dice: Dice) -> Draft:
    """Say once of a playlist that it is not there: the transfer fails, and its user tries again."""
    fault = dice.fault(
        dice.platform,
        operation="list_items",
        kind="status",
        status=404,
        count=1,
        after=dice.rng.randint(0, 3),
    )
    return Draft(faults=(fault,))

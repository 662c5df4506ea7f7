"""Rules: what a user has said about a track holds, and nobody is asked about it."""

import msgspec
import pytest

from shared.db import match_rules, users
from shared.db.match_rules import Rule
from shared.errors import RateLimited
from shared.lifecycle import State
from shared.models import Outcome, Platform, Policy, Track, TrackId, UserId
from tests.integration.worker.engine import Engine, source_track, target_ids, target_track

pytestmark = pytest.mark.integration

PINNED = msgspec.structs.replace(target_track(90), title="Quite Another Song", isrc=None)


async def rule(
    engine: Engine, number: int, *, target: Track | None, user: str = "mira"
) -> tuple[UserId, Rule]:
    user_id = await users.ensure(engine.pool, name=user)
    async with engine.pool.acquire() as connection:
        made, _ = await match_rules.put(
            connection,
            user_id,
            source=source_track(number),
            target_platform=Platform.APPLE_MUSIC,
            target=target,
        )
    return user_id, made


async def test_a_pinned_track_is_written_and_never_looked_up(engine: Engine) -> None:
    await rule(engine, 1, target=PINNED)
    transfer_id = await engine.transfer([0, 1, 2])

    await engine.run()

    assert engine.target.ids_of() == ["t0", PINNED.id, "t2"]
    assert source_track(1).isrc not in engine.target.asked_isrcs
    assert engine.target.called("search") == 0
    item = (await engine.items(transfer_id))[1]
    assert (item.outcome, item.target, item.is_written) == (Outcome.CHOSEN_BY_USER, PINNED, True)
    assert item.reason == "Your rule names this track."


async def test_where_all_have_rules_not_one_look_up_leaves(engine: Engine) -> None:
    for number in range(3):
        await rule(engine, number, target=target_track(number + 50))
    await engine.transfer(range(3), known=[])

    await engine.run()

    assert engine.target.ids_of() == target_ids([50, 51, 52])
    assert engine.target.called("find_by_isrc") + engine.target.called("search") == 0


async def test_what_is_not_there_is_skipped_without_a_look_up(engine: Engine) -> None:
    await rule(engine, 1, target=None)
    transfer_id = await engine.transfer([0, 1, 2])

    await engine.run()

    assert engine.target.ids_of() == target_ids([0, 2])
    assert source_track(1).isrc not in engine.target.asked_isrcs
    assert (await engine.outcomes(transfer_id))[1] is Outcome.SKIPPED_BY_USER
    assert await engine.state(transfer_id) is State.COMPLETED


async def test_a_rule_holds_at_every_position_of_its_track_and_under_every_policy(engine: Engine) -> None:
    await rule(engine, 1, target=PINNED)
    engine.policy = Policy.EXACT
    await engine.transfer([1, 0, 1])

    await engine.run()

    assert engine.target.ids_of() == [PINNED.id, "t0", PINNED.id]


async def test_a_rule_of_somebody_else_changes_nothing(engine: Engine) -> None:
    await rule(engine, 1, target=PINNED, user="noor")
    await engine.transfer([0, 1])

    await engine.run()

    assert engine.target.ids_of() == target_ids([0, 1])


async def test_a_rule_for_another_platform_changes_nothing(engine: Engine) -> None:
    user_id = await users.ensure(engine.pool, name="mira")
    async with engine.pool.acquire() as connection:
        await match_rules.put(
            connection, user_id, source=source_track(1), target_platform=Platform.SPOTIFY, target=PINNED
        )
    await engine.transfer([0, 1])

    await engine.run()

    assert engine.target.ids_of() == target_ids([0, 1])


async def test_a_rule_that_was_removed_holds_no_more(engine: Engine) -> None:
    user_id, made = await rule(engine, 1, target=PINNED)
    is_removed = await match_rules.remove(engine.pool, made.id, user_id=user_id)
    await engine.transfer([0, 1])

    await engine.run()

    assert is_removed
    assert engine.target.ids_of() == target_ids([0, 1])


async def test_a_rule_is_kept_where_the_rest_of_its_batch_has_to_wait(engine: Engine) -> None:
    await rule(engine, 1, target=PINNED)
    transfer_id = await engine.transfer([0, 1])
    limited = RateLimited("Wait.", platform="apple_music", operation="search", retry_after_s=5)
    engine.target.lookup_errors.append(limited)
    await engine.run_phase("read")

    await engine.step(phase="match")

    assert await engine.outcomes(transfer_id) == [Outcome.DEFERRED, Outcome.CHOSEN_BY_USER]
    await engine.run()
    assert engine.target.ids_of() == [TrackId("t0"), PINNED.id]


async def test_a_pinned_track_that_the_target_has_already_is_not_added_twice(engine: Engine) -> None:
    await rule(engine, 1, target=PINNED)
    engine.target.place("mix", track_ids=[PINNED.id])
    transfer_id = await engine.transfer([0, 1], playlist="mix", on_duplicate="skip")

    await engine.run()

    assert engine.target.ids_of("mix") == [PINNED.id, "t0"]
    assert (await engine.outcomes(transfer_id))[1] is Outcome.ALREADY_PRESENT

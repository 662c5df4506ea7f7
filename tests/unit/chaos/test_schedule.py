"""A seed decides a run: always the same, and one that the sandboxes and the workers understand."""

import msgspec
import pytest

from deploy.sandbox.changes import Item
from deploy.sandbox.faults import Fault
from tests.chaos.dice import STRIKES_UNTIL_S
from tests.chaos.plans import FIRST_PAIR, Expected, Music, SourceList
from tests.chaos.schedule import MOST_ROWS, draw
from tests.chaos.troubles import DRAWS
from tests.chaos.worlds import odd_rows

SEEDS = range(300)
TRACK_COUNT = 300


def known(platform: str) -> dict[str, Expected]:
    """Every seventh track of a platform is missing on the other one."""
    tracks = {
        f"{platform}-{number}": Expected(outcome="exact", target_id=f"target-{number}")
        if number % 7
        else Expected(outcome="no_candidate")
        for number in range(TRACK_COUNT)
    }
    odd = {f"odd:{row.title}": Expected(outcome="not_transferable") for row in odd_rows(platform)}
    return tracks | odd


def names(platform: str, *, begin: int, end: int) -> tuple[str, ...]:
    return tuple(f"{platform}-{number}" for number in range(begin, end))


@pytest.fixture(scope="module")
def music() -> Music:
    return Music(
        lists={
            platform: (
                SourceList(name="long", track_ids=names(platform, begin=0, end=200)),
                SourceList(name="short", track_ids=names(platform, begin=200, end=230)),
            )
            for platform in FIRST_PAIR
        },
        odd={platform: odd_rows(platform) for platform in FIRST_PAIR},
        strangers={platform: tuple(f"stranger-{number}" for number in range(60)) for platform in FIRST_PAIR},
        expected={platform: known(platform) for platform in FIRST_PAIR},
    )


def test_the_same_seed_gives_the_same_plan_and_another_one_another(music: Music) -> None:
    plans = [draw(seed, music) for seed in SEEDS]

    again = [draw(seed, music) for seed in SEEDS]

    assert plans == again
    assert len({msgspec.json.encode(plan) for plan in plans}) == len(plans)


def test_a_plan_survives_being_kept(music: Music) -> None:
    plan = draw(7, music)

    kept = msgspec.json.encode(plan)

    assert msgspec.json.decode(kept, type=type(plan)) == plan


def test_every_trouble_is_drawn_sometimes(music: Music) -> None:
    drawn = {trouble for seed in SEEDS for trouble in draw(seed, music).troubles}

    assert drawn == set(DRAWS)


def test_the_sandboxes_understand_every_fault(music: Music) -> None:
    faults = [fault for seed in SEEDS for fault in draw(seed, music).faults]

    understood = [msgspec.convert(fault.fault, Fault) for fault in faults]

    assert understood
    assert {fault.platform for fault in faults} == set(FIRST_PAIR)


def test_a_fault_ends_by_itself_or_with_the_others_unless_it_names_its_tracks(music: Music) -> None:
    faults = [fault for seed in SEEDS for fault in draw(seed, music).faults if fault.is_lasting]

    endless = [fault for fault in faults if "count" not in fault.fault]

    assert endless
    assert all(fault.fault["poison_ids"] for fault in endless)


def test_transfers_are_of_a_size_that_ends_in_seconds_and_every_row_is_known(music: Music) -> None:
    plans = [draw(seed, music) for seed in SEEDS]

    counts = [len(wish.rows) for plan in plans for wish in plan.wishes]
    expected = [music.expected_of(wish.source, wish.rows) for plan in plans for wish in plan.wishes]

    assert min(counts) >= 20
    assert max(counts) > 150
    assert max(sum(len(wish.rows) for wish in plan.wishes) for plan in plans) <= MOST_ROWS + 40
    assert sum(map(len, expected)) == sum(counts)
    assert {wish.source for plan in plans for wish in plan.wishes} == set(FIRST_PAIR)


def test_all_kinds_of_rows_and_targets_are_drawn(music: Music) -> None:
    wishes = [wish for seed in SEEDS for wish in draw(seed, music).wishes]

    rows = [row for wish in wishes for row in wish.rows]
    shelves = [(wish.shelf, wish.name) for wish in wishes if wish.shelf]

    assert {row.kind for row in rows} >= {"track", "local", "episode", "removed", "video"}
    assert any(len({*wish.rows}) < len(wish.rows) for wish in wishes if Item() not in wish.rows)
    assert {wish.on_duplicate for wish in wishes if wish.shelf} == {"skip", "keep"}
    assert any(shelf != name for shelf, name in shelves)  # two transfers into one playlist
    assert len(shelves) < len(wishes)


def test_events_begin_while_transfers_run(music: Music) -> None:
    events = [event for seed in SEEDS for event in draw(seed, music).events]

    assert all(0 <= event.at_s <= STRIKES_UNTIL_S for event in events)
    assert all(event.for_s <= 5.0 for event in events)

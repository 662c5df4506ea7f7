"""Draws a run from its seed: which playlists are moved, and what goes wrong meanwhile. Pure."""

import random
from collections.abc import Sequence

from deploy.sandbox.changes import Item
from tests.chaos.dice import Dice, Draft
from tests.chaos.plans import Music, Plan, Wish
from tests.chaos.troubles import DRAWS, GROUPS
from tests.faults import effects

MOST_ROWS = 300  # of all transfers of a run together


def draw(seed: int, music: Music) -> Plan:
    """Return the same plan for the same seed and music."""
    rng = random.Random(f"chaos {seed}")
    wishes = _wishes(rng, music)
    troubles = _choose_troubles(rng)
    drafts = [DRAWS[name](Dice(rng, wishes=wishes, music=music, name=name)) for name in troubles]
    worker_count = rng.choice((2, 2, 3))
    events = [event for draft in drafts for event in draft.events]
    return Plan(
        seed=seed,
        platforms=music.platforms,
        worker_count=worker_count,
        is_forgetful=rng.random() < 0.9,
        wishes=wishes,
        troubles=troubles,
        faults=tuple(fault for draft in drafts for fault in draft.faults),
        events=tuple(sorted(events, key=lambda event: event.at_s)),
        limits={platform: rng.randint(25, 60) for platform in music.platforms if rng.random() < 0.1},
        calm_at_s=round(rng.uniform(3.0, 5.0), 2),
        self_harm=_self_harm(rng, drafts, worker_count=worker_count),
    )


def _self_harm(rng: random.Random, drafts: Sequence[Draft], *, worker_count: int) -> tuple[effects.Plan, ...]:
    """Give some of the first workers, or all, what was drawn for them; each with dice of its own."""
    wanted = [draft.self_harm for draft in drafts if draft.self_harm != effects.Plan()]
    if not wanted:
        return ()
    strikes = tuple(strike for plan in wanted for strike in plan.strikes)
    probability = max(plan.freeze_probability for plan in wanted)
    return tuple(
        effects.Plan(strikes=strikes, freeze_probability=probability, seed=rng.randrange(1000))
        for _ in range(rng.randint(1, worker_count))
    )


def _choose_troubles(rng: random.Random) -> tuple[str, ...]:
    """Return troubles of different groups, at least two; rarely a second one of a group."""
    chosen: dict[str, None] = {}
    while len(chosen) < 2:
        for group in GROUPS:
            if rng.random() < group.share:
                weights = [weight for weight, _ in group.troubles.values()]
                chosen[rng.choices(list(group.troubles), weights=weights)[0]] = None
    return tuple(chosen)


def _wishes(rng: random.Random, music: Music) -> tuple[Wish, ...]:
    count = rng.choice((1, 2, 2, 3))
    wishes: list[Wish] = []
    left = MOST_ROWS
    for number in range(count):
        longest = max(20, min(250, left - 20 * (count - number - 1)))
        row_count = int(rng.triangular(20, longest, min(60, longest)))
        left -= row_count
        earlier = [wish for wish in wishes if wish.shelf]
        if earlier and rng.random() < 0.5:
            wishes.append(_beside(rng, music, earlier[0], name=f"w{number}", row_count=row_count))
        else:
            wishes.append(_wish(rng, music, name=f"w{number}", row_count=row_count))
    return tuple(wishes)


def _wish(rng: random.Random, music: Music, *, name: str, row_count: int) -> Wish:
    source = rng.choice(music.platforms)
    target = music.other(source)
    rows = _rows(rng, music, source=source, row_count=row_count)
    start_at_s = round(rng.choice((0.0, rng.uniform(0, 1.5))), 2)
    if rng.random() < 0.65:
        return Wish(name=name, source=source, target=target, rows=rows, start_at_s=start_at_s)
    ours = [one.target_id for one in music.expected_of(source, rows) if one.target_id]
    base = [
        *rng.sample(music.strangers[target], rng.randint(0, 30)),
        *rng.sample(ours, min(len(ours), rng.randint(0, 12))),
    ]
    rng.shuffle(base)
    return Wish(
        name=name,
        source=source,
        target=target,
        rows=rows,
        start_at_s=start_at_s,
        shelf=name,
        base=tuple(base),
        on_duplicate=rng.choice(("skip", "keep")),
    )


def _beside(rng: random.Random, music: Music, first: Wish, *, name: str, row_count: int) -> Wish:
    """Write into the same playlist as an earlier wish; both keep what they find."""
    rows = _rows(rng, music, source=first.source, row_count=row_count)
    start_at_s = round(rng.uniform(0, 1.5), 2)
    return Wish(
        name=name,
        source=first.source,
        target=first.target,
        rows=rows,
        start_at_s=start_at_s,
        shelf=first.shelf,
        base=first.base,
        on_duplicate=first.on_duplicate,
    )


def _rows(rng: random.Random, music: Music, *, source: str, row_count: int) -> tuple[Item, ...]:
    """Cut a piece out of a playlist, or mix all of them; then repeat some rows and strew odd ones in."""
    track_ids = list(rng.choice(music.lists[source]).track_ids)
    if rng.random() < 0.4 or len(track_ids) < row_count:
        track_ids = sorted({track_id for known in music.lists[source] for track_id in known.track_ids})
        rng.shuffle(track_ids)
    begin = rng.randrange(max(1, len(track_ids) - row_count))
    rows = [Item(track_id=track_id) for track_id in track_ids[begin : begin + row_count]]
    for _ in range(rng.choice((0, 2, 5))):
        rows.insert(rng.randrange(len(rows) + 1), rng.choice(rows))
    for _ in range(rng.choice((0, 0, 1, 3)) if music.odd[source] else 0):
        rows.insert(rng.randrange(len(rows) + 1), rng.choice(music.odd[source]))
    return tuple(rows)

"""Rules about what the platforms did: nothing lost or twice, in order, nothing foreign touched. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.chaos.plans import PLAYLIST_LIMIT
from tests.chaos.records import CREATED, ENDED, INSERTED, Change, History, Story
from tests.chaos.rules_told import (
    LATE,
    beside,
    is_late,
    is_second_choice,
    is_unsettled,
    lied,
    places,
    poisoned_ids,
)

_ORDER = frozenset({"order_differs", "added_to_last_part"})


def nothing_lost(history: History, story: Story) -> Iterator[str]:
    """What is said to be written stands in the target, and so does what stood there before."""
    missing = _wanted(history, story) - _standing(history, story)
    if missing:
        yield f"{_named(missing)} must stand in the target and do not"


def nothing_unclaimed(history: History, story: Story) -> Iterator[str]:
    """Nothing stands in the target but what is said to be written and what others put there."""
    unsettled = (other for other in beside(history, story) if is_unsettled(history, other))
    may_stand = sum((_not_written(other) for other in unsettled), Counter[str]())
    extra = _standing(history, story) - _wanted(history, story) - may_stand
    if extra and not (is_late(story) and set(extra) <= set(story.written_ids)):
        yield f"{_named(extra)} stand in the target and nobody says so"


def nothing_twice(history: History, story: Story) -> Iterator[str]:
    """No track was added more often than it is meant, even if somebody has noticed it later."""
    added = Counter(
        track_id
        for change in history.changes_of(places(history, story), by="platform")
        for track_id in change.track_ids
        if track_id
    )
    meant = sum((_meant(history, other) for other in beside(history, story)), Counter[str]())
    too_many = added - meant
    if too_many and not any(is_late(other) for other in beside(history, story)):
        yield f"{_named(too_many)} were added too often"


def order_is_kept(history: History, story: Story) -> Iterator[str]:
    """Our tracks stand in the order of the source, or the transfer says that they do not and why is known."""
    if story.last is None or story.last.state not in ENDED or _is_in_order(history, story):
        return
    if not _may_be_mixed(history, story):
        yield "the tracks stand in another order than in the source"
    elif story.last.state == "completed" and _ORDER.isdisjoint(story.last.warnings):
        yield "the tracks stand in another order, and the transfer does not say so"


def warnings_are_true(history: History, story: Story) -> Iterator[str]:
    """A transfer warns of what has happened, and of nothing else."""
    if story.last is None or story.last.state != "completed":
        return
    warnings = set(story.last.warnings)
    is_edited = bool(_foreign(history, story)) or len(beside(history, story)) > 1 or is_late(story)
    if "target_edited" in warnings and not (is_edited or lied(history, story.target_platform)):
        yield "it says that somebody has edited the target, and nobody has"
    if "order_differs" in warnings and _is_in_order(history, story):
        yield "it says that the order differs, and it does not"
    if is_late(story) and not any("freeze" in strike.kind for strike in history.strikes):
        yield "it says that a frozen worker has sent late, and none was frozen"
    if unknown := warnings - {"target_edited", "target_split", *_ORDER, LATE}:
        yield f"it warns of {sorted(unknown)}"
    if _must_notice(history, story) and "target_edited" not in warnings:
        yield "somebody has put rows between ours, and it does not say so"


def splitting_is_told(history: History, story: Story) -> Iterator[str]:
    """A transfer that needs further playlists says so, and one that does not, does not."""
    if story.last is None or story.last.state != "completed":
        return
    is_split, is_told = len(story.target_ids) > 1, "target_split" in story.last.warnings
    if is_split and not is_told:
        yield "it has made a further playlist and does not say so"
    if is_told and not is_split and len(story.source_ids) <= PLAYLIST_LIMIT:
        yield "it says that it did not fit into one playlist, and it did"
    is_disturbed = bool(_foreign(history, story)) or len(beside(history, story)) > 1 or is_late(story)
    if "added_to_last_part" in story.last.warnings and not is_disturbed:
        yield "it says that it has added something out of its place, and nobody was in the way"


def one_target(history: History, story: Story) -> Iterator[str]:
    """A transfer makes each of its playlists once, and not the one that it was given."""
    made = [change.playlist_id for change in history.changes if _is_of(history, story, change)]
    told = [
        own_id for other in beside(history, story) for own_id in other.target_ids if own_id != other.shelf_id
    ]
    state = story.last.state if story.last else ""
    if (state == "completed" or made) and sorted(made) != sorted(told):
        yield f"it has made {made} and tells of {told}"


def quiet_after_the_end(history: History, story: Story) -> Iterator[str]:
    """Nothing is done to a playlist after the last transfer that writes to it has ended."""
    ends = [other.last.ended_at_s if other.last else None for other in beside(history, story)]
    if any(end is None for end in ends):
        return
    last_s = max(end for end in ends if end is not None)
    late = (
        []
        if is_late(story)
        else [c for c in history.changes_of(places(history, story), by="platform") if c.at_s > last_s]
    )
    if late:
        yield f"{len(late)} changes {late[0].at_s - last_s:.2f} s and more after its end"


def only_targets_change(history: History) -> Iterator[str]:
    """No playlist is changed but the targets, and those only by making them and by adding to them."""
    targets = {own_id for story in history.stories for own_id in story.target_ids} | {
        change.playlist_id
        for change in history.changes
        if any(_is_of(history, story, change) for story in history.stories)
    }
    for change in history.changes:
        if change.by == "platform" and change.playlist_id not in targets:
            yield f"{change.playlist_id} is nobody's target and was changed: {change.kind}"
        elif change.by == "platform" and change.kind not in (CREATED, INSERTED):
            yield f"{change.playlist_id} was changed by {change.kind}"


def nothing_left_over(history: History) -> Iterator[str]:
    """When all is done, nothing of the work is left in the stores."""
    yield from history.leftovers


def _standing(history: History, story: Story) -> Counter[str]:
    rows = [row for own_id in places(history, story) for row in history.rows.get(own_id, ())]
    return Counter(track_id for track_id in rows if track_id)


def _rows(history: History, story: Story) -> Sequence[str | None]:
    """Return what stands in its playlists, one behind the other."""
    return [row for own_id in story.target_ids for row in history.rows.get(own_id, ())]


def _is_of(history: History, story: Story, change: Change) -> bool:
    """Whether a change makes a playlist of the name of a transfer's target, or a further one."""
    if change.kind != CREATED or change.by != "platform" or change.name is None:
        return False
    if change.name == story.name:
        return True
    name, _, number = change.name.removesuffix(")").rpartition(" (")
    return number.isdigit() and name == _name(history, story)


def _name(history: History, story: Story) -> str | None:
    """Return the name of a transfer's first playlist."""
    if story.shelf_id is None:
        return story.name
    laid_out = (c.name for c in history.changes_of((story.shelf_id,), by="control") if c.kind == CREATED)
    return next(laid_out, None)


def _wanted(history: History, story: Story) -> Counter[str]:
    """Return what must stand in the target: what others put there and what is said to be written."""
    others = Counter(
        track_id
        for change in history.changes_of(places(history, story), by="control")
        for track_id in change.track_ids
        if track_id
    )
    return sum((Counter(other.written_ids) for other in beside(history, story)), others)


def _not_written(story: Story) -> Counter[str]:
    return Counter(track.target_id for track in story.tracks if track.target_id and not track.is_written)


def _meant(history: History, story: Story) -> Counter[str]:
    """Return how often each track is to be added at most."""
    poisoned = poisoned_ids(history, story.target_platform)
    told = {track.position: track for track in story.tracks}
    meant: Counter[str] = Counter()
    for position, expected in enumerate(story.expected):
        track = told.get(position)
        if track and track.target_id and is_second_choice(track, expected, poisoned=poisoned):
            meant[track.target_id] += 1
        elif expected.target_id and expected.is_matched:
            meant[expected.target_id] += track is None or track.outcome != "already_present"
    return meant


def _foreign(history: History, story: Story) -> list[Change]:
    """Return what another hand has added after the playlist was laid out."""
    inserts = [c for c in history.changes_of(story.target_ids, by="control") if c.kind == INSERTED]
    return inserts[1:] if story.base and story.shelf_id else inserts


def _must_notice(history: History, story: Story) -> bool:
    """Whether another hand's rows came surely after the first of ours and before the last.

    Where several transfers write to one playlist, the history does not tell whose rows are whose.
    """
    if len(beside(history, story)) > 1:
        return False
    return any(_is_between(history, change) for change in _foreign(history, story))


def _is_between(history: History, change: Change) -> bool:
    """Whether a change came between the first and the last that we made to the same playlist."""
    ours = history.changes_of((change.playlist_id,), by="platform")
    numbers = [one.number for one in ours if one.kind == INSERTED]
    return bool(numbers) and numbers[0] < change.number < numbers[-1]


def _is_in_order(history: History, story: Story) -> bool:
    rows = _rows(history, story)
    is_known = not is_late(story) and not is_unsettled(history, story)
    is_alone = len(beside(history, story)) == 1 and is_known
    if is_alone and not _foreign(history, story):
        return tuple(rows[len(story.base) :]) == story.written_ids
    rest = iter(rows)
    return all(track_id in rest for track_id in story.written_ids)


def _may_be_mixed(history: History, story: Story) -> bool:
    """Whether the platform has mixed batches, or another hand has moved what we counted on."""
    is_shuffled = is_late(story) or any(
        strike.kind == "shuffle" and strike.detail.startswith(story.target_platform)
        for strike in history.strikes
    )
    return is_shuffled or bool(_foreign(history, story))


def _named(tracks: Counter[str]) -> str:
    shown = [f"{track_id} ({count})" for track_id, count in list(tracks.items())[:5]]
    more = f" and {len(tracks) - 5} more" if len(tracks) > 5 else ""
    return f"{tracks.total()} tracks: {', '.join(shown)}{more}"

"""Rules about what status has told of a transfer: revisions, counts, states, and its final listing. Pure."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from shared.models import Platform
from shared.platforms.registry import Platforms
from shared.settings import Settings
from tests.chaos.operations import adding
from tests.chaos.plans import MATCHED, Expected
from tests.chaos.records import ENDED, History, Story, Track
from tests.fakes.budget import FakeBudgets

MISSING = frozenset({"no_candidate", "only_other_version"})
UNSETTLED = frozenset({"pending", "deferred"})
LATE = "late_write"
READ_PHASES = frozenset({"match", "write", "verify"})
RECONNECTS_PER_REVOCATION = 3  # a worker may still be refused while the account is being connected
BUCKETS = {
    "no_candidate": "unmatched",
    "only_other_version": "unmatched",
    "skipped_by_user": "skipped",
}


def ended(_: History, story: Story) -> Iterator[str]:
    """A transfer ends within bounds, completed unless its user cancelled it."""
    if story.transfer_id is None:
        yield f"it was never accepted: {sorted({act.status for act in story.acts})}"
    elif story.last is None:
        yield "its status was never seen"
    elif story.last.state not in ENDED:
        yield f"it is stuck: {story.last.state}, {story.last.phase}, {story.last.pause_reason}"
    elif story.last.state == "failed":
        yield f"it has failed: {story.last.error}"
    elif story.last.state == "cancelled" and not _accepted(story, "cancel"):
        yield "it is cancelled, and nobody has asked for it"


def revisions_rise(_: History, story: Story) -> Iterator[str]:
    """Revisions only rise, and one revision never shows two contents."""
    for earlier, later in pairwise(story.snapshots):
        if later.revision < earlier.revision:
            yield f"revision {later.revision} was seen after {earlier.revision}"
        elif later.revision == earlier.revision and later.digest != earlier.digest:
            yield f"revision {later.revision} has shown two contents"


def counts_sum(_: History, story: Story) -> Iterator[str]:
    """The buckets sum to the total at every revision; once the source is read, it is its length."""
    for seen in story.snapshots:
        counts = dict(seen.counts)
        total = counts.pop("total")
        if total != sum(counts.values()):
            yield f"at revision {seen.revision} {counts} do not sum to {total}"
        elif seen.phase in READ_PHASES and seen.state not in ENDED and total != len(story.source_ids):
            yield f"at revision {seen.revision} the total is {total} of {len(story.source_ids)} rows"
    for earlier, later in pairwise(story.snapshots):
        if later.counts["total"] < earlier.counts["total"]:
            yield f"the total shrinks from {earlier.counts['total']} to {later.counts['total']}"


def written_grows(history: History, story: Story) -> Iterator[str]:
    """What is written stays written, but for a repair of what the platform only said it had taken."""
    if lied(history, story.target_platform):
        return
    for earlier, later in pairwise(story.snapshots):
        if later.counts["written"] < earlier.counts["written"]:
            yield (
                f"written shrinks from {earlier.counts['written']} to {later.counts['written']} "
                f"at revision {later.revision}"
            )


def endings_stay(_: History, story: Story) -> Iterator[str]:
    """A state that ends a transfer stays, but for a failed one that its user wants to be tried again.

    A write that came late is told even afterwards.
    """
    left_count = 0
    for earlier, later in pairwise(story.snapshots):
        if earlier.state not in ENDED:
            continue
        is_news = later.state == earlier.state and LATE in later.warnings and LATE not in earlier.warnings
        if earlier.state != "failed" and not is_news:
            yield f"it was {earlier.state} at revision {earlier.revision} and changed after that"
        elif later.state != earlier.state:
            left_count += 1
    if left_count > sum(act.kind == "retry" for act in story.acts):
        yield "it was failed and went on without being asked to"


def reconnecting_helps(history: History, story: Story) -> Iterator[str]:
    """Who has connected an account again is not asked for it again and again."""
    revoked = Counter(
        strike.detail.partition(":")[0] for strike in history.strikes if strike.kind == "tokens_revoked"
    )
    connected = Counter(
        act.kind.partition(" ")[2]
        for act in story.acts
        if act.kind.startswith("reconnect ") and act.status == 200
    )
    for platform in revoked:
        if connected[platform] > RECONNECTS_PER_REVOCATION * revoked[platform]:
            yield f"its user had to connect {platform} {connected[platform]} times"


def listing_is_whole(_: History, story: Story) -> Iterator[str]:
    """Each row of the source stands in the listing, in order, settled and with a reason if not written."""
    state = story.last.state if story.last else ""
    positions = [track.position for track in story.tracks]
    if positions != list(range(len(positions))) or len(positions) > len(story.source_ids):
        yield f"the listing has the positions {positions}"
        return
    if state == "completed" and len(positions) != len(story.source_ids):
        yield f"the listing has {len(positions)} of {len(story.source_ids)} rows"
    for track, source_id in zip(story.tracks, story.source_ids, strict=False):
        if source_id is not None and track.source_id != source_id:
            yield f"row {track.position} is {track.source_id} and not {source_id}"
        if state in ENDED and track.outcome in UNSETTLED:
            yield f"row {track.position} is {track.outcome} at the end"
        if state == "completed" and track.outcome in MATCHED and not track.is_written:
            yield f"row {track.position} ({track.title}) is {track.outcome} and was not written"
        if not track.is_written and not track.reason:
            yield f"row {track.position} is {track.outcome} and does not say why"


def outcomes_are_true(history: History, story: Story) -> Iterator[str]:
    """What is told of a row is what the world says, whatever went wrong meanwhile."""
    is_cancelled = story.last is not None and story.last.state == "cancelled"
    poisoned = poisoned_ids(history, story.target_platform)
    present = Counter(story.base) if story.shelf_id and story.on_duplicate == "skip" else Counter()
    others = Counter(
        track_id
        for other in beside(history, story)
        if other is not story and present
        for track_id in other.written_ids
    )
    once = _standing_once(history, story)
    for track, expected in zip(story.tracks, story.expected, strict=False):
        allowed = _allowed(expected, poisoned=poisoned)
        if is_cancelled and (expected.is_matched or track.outcome == "skipped_by_user"):
            allowed |= {"skipped_by_user", *expected.outcomes}
        if expected.is_matched and expected.target_id is not None:
            if track.position in once or others[expected.target_id] > 0:
                allowed |= {"already_present"}
            elif present[expected.target_id] > 0:
                present[expected.target_id] -= 1
                allowed = {"already_present"} | ({"skipped_by_user"} if is_cancelled else set())
        if not is_second_choice(track, expected, poisoned=poisoned):
            yield from _judge(track, expected, allowed=allowed)


def sums_agree(_: History, story: Story) -> Iterator[str]:
    """The last counts and the ending are those of the listing."""
    if story.last is None or story.last.state not in ENDED:
        return
    listed = Counter(_bucket(track) for track in story.tracks)
    told = {name: count for name, count in story.last.counts.items() if name != "total" and count}
    if told != dict(listed):
        yield f"the counts are {told}, the listing has {dict(listed)}"
    is_full = listed["written"] + listed["already_present"] == len(story.tracks)
    if story.last.state == "completed" and (story.last.outcome == "full") != is_full:
        yield f"the ending is {story.last.outcome}, the listing has {dict(listed)}"


def beside(history: History, story: Story) -> list[Story]:
    """Return the transfers that write into the same playlist, this one too."""
    if story.target_id is None:
        return [story]
    own = set(story.target_ids)
    return [other for other in history.stories if not own.isdisjoint(other.target_ids)]


def places(history: History, story: Story) -> dict[str, None]:
    """Return the playlists that these transfers write into, this one's first."""
    return dict.fromkeys(own_id for other in (story, *beside(history, story)) for own_id in other.target_ids)


def poisoned_ids(history: History, platform: str) -> frozenset[str]:
    """Return the tracks that this platform refuses for good."""
    return frozenset(
        track_id
        for fault in history.plan.faults
        if fault.is_lasting and fault.platform == platform and "count" not in fault.fault
        for track_id in fault.fault["poison_ids"]
    )


def is_second_choice(track: Track, expected: Expected, *, poisoned: frozenset[str]) -> bool:
    """Whether another release stands for one that the platform refuses."""
    return expected.target_id in poisoned and track.outcome in MATCHED and track.target_id not in poisoned


def lied(history: History, platform: str) -> bool:
    """Whether the platform has accepted tracks and not added them."""
    return any(
        strike.kind in {"empty", "garbage"} and strike.detail == f"{platform} {adding(platform)}"
        for strike in history.strikes
    )


def is_late(story: Story) -> bool:
    """Whether it says that a frozen worker has sent late: what nothing can prevent, and must be told."""
    return story.last is not None and LATE in story.last.warnings


def is_unsettled(history: History, story: Story) -> bool:
    """Whether it was cancelled and says that the target could not be looked at then, which is so."""
    if story.last is None or story.last.state != "cancelled" or "unsettled" not in story.last.warnings:
        return False
    return any(
        strike.kind in {"tokens_revoked", "status 404"} and strike.detail.startswith(story.target_platform)
        for strike in history.strikes
    )


def _standing_once(history: History, story: Story) -> frozenset[int]:
    """Return the positions whose track may stand there already, on a platform that keeps none twice.

    In a further playlist of the same transfer it may stand again.
    """
    platforms = Platforms(Settings(), budgets=FakeBudgets())
    if platforms.capabilities(Platform(story.target_platform)).keeps_repeats:
        return frozenset()
    others = (other for other in beside(history, story) if other is not story)
    seen = {*story.base, *(track_id for other in others for track_id in other.written_ids)}
    positions = set()
    for position, expected in enumerate(story.expected):
        if expected.target_id in seen:
            positions.add(position)
        seen.update({expected.target_id} if expected.target_id else ())
    return frozenset(positions)


def _allowed(expected: Expected, *, poisoned: frozenset[str]) -> set[str]:
    return {"failed"} if expected.target_id in poisoned else set(expected.outcomes)


def _judge(track: Track, expected: Expected, *, allowed: set[str]) -> Iterator[str]:
    what = f"row {track.position} ({track.title})"
    if track.outcome in MISSING and track.outcome not in allowed:
        yield f"{what} is told to be {track.outcome}, and the platform has it: {expected.target_id}"
    elif track.outcome not in allowed:
        yield f"{what} is {track.outcome} ({track.reason}) and not {' or '.join(sorted(allowed))}"
    elif track.outcome in MATCHED and track.target_id != expected.target_id:
        yield f"{what} became {track.target_id} and not {expected.target_id}"


def _bucket(track: Track) -> str:
    if track.outcome in MATCHED:
        return "written" if track.is_written else "ready"
    return BUCKETS.get(track.outcome, track.outcome)


def _accepted(story: Story, kind: str) -> bool:
    return any(act.kind == kind and (act.status == 0 or act.status < 300) for act in story.acts)

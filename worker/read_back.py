"""Reads a target back after a write whose answer nobody heard: what of it has arrived? Sends nothing."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from shared.db import intents, items, target_bases
from shared.db.intents import Intent
from shared.meters import meters
from shared.models import Planned, PlaylistId, TrackId
from shared.platforms.base import TargetRow, TargetView
from worker.arrival import Meant, by_count, by_place
from worker.context import Context
from worker.job_spans import as_read_back
from worker.proof import identify, spotter
from worker.results import BatchWritten, TargetCreated, Wait
from worker.retry import backoff_s
from worker.target_pages import MOST_READINGS, Reading

ANCHOR_COUNT = 5  # tracks before the batch that prove that offsets still mean what they meant
LAG_PATIENCE = 10  # visibility delays after which tracks that do not show were removed by somebody
GIVE_UP_COUNT = 8  # sends of one single track that came to nothing


class Setback(msgspec.Struct, frozen=True, kw_only=True):
    """Less at once, and later. The fields mean what they mean in BatchWritten."""

    batch_limit: int
    failure_count: int
    delay_s: float


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """What a read-back saw. arrived: positions. fingerprint: the same for two looks that saw the same."""

    arrived: tuple[int, ...]
    total: int
    fingerprint: str
    is_edited: bool = False


def marker_of(context: Context) -> str:
    """Return the text in the playlist's description by which a lost creation is found again."""
    # The number stands in front: no marker is a piece of another one.
    number = "" if context.transfer.part == 1 else f"{context.transfer.part}:"
    return f"crossplay:{number}{context.transfer.id.replace('-', '')[:16]}"


def is_repeatable(context: Context, intent: Intent) -> bool:
    """Say whether an open write can be sent once more under its key, instead of being looked for.

    Only by the attempt right behind the one that declared it: what has no answer then is read back. Whatever
    a restored transfer may have written was declared by nobody who sent it.
    """
    return (
        intent.observed is None
        and context.job.epoch == intent.epoch + 1
        and intent.age_s < context.capabilities.key_life_s
        and not context.transfer.is_target_doubtful
    )


@as_read_back
async def find_created(context: Context, intent: Intent) -> TargetCreated | Wait | None:
    """Look for the playlist of a lost creation; None where it is sure that there is none."""
    wait_s = await unseen_for_s(context, intent)
    if wait_s > 0:
        return Wait(delay_s=wait_s)
    found = await context.adapter.find_playlist(marker_of(context))
    if found is not None:
        note(context, "applied")
        return TargetCreated(playlist=found)
    if await needs_second_look(context, intent, observed="absent"):
        note(context, "undecided")
        return Wait(delay_s=context.capabilities.visibility_delay_s)
    note(context, "absent")
    return None


@as_read_back
async def settle_lost(context: Context, intent: Intent, *, playlist_id: PlaylistId) -> BatchWritten | Wait:
    """Find out what a write did whose answer nobody heard; never sends anything itself."""
    wait_s = await unseen_for_s(context, intent)
    if wait_s > 0:
        return Wait(delay_s=wait_s)
    before = await items.written_before(
        context.pool,
        context.transfer.id,
        part=context.transfer.part,
        position=intent.positions[0],
        limit=ANCHOR_COUNT,
    )
    tail = await target_bases.tail(context.pool, context.transfer.id, part=context.transfer.part)
    meant = Meant(
        positions=intent.positions,
        track_ids=intent.track_ids,
        anchor=(*tail, *(planned.track_id for planned in before))[-ANCHOR_COUNT:],
        expected_count=intent.expected_count,
    )
    known = [*before, *await items.at(context.pool, context.transfer.id, positions=intent.positions)]
    offset = intent.target_offset - len(meant.anchor)
    look = None
    if context.capabilities.keeps_order:
        look = await _look_at_place(context, meant, known, playlist_id=playlist_id, offset=offset)
    if look is None:
        look = await _count(context, meant, known, playlist_id=playlist_id)
    is_complete = len(look.arrived) == len(intent.positions)
    if not is_complete and (
        _is_behind(context, intent, look)
        or await needs_second_look(context, intent, observed=look.fingerprint)
    ):
        note(context, "undecided")
        return Wait(delay_s=context.capabilities.visibility_delay_s)
    note(context, "foreign" if look.is_edited else share(len(look.arrived), of=len(intent.positions)))
    return _arrived(context, intent, look)


async def _look_at_place(
    context: Context, meant: Meant, known: Sequence[Planned], *, playlist_id: PlaylistId, offset: int
) -> _Look | None:
    """Read from the anchor on; None where the place says nothing."""
    view = await context.adapter.read_target(playlist_id, offset=offset)
    rows = await _named(context, view.rows, known)
    arrived = by_place(meant, TargetView(rows=rows, total=view.total))
    if arrived is None:
        return None
    return _Look(arrived=arrived, total=view.total, fingerprint=fingerprint(view))


async def _count(
    context: Context, meant: Meant, known: Sequence[Planned], *, playlist_id: PlaylistId
) -> _Look:
    """Count the batch's tracks in the whole target.

    While others change it a reading may miss rows; then the one that saw most decides, for what is missed
    would be added twice, and what is not there after all is found at the end.
    """
    looks = []
    for _ in range(MOST_READINGS):
        reading = Reading(context.adapter, playlist_id)
        looks.append(await _count_once(context, meant, known, reading=reading))
        if not reading.has_changed:
            return looks[-1]
    return max(looks, key=lambda look: len(look.arrived))


async def _count_once(context: Context, meant: Meant, known: Sequence[Planned], *, reading: Reading) -> _Look:
    """Read to the end; holds the rows that may be meant."""
    may_be_meant = spotter(known)
    found: list[TargetRow] = []
    seen = ""
    async for page in reading.pages():
        found += filter(may_be_meant, page.rows)
        seen = fingerprint(TargetView(rows=page.rows, total=reading.length), before=seen)
    rows = await _named(context, found, known)
    before = await standing(context, meant.track_ids)
    arrived = by_count(meant, [row.track_id for row in rows], before=before)
    # A length that our writes alone explain means that the platform has mixed an earlier batch.
    is_edited = reading.length != meant.expected_count + len(arrived)
    return _Look(arrived=arrived, total=reading.length, fingerprint=seen, is_edited=is_edited)


async def _named(
    context: Context, rows: Sequence[TargetRow], known: Sequence[Planned]
) -> tuple[TargetRow, ...]:
    """Name our rows as we know them; what stood there before this write keeps its own name."""
    own = {planned.track_id for planned in known}
    others = {row.track_id for row in rows if row.track_id and row.track_id not in own}
    return identify(rows, known, others=await standing(context, others))


async def standing(context: Context, track_ids: Iterable[TrackId]) -> Counter[TrackId]:
    """Return how often tracks stood there before this write: from the start, and by our own hand."""
    asked, part = tuple(track_ids), context.transfer.part
    base = await target_bases.times(context.pool, context.transfer.id, part=part, track_ids=asked)
    return base + await items.standing(context.pool, context.transfer.id, part=part, track_ids=asked)


def _arrived(context: Context, intent: Intent, look: _Look) -> BatchWritten:
    if look.arrived:
        return BatchWritten(
            positions=look.arrived,
            target_count=look.total,
            warning="target_edited" if look.is_edited else None,
        )
    setback = set_back(context, track_count=len(intent.positions))
    if setback is None:
        reason = f"{context.adapter.platform} did not take this track in {GIVE_UP_COUNT} attempts."
        return BatchWritten(positions=(), target_count=look.total, refused=intent.positions, refusal=reason)
    return BatchWritten(
        positions=(),
        target_count=look.total,
        batch_limit=setback.batch_limit,
        failure_count=setback.failure_count,
        delay_s=setback.delay_s,
    )


def note(context: Context, result: str) -> None:
    """Count a read-back. result: one of instruments.READBACKS."""
    meters.read_back(platform=context.adapter.platform, result=result)


def share(done_count: int, *, of: int) -> str:
    """Say how much of a lost write a read-back has found done."""
    if not done_count:
        return "absent"
    return "applied" if done_count == of else "partial"


def set_back(context: Context, *, track_count: int) -> Setback | None:
    """Say how to go on after a send of so many tracks that came to nothing; None: give this one track up."""
    # Halving counts for nothing: only sends of one single track speak about that track.
    failure_count = context.job.failure_count + 1 if context.job.batch_limit == 1 else 1
    if track_count == 1 and failure_count >= GIVE_UP_COUNT:
        return None
    return Setback(
        batch_limit=max(1, track_count // 2),
        failure_count=failure_count,
        delay_s=backoff_s(failure_count, rng=context.rng),
    )


async def unseen_for_s(context: Context, intent: Intent) -> float:
    """Return how much longer a lost write may be under way or unseen.

    Counted from when it was found open: its sender had waited for tokens and budget after declaring it, and
    only now it is sure that the sender's lease is over, hence its call.
    """
    visibility_s = context.capabilities.visibility_delay_s
    if intent.observed is None:
        await intents.found(context.pool, context.job)
        return context.send_timeout_s + visibility_s
    if intent.looked_s is not None:
        return visibility_s - intent.looked_s
    return context.send_timeout_s + visibility_s - intent.age_s


def _is_behind(context: Context, intent: Intent, look: _Look) -> bool:
    """Say whether even tracks from before this write may be unseen; then its own may be as well."""
    capabilities = context.capabilities
    patience_s = LAG_PATIENCE * capabilities.visibility_delay_s
    return capabilities.reads_lag and look.total < intent.expected_count and intent.age_s < patience_s


async def needs_second_look(context: Context, intent: Intent, *, observed: str) -> bool:
    """Where reads lag, believe "not there" only when two reads say the same."""
    if not context.capabilities.reads_lag or intent.observed == observed:
        return False
    await intents.observe(context.pool, context.job, observed=observed)
    return True


def fingerprint(view: TargetView, *, before: str = "") -> str:
    """Return a short text for what was seen; before: that of the rows before these."""
    text = "\n".join([before, str(view.total), *(row.track_id or "?" for row in view.rows)])
    return hashlib.sha256(text.encode()).hexdigest()

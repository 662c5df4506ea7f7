"""Reads a target back after a write whose answer nobody heard: what of it has arrived? Sends nothing."""

import hashlib
from collections import Counter

import msgspec

from shared.db import intents, items, target_bases
from shared.db.intents import Intent
from shared.db.target_bases import TargetBase
from shared.models import Planned, PlaylistId
from shared.platforms.base import TargetView
from worker.arrival import Meant, by_count, by_place
from worker.context import Context
from worker.proof import identify
from worker.results import BatchWritten, TargetCreated, Wait
from worker.retry import backoff_s

ANCHOR_COUNT = 5  # tracks before the batch that prove that offsets still mean what they meant
LAG_PATIENCE = 10  # visibility delays after which tracks that do not show were removed by somebody
GIVE_UP_COUNT = 8  # sends of one single track that came to nothing


class Setback(msgspec.Struct, frozen=True, kw_only=True):
    """Less at once, and later. The fields mean what they mean in BatchWritten."""

    batch_limit: int
    failure_count: int
    delay_s: float


def marker_of(context: Context) -> str:
    """Return the text in the playlist's description by which a lost creation is found again."""
    return f"crossplay:{context.transfer.id.replace('-', '')[:16]}"


async def find_created(context: Context, intent: Intent) -> TargetCreated | Wait | None:
    """Look for the playlist of a lost creation; None where it is sure that there is none."""
    wait_s = await unseen_for_s(context, intent)
    if wait_s > 0:
        return Wait(delay_s=wait_s)
    found = await context.adapter.find_playlist(marker_of(context))
    if found is not None:
        return TargetCreated(playlist=found)
    if await needs_second_look(context, intent, observed="absent"):
        return Wait(delay_s=context.adapter.capabilities.visibility_delay_s)
    return None


async def settle_lost(context: Context, intent: Intent, *, playlist_id: PlaylistId) -> BatchWritten | Wait:
    """Find out what a write did whose answer nobody heard; never sends anything itself."""
    wait_s = await unseen_for_s(context, intent)
    if wait_s > 0:
        return Wait(delay_s=wait_s)
    base = await target_bases.get(context.pool, context.transfer.id)
    ours = await items.written_before(
        context.pool, context.transfer.id, position=intent.positions[0], limit=ANCHOR_COUNT
    )
    anchor = (*base.tail, *(planned.track_id for planned in ours))[-ANCHOR_COUNT:]
    meant = Meant(
        positions=intent.positions,
        track_ids=intent.track_ids,
        anchor=anchor,
        expected_count=intent.expected_count,
    )
    known = [*ours, *await items.at(context.pool, context.transfer.id, positions=intent.positions)]
    view = await context.adapter.read_target(playlist_id, offset=intent.target_offset - len(anchor))
    arrived = by_place(meant, _known(view, known, base=base))
    is_edited = arrived is None
    if arrived is None:
        view = await context.adapter.read_target(playlist_id, offset=0)
        before = Counter(base.counts) + await items.standing(context.pool, context.transfer.id)
        rows = _known(view, known, base=base).rows
        arrived = by_count(meant, [row.track_id for row in rows], before=before)
    is_complete = len(arrived) == len(intent.positions)
    if not is_complete and (
        _is_behind(context, intent, view)
        or await needs_second_look(context, intent, observed=fingerprint(view))
    ):
        return Wait(delay_s=context.adapter.capabilities.visibility_delay_s)
    return _arrived(context, intent, arrived=arrived, total=view.total, is_edited=is_edited)


def _known(view: TargetView, known: list[Planned], *, base: TargetBase) -> TargetView:
    """Name our rows as we know them; what stood there before us keeps its own name."""
    named = identify(view.rows, known)
    rows = tuple(
        row if row.track_id in base.counts else ours for row, ours in zip(view.rows, named, strict=True)
    )
    return TargetView(rows=rows, total=view.total)


def _arrived(
    context: Context, intent: Intent, *, arrived: tuple[int, ...], total: int, is_edited: bool
) -> BatchWritten:
    if arrived:
        return BatchWritten(
            positions=arrived, target_count=total, warning="target_edited" if is_edited else None
        )
    setback = set_back(context, track_count=len(intent.positions))
    if setback is None:
        reason = f"{context.adapter.platform} did not take this track in {GIVE_UP_COUNT} attempts."
        return BatchWritten(positions=(), target_count=total, refused=intent.positions, refusal=reason)
    return BatchWritten(
        positions=(),
        target_count=total,
        batch_limit=setback.batch_limit,
        failure_count=setback.failure_count,
        delay_s=setback.delay_s,
    )


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
    visibility_s = context.adapter.capabilities.visibility_delay_s
    if intent.observed is None:
        await intents.found(context.pool, context.job)
        return context.send_timeout_s + visibility_s
    if intent.looked_s is not None:
        return visibility_s - intent.looked_s
    return context.send_timeout_s + visibility_s - intent.age_s


def _is_behind(context: Context, intent: Intent, view: TargetView) -> bool:
    """Say whether even tracks from before this write may be unseen; then its own may be as well."""
    capabilities = context.adapter.capabilities
    patience_s = LAG_PATIENCE * capabilities.visibility_delay_s
    return capabilities.reads_lag and view.total < intent.expected_count and intent.age_s < patience_s


async def needs_second_look(context: Context, intent: Intent, *, observed: str) -> bool:
    """Where reads lag, believe "not there" only when two reads say the same."""
    if not context.adapter.capabilities.reads_lag or intent.observed == observed:
        return False
    await intents.observe(context.pool, context.job, observed=observed)
    return True


def fingerprint(view: TargetView) -> str:
    text = "\n".join([str(view.total), *(row.track_id or "?" for row in view.rows)])
    return hashlib.sha256(text.encode()).hexdigest()

"""Runs one job of a transfer: the phase, then its checkpoint."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from loguru import logger
from opentelemetry import trace

from shared import spans
from shared.db import intents, jobs, transfers
from shared.db.intents import Intent
from shared.db.jobs import Job
from shared.db.pool import Pool, changed_count
from shared.db.transfers import Transfer
from shared.errors import AccountError, CrossplayError, PlatformError, Remedy
from shared.lease import Lease
from shared.lifecycle import Phase, State
from shared.meters import meters
from shared.models import ConnectionId, Outcome, Platform
from shared.platforms.base import Adapter
from worker import checkpoints, job_spans
from worker.context import Context
from worker.lookups import Lookups
from worker.patience import commit_once
from worker.phases.match import match
from worker.phases.read import read
from worker.phases.undo import settle_removal, undo
from worker.phases.verify import verify
from worker.phases.verify_undo import verify_undo
from worker.phases.write import doubt, settle, write
from worker.results import (
    BatchMatched,
    BatchRemoved,
    Cancelled,
    PageRead,
    PartFilled,
    Repair,
    Result,
    TargetCreated,
    TargetRead,
    Undone,
    Verified,
    Wait,
    WriteFinished,
)

OpenAdapter = Callable[[Platform, ConnectionId], Awaitable[tuple[Adapter, str]]]
"""Opens a connection's adapter and names the market of its catalog."""
OpenPublic = Callable[[Platform, str], Adapter]
"""Makes an adapter that reads what everybody may see, in the catalog of a market."""

Run: TypeAlias = Callable[[Context], Awaitable[Result]]

PHASES: dict[Phase, Run] = {
    Phase.READ: read,
    Phase.MATCH: match,
    Phase.WRITE: write,
    Phase.VERIFY: verify,
}
UNDO_PHASES: dict[Phase, Run] = {Phase.UNDO: undo, Phase.VERIFY: verify_undo}
SETTLERS: dict[Phase, Callable[[Context, Intent], Awaitable[Result | None]]] = {
    Phase.WRITE: settle,
    Phase.UNDO: settle_removal,
}
START = """
UPDATE transfers SET state = 'running', started_at = now(), revision = revision + 1
WHERE id = $1 AND state = 'queued'
"""


@dataclass(frozen=True, kw_only=True)
class TransferRunner:
    """Holds what all phases share."""

    pool: Pool
    lookups: Lookups
    open_adapter: OpenAdapter
    open_public: OpenPublic
    send_timeout_s: float
    rng: random.Random

    async def run(self, job: Job, lease: Lease) -> tuple[Platform, ...]:
        """Run a job to its checkpoint; return the platforms that may have new work.

        Raises LeaseLost, or the platform's refusal, which the caller turns into a verdict.
        """
        transfer = await transfers.load(self.pool, job.transfer_id)
        trace.get_current_span().set_attributes(spans.of_transfer(transfer))
        if transfer.state is State.QUEUED and changed_count(await self.pool.execute(START, transfer.id)):
            logger.info("Transfer started")
        if transfer.is_cancelling:
            result = await self._wind_up(job, transfer, lease)
        else:
            phases = PHASES if transfer.undoes is None else UNDO_PHASES
            result = await phases[job.phase](await self._context(job, transfer, lease))
        await self._store(job, transfer, lease, result)
        return (transfer.source_platform, transfer.target_platform)

    async def warn_late_write(self, job: Job) -> None:
        """Tell of a write that left when the job was somebody else's, also after the transfer's end."""
        await checkpoints.warn_late_write(self.pool, job)

    async def _wind_up(self, job: Job, transfer: Transfer, lease: Lease) -> Result:
        """Stop a transfer; a write that is under way is settled first, so that what was added is told.

        Where nothing is under way, no platform is asked: it may be away, paused, or not ours any more.
        """
        intent = await intents.get(self.pool, job)
        if intent is None and transfer.is_target_doubtful and job.phase is Phase.WRITE:
            return await doubt(await self._context(job, transfer, lease)) or Cancelled()
        if intent is None:
            return Cancelled()
        try:
            return await SETTLERS[job.phase](await self._context(job, transfer, lease), intent) or Cancelled()
        except (AccountError, PlatformError) as error:
            if error.remedy in (Remedy.USER, Remedy.NONE):
                return Cancelled(is_settled=False)  # target or access are gone: nobody can tell what it did
            raise

    async def _context(self, job: Job, transfer: Transfer, lease: Lease) -> Context:
        adapter, market = await self._open(job, transfer)
        return Context(
            job=job,
            transfer=transfer,
            adapter=adapter,
            market=market,
            gate=lease.gate,
            pool=self.pool,
            lookups=self.lookups,
            send_timeout_s=self.send_timeout_s,
            rng=self.rng,
        )

    async def _open(self, job: Job, transfer: Transfer) -> tuple[Adapter, str]:
        """Open what speaks for the side that this phase works on, and name its market."""
        if job.phase is not Phase.READ:
            return await self.open_adapter(job.platform, transfer.target_connection_id)
        if transfer.source_connection_id is not None:
            return await self.open_adapter(job.platform, transfer.source_connection_id)
        market = transfer.source_market or ""
        return self.open_public(job.platform, market), market

    async def _store(self, job: Job, transfer: Transfer, lease: Lease, result: Result) -> None:
        asked_at = lease.clock.monotonic()
        with job_spans.checkpoint(result=result, item_count=_item_count(result)):
            await commit_once(
                lambda: self._commit(job, transfer, result),
                pool=self.pool,
                job=job,
                lease=lease,
                rng=self.rng,
            )
        meters.checkpoint_stored(lease.clock.monotonic() - asked_at, platform=job.platform, phase=job.phase)
        if isinstance(result, BatchMatched) and result.failure is not None:
            failure: CrossplayError = result.failure
            raise failure
        _tell(transfer, result, now=lease.clock.now())

    async def _commit(self, job: Job, transfer: Transfer, result: Result) -> None:
        if isinstance(result, Wait):
            async with self.pool.acquire() as connection:
                await jobs.release(connection, job, delay_s=result.delay_s, error=None, costs_attempt=False)
        elif isinstance(result, BatchMatched) and result.failure is not None:
            await checkpoints.defer(self.pool, job, result=result)
        else:
            await checkpoints.save(self.pool, job, transfer=transfer, result=result)


def _tell(transfer: Transfer, result: Result, *, now: datetime) -> None:
    """Count and log what a checkpoint has made true."""
    match result:
        case PageRead(next_cursor=None):
            logger.info("Source read", platform=transfer.source_platform)
        case BatchMatched():
            _count(transfer, (one.outcome for one in result.settled))
        case BatchRemoved():
            _count(transfer, (one.outcome for one in result.settled))
        case WriteFinished() if transfer.undoes is not None:
            logger.info("Tracks removed", platform=transfer.target_platform)
        case TargetCreated() | TargetRead() | WriteFinished() | Repair() | PartFilled():
            what = _TARGET_NEWS[type(result)]
            logger.info("Target checkpointed", platform=transfer.target_platform, what=what)
        case Cancelled() | Undone() | Verified():
            state = "cancelled" if isinstance(result, Cancelled) else "completed"
            logger.info("Transfer ended", state=state)
            begun_at = transfer.reopened_at or transfer.created_at
            meters.transfer_ended(state, duration_s=(now - begun_at).total_seconds())


def _item_count(result: Result) -> int:
    """Return how many items a checkpoint changes."""
    for name in ("items", "settled", "positions"):
        if hasattr(result, name):
            return len(getattr(result, name))
    return 0


def _count(transfer: Transfer, outcomes: Iterable[Outcome]) -> None:
    for outcome, count in Counter(outcomes).items():
        meters.tracks_settled(count, platform=transfer.target_platform, outcome=outcome)


_TARGET_NEWS: dict[type, str] = {
    TargetCreated: "created",
    TargetRead: "read",
    WriteFinished: "written",
    Repair: "to be repaired",
    PartFilled: "full",
}

"""Runs one job under its lease: heartbeat, span, deadline, verdict on what went wrong. Knows no music."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg
from loguru import logger
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from shared import telemetry
from shared.clock import Clock
from shared.db import jobs
from shared.db.jobs import Job, Refusal
from shared.db.pool import STORE_ERRORS, Pool
from shared.errors import CrossplayError, JobBroken, JobPoisonous, LeaseLost, SentLate, StoreUnavailable
from shared.lease import Lease
from shared.messages import RunJob
from shared.meters import meters
from shared.models import Platform
from shared.turns import PARTY
from worker import job_spans, verdicts
from worker.patience import commit_once, insist
from worker.retry import Discard, Pause, Snooze, Verdict, plan

JOB_DEADLINE_S = 900.0
BEATS_PER_LEASE = 3

Run = Callable[[Job, Lease], Awaitable[tuple[Platform, ...]]]
WarnLateWrite = Callable[[Job], Awaitable[None]]
Beat = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Executor:
    """Executes jobs for one worker, which is `owner` in their leases."""

    pool: Pool
    run: Run
    warn_late_write: WarnLateWrite
    clock: Clock
    rng: random.Random
    owner: str
    lease_s: float
    send_timeout_s: float
    max_attempts: int

    async def execute(self, message: RunJob, beat: Beat) -> tuple[bool, tuple[Platform, ...]]:
        """Execute a job; return whether its entry is to be acknowledged, and where new work may wait.

        An entry is acknowledged only after a commit that settles it, or where nothing is left to do.
        beat is called with each renewal of the lease. Never raises, but for cancellation.
        """
        try:
            job, lease = await self._take(message)
        except (*STORE_ERRORS, asyncpg.PostgresError) as error:
            logger.debug("Job stays pending", error=type(error).__name__)
            return False, ()
        if isinstance(job, Refusal):
            return job.is_over, ()
        PARTY.set(job.user_id)
        with (
            logger.contextualize(transfer_id=job.transfer_id, job_id=job.id, platform=job.platform),
            job_spans.process(job, message, owner=self.owner),
        ):
            return await self._under_lease(job, lease, beat)

    async def _take(self, message: RunJob) -> tuple[Job | Refusal, Lease]:
        """Ask for the job, for as long as nobody else can claim its entry.

        So a worker without a way to Postgres keeps a few entries for a while and takes no more of them.
        """
        give_up_at = self.clock.monotonic() + self.lease_s

        async def ask() -> tuple[Job | Refusal, Lease]:
            lease = self._lease()
            job = await jobs.acquire(
                self.pool, message.job_id, owner=self.owner, lease_s=self.lease_s, trace=message.trace
            )
            return job, lease

        return await insist(
            ask, until=lambda: self.clock.monotonic() >= give_up_at, clock=self.clock, rng=self.rng
        )

    def _lease(self) -> Lease:
        """Return a lease that is asked for now."""
        return Lease(
            clock=self.clock,
            asked_at=self.clock.monotonic(),
            lease_s=self.lease_s,
            send_timeout_s=self.send_timeout_s,
        )

    async def _under_lease(self, job: Job, lease: Lease, beat: Beat) -> tuple[bool, tuple[Platform, ...]]:
        started_at = self.clock.monotonic()
        heart = asyncio.create_task(self._keep(job, lease, beat, asyncio.current_task()))
        verdict_name = "fenced"
        try:
            is_settled, platforms, verdict_name = await self._conclude(job, lease)
        except (LeaseLost, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and not lease.lost.is_set():
                raise
            if lease.lost.is_set() and (task := asyncio.current_task()) is not None:
                task.uncancel()  # it was our own heartbeat's
            heart.cancel()
            return await self._fenced(job, is_late=isinstance(error, SentLate))
        else:
            return is_settled, platforms
        finally:
            heart.cancel()
            trace.get_current_span().set_attribute("crossplay.verdict", verdict_name)
            meters.job_done(
                platform=job.platform,
                phase=job.phase,
                verdict=verdict_name,
                duration_s=self.clock.monotonic() - started_at,
            )

    async def _conclude(self, job: Job, lease: Lease) -> tuple[bool, tuple[Platform, ...], str]:
        """Run the job and store the verdict on what went wrong, which is named last. Raises LeaseLost."""
        try:
            return True, await self._run(job, lease), "done"
        except Exception as error:  # noqa: BLE001  # whatever a job does must end in a verdict
            cause = _first_of(error)
        if isinstance(cause, LeaseLost):
            raise cause
        verdict = self._judge(job, cause)
        return *await self._settle(job, lease, verdict, cause), type(verdict).__name__.lower()

    async def _run(self, job: Job, lease: Lease) -> tuple[Platform, ...]:
        # An attempt that ends in an error is judged at once: these workers died without a word.
        if job.attempt > self.max_attempts:
            raise JobPoisonous(f"Its workers have died in {job.attempt - 1} attempts.")
        try:
            async with asyncio.timeout(JOB_DEADLINE_S) as deadline:
                return await self.run(job, lease)
        except TimeoutError as error:
            if deadline.expired():
                raise JobBroken(f"The job took longer than {JOB_DEADLINE_S:.0f} s.") from error
            raise

    async def _fenced(self, job: Job, *, is_late: bool = False) -> tuple[bool, tuple[Platform, ...]]:
        logger.warning("Lease lost", epoch=job.epoch)
        trace.get_current_span().set_status(Status(StatusCode.ERROR, LeaseLost.code))
        meters.write_fenced(platform=job.platform)
        if is_late:
            try:
                await self.warn_late_write(job)
            except (*STORE_ERRORS, asyncpg.PostgresError) as error:
                logger.error("Late write not told", error=type(error).__name__)
        return False, ()

    def _judge(self, job: Job, error: Exception) -> Verdict:
        known = error if isinstance(error, CrossplayError) else _known(error)
        if isinstance(error, (CrossplayError, *STORE_ERRORS)):
            logger.info("Job stopped", error=str(known), attempt=job.attempt, phase=job.phase)
        else:
            logger.opt(exception=error).error("Job broke", attempt=job.attempt, phase=job.phase)
        span = trace.get_current_span()
        span.set_attribute("error.type", known.code)
        span.set_status(Status(StatusCode.ERROR, known.code))
        return plan(known, attempt=job.attempt, max_attempts=self.max_attempts, rng=self.rng)

    async def _settle(
        self, job: Job, lease: Lease, verdict: Verdict, error: Exception
    ) -> tuple[bool, tuple[Platform, ...]]:
        text = str(error) if isinstance(error, CrossplayError) else type(error).__name__
        failed_after_s: float | None = None

        async def store() -> None:
            nonlocal failed_after_s
            failed_after_s = await verdicts.store(self.pool, job, verdict=verdict, error=text)

        try:
            with telemetry.step("checkpoint", {"crossplay.verdict": type(verdict).__name__.lower()}):
                await commit_once(store, pool=self.pool, job=job, lease=lease, rng=self.rng)
        except (*STORE_ERRORS, asyncpg.PostgresError) as failure:
            logger.warning("Verdict not stored", error=type(failure).__name__)
            return False, ()
        if isinstance(verdict, Discard):
            logger.error("Transfer failed", code=verdict.code, reason=verdict.text)
            meters.transfer_ended("failed", duration_s=failed_after_s)
        elif isinstance(verdict, Pause):
            logger.warning("Transfer paused", reason=verdict.reason)
        elif isinstance(verdict, Snooze) and verdict.is_parked:
            logger.info("Transfer parked", again_in_s=round(verdict.delay_s))
        return True, (job.platform,)

    async def _keep(self, job: Job, lease: Lease, beat: Beat, task: "asyncio.Task[object] | None") -> None:
        """Renew the lease until the job ends; cancel the job where the lease is lost or has run out."""
        beat_s = self.lease_s / BEATS_PER_LEASE
        pause_s = beat_s
        while not lease.is_over:
            await self.clock.sleep(min(pause_s, lease.left_s))
            pause_s = beat_s
            try:
                # A connection that is dead without a word must not keep the job beyond its lease.
                async with asyncio.timeout(lease.left_s):
                    if not await self._renew(job, lease):
                        break
                    await beat()
            except (*STORE_ERRORS, asyncpg.PostgresError):
                pause_s = beat_s / 4  # Postgres may be back before the lease is over
        lease.lose()
        if task is not None:
            task.cancel()

    async def _renew(self, job: Job, lease: Lease) -> bool:
        asked_at = self.clock.monotonic()
        is_ours = await jobs.renew(self.pool, job, owner=self.owner, lease_s=self.lease_s)
        if is_ours:
            lease.renewed(asked_at=asked_at)
        return is_ours


def _first_of(error: Exception) -> Exception:
    """Return what went wrong first where several things at once did."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _known(error: Exception) -> CrossplayError:
    if isinstance(error, STORE_ERRORS) and not isinstance(error, asyncpg.QueryCanceledError):
        return StoreUnavailable("A store did not answer.")
    # A statement that takes too long is the job's own fault: for ever, if it cost no attempt.
    return JobBroken("The job broke on an error of our own; the log has the details.")

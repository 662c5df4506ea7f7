"""The spans of jobs: one for each attempt, also for one whose worker has died, and what stands beside it."""

import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from shared import spans, telemetry, tracing
from shared.db.intents import Intent
from shared.db.jobs import Abandoned, Job
from shared.messages import RunJob
from shared.models import JobId

C = TypeVar("C")
P = ParamSpec("P")
R = TypeVar("R")

DIED = "worker_died"


def attempt_id(job_id: JobId, *, epoch: int) -> int:
    """Return the id of an attempt's span, which another worker can tell without having seen it."""
    digest = hashlib.sha256(f"{job_id} {epoch}".encode()).digest()
    return int.from_bytes(digest[:8]) or 1


@contextmanager
def process(job: Job, message: RunJob, *, owner: str) -> Iterator[None]:
    """Open the span of an attempt, and first tell of the one before it, if that was abandoned."""
    links = []
    attributes = _attributes(job, epoch=job.epoch, owner=owner, entry_id=message.entry_id)
    if job.abandoned is not None:
        attributes["crossplay.taken_over_from"] = job.abandoned.owner
        links = _tell_abandoned(job, job.abandoned)
    with tracing.chosen_id(attempt_id(job.id, epoch=job.epoch)):
        span = telemetry.tracer.start_span(
            _name(job),
            context=telemetry.context_from(message.trace),
            kind=SpanKind.CONSUMER,
            attributes=attributes,
            links=links,
        )
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            telemetry.mark_failed(span, error)
            raise


def checkpoint(*, result: object, item_count: int) -> AbstractContextManager[trace.Span]:
    """Time the commit of what a phase handed back."""
    return telemetry.step(
        "checkpoint", {"crossplay.result": result_name(result), "crossplay.item_count": item_count}
    )


def result_name(result: object) -> str:
    """Return the name of a result's class as attributes have it: BatchWritten is batch_written."""
    name = type(result).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def as_read_back(
    act: Callable[Concatenate[C, Intent, P], Awaitable[R]],
) -> Callable[Concatenate[C, Intent, P], Coroutine[Any, Any, R]]:
    """Time a read-back and say of which write: the one that was under way when its worker died, say."""

    async def traced(context: C, intent: Intent, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with telemetry.step("read back", _of_intent(intent)) as span:
            result = await act(context, intent, *args, **kwargs)
            arrived = getattr(result, "positions", ())
            span.set_attribute("crossplay.result", "absent" if result is None else result_name(result))
            span.set_attribute("crossplay.readback.arrived_count", len(arrived))
            return result

    return traced


def _of_intent(intent: Intent) -> dict[str, str | int | float]:
    return {
        "crossplay.intent.kind": intent.kind,
        "crossplay.intent.epoch": intent.epoch,
        "crossplay.intent.item_count": len(intent.positions),
        "crossplay.intent.sent_at": intent.sent_at.isoformat(),
        "crossplay.intent.age_s": round(intent.age_s, 3),
    }


def _name(job: Job) -> str:
    return f"process {job.platform} {job.phase}"


def _attributes(job: Job, *, epoch: int, owner: str, entry_id: str = "") -> dict[str, str | int]:
    return {
        **spans.messaging(
            job.platform, operation="process", kind="process", message_id=entry_id, client_id=owner
        ),
        spans.TRANSFER_ID: job.transfer_id,
        spans.USER_ID: job.user_id,
        "crossplay.job_id": job.id,
        "crossplay.phase": job.phase,
        "crossplay.batch": job.batch,
        "crossplay.attempt": job.attempt,
        "crossplay.epoch": epoch,
    }


def _tell_abandoned(job: Job, abandoned: Abandoned) -> list[Link]:
    """Send the span that a dead worker could not: its requests would hang in the air. Return a link to it.

    It has the very id that its owner gave it, and lasts until the end of the lease. One that was only frozen
    tells its end as well when it wakes up.
    """
    context = telemetry.context_from(abandoned.trace)
    outer = trace.get_current_span(context).get_span_context()
    if not outer.is_valid:
        return []
    span_id = attempt_id(job.id, epoch=abandoned.epoch)
    with tracing.chosen_id(span_id):
        span = telemetry.tracer.start_span(
            _name(job),
            context=context,
            kind=SpanKind.CONSUMER,
            start_time=_ns(abandoned.taken_at),
            attributes=_attributes(job, epoch=abandoned.epoch, owner=abandoned.owner)
            | {"crossplay.verdict": DIED, "error.type": DIED},
        )
    span.set_status(Status(StatusCode.ERROR, DIED))
    span.end(_ns(max(abandoned.lease_until, abandoned.taken_at)))
    told = SpanContext(outer.trace_id, span_id, is_remote=True, trace_flags=TraceFlags(outer.trace_flags))
    return [Link(told, {"crossplay.link": "the attempt that this one takes over"})]


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1e9)

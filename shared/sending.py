"""Adds jobs to their platform's stream, each under a span in the trace of its transfer."""

from collections.abc import Mapping, Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind

from shared import spans, telemetry
from shared.db import traces
from shared.db.jobs import Chosen
from shared.db.pool import Pool
from shared.messages import RunJob
from shared.models import Platform, TransferId
from shared.streams import Streams

TRACE_LIFE_S = 600.0
"""For so long a trace takes in the jobs of its transfer; later ones go to the next trace, which links to it.

Tracing backends cut or drop a trace that is too large or that never ends (docs/adr/0010).
"""


async def send(pool: Pool, streams: Streams, platform: Platform, *, chosen: Sequence[Chosen]) -> None:
    """Add an entry for each job. Raises streams.STORE_ERRORS where Redis is away."""
    trace_of: dict[TransferId, Mapping[str, str]] = {}
    for job in chosen:
        if job.transfer_id not in trace_of:
            trace_of[job.transfer_id] = await _trace(pool, job)
    sending = [_span(job, platform=platform, headers=trace_of[job.transfer_id]) for job in chosen]
    messages = [
        RunJob(job_id=job.id, transfer_id=job.transfer_id, trace=telemetry.inject(span))
        for job, span in zip(chosen, sending, strict=True)
    ]
    try:
        entry_ids = await streams.add(platform, messages)
    except BaseException as error:
        for span in sending:
            telemetry.mark_failed(span, error)
        raise
    else:
        for span, entry_id in zip(sending, entry_ids, strict=True):
            span.set_attribute("messaging.message.id", entry_id)
    finally:
        for span in sending:
            span.end()


async def _trace(pool: Pool, job: Chosen) -> Mapping[str, str]:
    """Return the headers of the trace that this transfer's jobs belong to now; of a new one if it is time."""
    if "traceparent" in job.trace and job.trace_age_s < TRACE_LIFE_S:
        return job.trace
    before = trace.get_current_span(telemetry.context_from(job.trace)).get_span_context()
    span = telemetry.tracer.start_span(
        "continue transfer",
        context=Context(),
        links=[Link(before, {"crossplay.link": "the trace before"})] if before.is_valid else None,
        attributes={spans.TRANSFER_ID: job.transfer_id, spans.USER_ID: job.user_id},
    )
    headers = telemetry.inject(span)
    if not headers or not await traces.go_on(pool, job.transfer_id, before=job.trace, trace=headers):
        return job.trace  # the span is never ended, so nobody hears of it
    span.end()
    return headers


def _span(job: Chosen, *, platform: Platform, headers: Mapping[str, str]) -> Span:
    """Begin a child of the transfer's trace, with a link to whatever it is that sends, such as a resume."""
    context = telemetry.context_from(headers)
    return telemetry.tracer.start_span(
        f"send {platform} {job.phase}",
        context=context,
        kind=SpanKind.PRODUCER,
        links=_cause(context),
        attributes={
            **spans.messaging(platform, operation="send", kind="send"),
            spans.TRANSFER_ID: job.transfer_id,
            spans.USER_ID: job.user_id,
            "crossplay.job_id": job.id,
            "crossplay.phase": job.phase,
            "crossplay.batch": job.batch,
        },
    )


def _cause(context: Context) -> list[Link]:
    """Return a link to the current span, where it belongs to another trace than the transfer."""
    cause = trace.get_current_span().get_span_context()
    ours = trace.get_current_span(context).get_span_context()
    if not cause.is_valid or cause.trace_id == ours.trace_id:
        return []
    return [Link(cause, {"crossplay.link": "the request that made it runnable"})]

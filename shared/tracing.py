"""How spans are sampled, kept for their errors and sent, and which ids they get."""

import os
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.semconv.attributes.http_attributes import HTTP_ROUTE
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes

from shared.redaction import RedactingExporter, known_values
from shared.settings import Settings

EXPORT_DELAY_MS = 200
"""What a killed process has not sent yet is lost, so it goes soon; OTEL_BSP_SCHEDULE_DELAY overrules it."""

OPEN_COUNT = 2000
"""So many spans of unsampled traces may be open at once; older ones are not kept, whatever they end with."""

KEPT_COUNT = 200
"""So many ended spans are held under one unsampled span that is open, the latest ones."""

PROBES = frozenset({"/healthz", "/readyz"})
"""Routes that are asked all day by machines: sampled never, kept if they fail."""

_SPAN_ID: ContextVar[int | None] = ContextVar("span_id", default=None)


class ChosenIds(RandomIdGenerator):
    """Random ids, but for spans that are started inside of `chosen_id`."""

    def generate_span_id(self) -> int:
        return _SPAN_ID.get() or super().generate_span_id()


@contextmanager
def chosen_id(span_id: int) -> Iterator[None]:
    """Give the one span that is started inside this id."""
    token = _SPAN_ID.set(span_id)
    try:
        yield
    finally:
        _SPAN_ID.reset(token)


class RecordErrors(Sampler):
    """Decides as another sampler does, but has what that drops recorded, to see whether it fails.

    A root with a link is what goes on in a new trace: it counts as the linked one's child.
    """

    def __init__(self, inner: Sampler) -> None:
        self._inner = inner

    def should_sample(  # noqa: PLR0913, PLR0917  # the interface's
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,  # noqa: ARG002  # the parent's, which samplers look up
    ) -> SamplingResult:
        if links and not trace.get_current_span(parent_context).get_span_context().is_valid:
            before = trace.NonRecordingSpan(links[0].context)
            parent_context = trace.set_span_in_context(before, Context())
        result = self._inner.should_sample(parent_context, trace_id, name, kind, attributes, links)
        is_probe = attributes is not None and attributes.get(HTTP_ROUTE) in PROBES
        if result.decision is not Decision.DROP and not is_probe:
            return result
        return SamplingResult(Decision.RECORD_ONLY, attributes, result.trace_state)

    def get_description(self) -> str:
        return f"RecordErrors{{{self._inner.get_description()}}}"


class _Family:
    """The spans of one process below one that came from outside, while that is open."""

    def __init__(self) -> None:
        self.spans: deque[ReadableSpan] = deque(maxlen=KEPT_COUNT)
        self.has_failed = False
        self.is_over = False


class ErrorKeeper(SpanProcessor):
    """Hands sampled spans on at once; of the others those whose family has an error, when it is complete."""

    def __init__(self, inner: SpanProcessor) -> None:
        self._inner = inner
        self._open: OrderedDict[int, _Family] = OrderedDict()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._inner.on_start(span, parent_context)
        context = span.get_span_context()
        if context.trace_flags.sampled:
            return
        family = None if _is_local_root(span) or span.parent is None else self._open.get(span.parent.span_id)
        self._open[context.span_id] = _Family() if family is None else family
        if len(self._open) > OPEN_COUNT:
            self._open.popitem(last=False)

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or span.context.trace_flags.sampled:
            self._inner.on_end(span)
            return
        family = self._open.pop(span.context.span_id, _Family())
        family.spans.append(span)
        family.has_failed |= span.status.status_code is StatusCode.ERROR
        family.is_over |= _is_local_root(span)
        if family.is_over and family.has_failed:
            while family.spans:
                self._inner.on_end(_as_sampled(family.spans.popleft()))

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def open_provider(resource: Resource, *, settings: Settings, is_exported: bool) -> TracerProvider:
    """Return a provider that samples by OTEL_TRACES_SAMPLER and, if asked, sends by OTLP/HTTP.

    It is not shut down at exit, where its time-out is thirty seconds: whoever opens it does that.
    """
    provider = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=ChosenIds())
    if is_exported:
        exporter = RedactingExporter(OTLPSpanExporter(), known=known_values(settings))
        delay_ms = None if os.environ.get("OTEL_BSP_SCHEDULE_DELAY") else EXPORT_DELAY_MS
        provider.sampler = RecordErrors(provider.sampler)
        provider.add_span_processor(ErrorKeeper(BatchSpanProcessor(exporter, schedule_delay_millis=delay_ms)))
    return provider


def _is_local_root(span: ReadableSpan) -> bool:
    return span.parent is None or span.parent.is_remote


def _as_sampled(span: ReadableSpan) -> ReadableSpan:
    """Return the span as one that exporters do not pass over."""
    context = span.context
    if context is None:
        return span
    return ReadableSpan(
        name=span.name,
        context=SpanContext(
            context.trace_id,
            context.span_id,
            context.is_remote,
            TraceFlags(context.trace_flags | TraceFlags.SAMPLED),
            context.trace_state,
        ),
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
    )

"""Traces and metrics of one process, and the headers that carry a trace from one to the next."""

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, ExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import Span, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from shared import exposition, logs, tracing
from shared.settings import Settings

FLUSH_TIMEOUT_S = 3.0

_PROPAGATOR = TraceContextTextMapPropagator()

tracer = trace.get_tracer("crossplay")


def configure(service_name: str, *, settings: Settings) -> None:
    """Set up logs, traces and metrics of this process; a second call changes logs only.

    Spans and metrics go out by OTLP/HTTP where the standard OTEL_* variables name a receiver; metrics are
    also told at /metrics where the settings name a port for it. Without a receiver
    spans still have ids, so that logs and status can name the trace. OTEL_SDK_DISABLED, OTEL_SERVICE_NAME,
    OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and the exporter's own variables mean what they always do.
    """
    logs.configure(settings)
    logs.tell_uncaught()
    if _is_set("OTEL_SDK_DISABLED", "true") or isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    resource = Resource.create(
        {
            SERVICE_NAME: service_name,
            SERVICE_VERSION: version("crossplay"),
            **OTELResourceDetector().detect().attributes,
        }
    )
    # Not at exit: its time-out is thirty seconds. Whoever configures calls shutdown().
    provider = tracing.open_provider(resource, settings=settings, is_exported=_has_receiver("TRACES"))
    trace.set_tracer_provider(provider)
    if readers := _metric_readers(settings):
        metrics.set_meter_provider(
            MeterProvider(
                readers, resource=resource, shutdown_on_exit=False, exemplar_filter=_exemplar_filter()
            )
        )


def is_measured() -> bool:
    """Whether anybody gets this process's metrics."""
    return isinstance(metrics.get_meter_provider(), MeterProvider)


def shutdown() -> None:
    """Send what is still buffered; blocks for FLUSH_TIMEOUT_S at most, whatever the receiver does."""
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    threads = [
        threading.Thread(target=provider.shutdown, name="telemetry-flush", daemon=True)
        for provider in providers
        if isinstance(provider, TracerProvider | MeterProvider)
    ]
    give_up_at_s = time.monotonic() + FLUSH_TIMEOUT_S
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, give_up_at_s - time.monotonic()))


def inject(span: Span | None = None) -> dict[str, str]:
    """Return `traceparent` (and `tracestate`, if any) of a span, else of the current one; maybe nothing."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers, context=None if span is None else trace.set_span_in_context(span))
    return headers


def context_from(headers: Mapping[str, str]) -> Context:
    """Return the trace context that headers or stream fields carry; an empty one where they carry none."""
    return _PROPAGATOR.extract(headers, context=Context())


@contextmanager
def step(name: str, attributes: Attributes = None) -> Iterator[Span]:
    """Time a part of what the current span does.

    It is not made current, so that nothing is ever below it: were this process killed inside, what had ended
    there would have lost its parent.
    """
    span = tracer.start_span(name, attributes=attributes)
    try:
        yield span
    except BaseException as error:
        mark_failed(span, error)
        raise
    finally:
        span.end()


def mark_failed(span: Span, error: BaseException) -> None:
    """Mark a span with what it failed of, without the error's text: that may hold anything."""
    span.set_attribute(ERROR_TYPE, type(error).__name__)
    span.set_status(StatusCode.ERROR)


def current_trace_id() -> str | None:
    """Return the current trace's id, 32 hex digits, as a tracing backend shows it."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def _metric_readers(settings: Settings) -> list[MetricReader]:
    readers: list[MetricReader] = []
    if _has_receiver("METRICS"):
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    if settings.metrics_port is not None:
        readers.append(exposition.reader())
    return readers


def _exemplar_filter() -> ExemplarFilter | None:
    """Return none of the SDK's own unless somebody asks: it makes each figure dearer by a third."""
    return None if os.environ.get("OTEL_METRICS_EXEMPLAR_FILTER") else AlwaysOffExemplarFilter()


def _is_set(name: str, value: str) -> bool:
    return os.environ.get(name, "").strip().lower() == value


def _has_receiver(signal: str) -> bool:
    """Whether the environment asks for the export of TRACES or METRICS."""
    if _is_set(f"OTEL_{signal}_EXPORTER", "none"):
        return False
    return _is_set(f"OTEL_{signal}_EXPORTER", "otlp") or any(
        os.environ.get(name)
        for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    )

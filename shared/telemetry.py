"""Logs, traces and metrics of one process, and the headers that carry a trace from one to the next."""

import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec
from loguru import logger
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.errors import SettingsError
from shared.redaction import RedactingExporter, known_values, redact
from shared.settings import PREFIX, Settings

if TYPE_CHECKING:
    from loguru import Message, Record

FLUSH_TIMEOUT_S = 3.0
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
TEXT_FORMAT = (
    "<dim>{time:HH:mm:ss.SSS}</dim> <level>{level: <7}</level> {message} <dim>{extra}</dim>\n{exception}"
)

_PROPAGATOR = TraceContextTextMapPropagator()

tracer = trace.get_tracer("crossplay")


class Metrics:
    """What is counted and timed. Labels are few and bounded: never the id of a transfer, job or user.

    Names follow OpenTelemetry's style; times are in seconds, for which the SDK's own bucket boundaries
    (5, 10, 25, …) are useless, so each histogram brings its own.
    """

    def __init__(self, meter: metrics.Meter) -> None:
        self._transfers = meter.create_counter(
            "crossplay.transfers", unit="{transfer}", description="Transfers that ended, by state."
        )
        self._jobs = meter.create_counter(
            "crossplay.jobs", unit="{job}", description="Jobs executed, by phase and verdict."
        )
        self._job_duration = meter.create_histogram(
            "crossplay.job.duration",
            unit="s",
            description="From taking a job to its verdict.",
            explicit_bucket_boundaries_advisory=[0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60],
        )
        self._tracks = meter.create_counter(
            "crossplay.tracks", unit="{track}", description="Items settled, by outcome."
        )
        self._rate_limit_wait = meter.create_histogram(
            "crossplay.ratelimit.wait",
            unit="s",
            description="How long a request waited for its slot in the platform's budget.",
            explicit_bucket_boundaries_advisory=[0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300],
        )
        self._starts_unused = meter.create_counter(
            "crossplay.ratelimit.unused",
            unit="{start}",
            description="Starts that were booked and not used: their time passed, or a 429 came before.",
        )
        self._reclaimed = meter.create_counter(
            "crossplay.jobs.reclaimed", unit="{job}", description="Stream entries taken over from the dead."
        )
        self._fenced = meter.create_counter(
            "crossplay.fenced_writes", unit="{write}", description="Checkpoints refused by a newer epoch."
        )
        self._tokens_locked = meter.create_counter(
            "crossplay.tokens.locked", unit="{read}", description="Tokens that no key of the ring opens."
        )
        self._requeued = meter.create_counter(
            "crossplay.outbox.requeued", unit="{job}", description="Jobs whose wake-up was sent again."
        )

        self._webhook_deliveries = meter.create_counter(
            "crossplay.webhook.deliveries",
            unit="{attempt}",
            description="Attempts to deliver to webhooks, by result.",
        )

    def transfer_ended(self, state: str) -> None:
        self._transfers.add(1, {"crossplay.state": state})

    def job_done(self, *, platform: str, phase: str, verdict: str, duration_s: float) -> None:
        """verdict: done, retry, snooze, pause, discard or fenced."""
        self._jobs.add(
            1, {"crossplay.platform": platform, "crossplay.phase": phase, "crossplay.verdict": verdict}
        )
        self._job_duration.record(duration_s, {"crossplay.platform": platform, "crossplay.phase": phase})

    def tracks_settled(self, track_count: int, *, platform: str, outcome: str) -> None:
        self._tracks.add(track_count, {"crossplay.platform": platform, "crossplay.outcome": outcome})

    def rate_limit_waited(self, wait_s: float, *, platform: str) -> None:
        self._rate_limit_wait.record(wait_s, {"crossplay.platform": platform})

    def starts_unused(self, start_count: int, *, platform: str) -> None:
        self._starts_unused.add(start_count, {"crossplay.platform": platform})

    def jobs_reclaimed(self, job_count: int, *, platform: str) -> None:
        self._reclaimed.add(job_count, {"crossplay.platform": platform})

    def write_fenced(self, *, platform: str) -> None:
        self._fenced.add(1, {"crossplay.platform": platform})

    def tokens_locked(self, *, platform: str) -> None:
        self._tokens_locked.add(1, {"crossplay.platform": platform})

    def jobs_requeued(self, job_count: int, *, platform: str) -> None:
        self._requeued.add(job_count, {"crossplay.platform": platform})

    def webhook_attempted(self, result: str) -> None:
        """result: delivered, retried or failed."""
        self._webhook_deliveries.add(1, {"crossplay.result": result})


meters = Metrics(metrics.get_meter("crossplay"))


class _LibraryLogs(logging.Handler):
    """Hands the records of libraries to loguru, under the library's own logger name."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelname in LEVELS else record.levelno
        library_logger = logger.patch(lambda target: target.__setitem__("name", record.name))
        library_logger.opt(exception=record.exc_info).log(level, record.getMessage())


class _CalmExporter(logging.Filter):
    """Lets OpenTelemetry speak once a minute: without its receiver it complains at each batch."""

    def __init__(self) -> None:
        super().__init__()
        self._next_at_s = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("opentelemetry."):
            return True
        is_due = time.monotonic() >= self._next_at_s
        if is_due:
            self._next_at_s = time.monotonic() + 60.0
        return is_due


def configure(service_name: str, *, settings: Settings) -> None:
    """Set up logs, traces and metrics of this process; a second call changes logs only.

    Spans and metrics go out by OTLP/HTTP where the standard OTEL_* variables name a receiver. Without one
    spans still have ids, so that logs and status can name the trace. OTEL_SDK_DISABLED, OTEL_SERVICE_NAME,
    OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and the exporter's own variables mean what they always do.
    """
    configure_logging(settings)
    sys.excepthook = _tell_uncaught
    threading.excepthook = lambda ended: _tell_uncaught(ended.exc_type, ended.exc_value, ended.exc_traceback)
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
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if _has_receiver("TRACES"):
        exporter = RedactingExporter(OTLPSpanExporter(), known=known_values(settings))
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    if _has_receiver("METRICS"):
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        metrics.set_meter_provider(MeterProvider([reader], resource=resource, shutdown_on_exit=False))


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


def configure_logging(settings: Settings) -> None:
    """Send our logs and the libraries' to stderr: JSON lines, or text for people on a terminal.

    Raises SettingsError for a level that does not exist.
    """
    level = settings.log_level.upper()
    if level not in LEVELS:
        raise SettingsError((f"{PREFIX}LOG_LEVEL: must be one of {', '.join(LEVELS)}.",))
    is_terminal = sys.stderr.isatty()
    is_text = settings.log_format == "text" or (settings.log_format == "auto" and is_terminal)
    logger.remove()
    logger.add(
        _writer(settings, is_text=is_text),
        level=level,
        format=TEXT_FORMAT if is_text else "{message}",
        colorize=is_terminal and "NO_COLOR" not in os.environ,
        backtrace=False,
        diagnose=False,  # it would print variables, tokens too
    )
    library_logs = _LibraryLogs()
    library_logs.addFilter(_CalmExporter())
    # Libraries tell each request and each connection at INFO: that is for those who ask for DEBUG.
    logging.basicConfig(handlers=[library_logs], level="INFO" if level == "DEBUG" else "WARNING", force=True)


def inject() -> dict[str, str]:
    """Return `traceparent` (and `tracestate`, if any) of the current span; empty where there is none."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers)
    return headers


def context_from(headers: Mapping[str, str]) -> Context:
    """Return the trace context that headers or stream fields carry; an empty one where they carry none."""
    return _PROPAGATOR.extract(headers, context=Context())


def current_trace_id() -> str | None:
    """Return the current trace's id, 32 hex digits, as a tracing backend shows it."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def _writer(settings: Settings, *, is_text: bool) -> "Callable[[Message], None]":
    """Return what writes a record to stderr, without secrets."""
    known = known_values(settings)

    def write(message: "Message") -> None:
        text = message if is_text else _json_line(message.record) + "\n"
        sys.stderr.write(redact(text, known=known))

    return write


def _tell_uncaught(
    kind: type[BaseException], error: BaseException | None, origin: TracebackType | None
) -> None:
    """Log what ends the process: Python itself would print it as it is, with what its text holds."""
    if issubclass(kind, KeyboardInterrupt) or error is None:
        sys.__excepthook__(kind, error or kind(), origin)
        return
    logger.opt(exception=(kind, error, origin)).critical("Ended by an unexpected fault")


def _json_line(record: "Record") -> str:
    line: dict[str, Any] = {
        "ts": record["time"].astimezone(UTC).isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "message": record["message"],
        "logger": record["name"],
        **{name: value for name, value in record["extra"].items() if value is not None},
    }
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        line["trace_id"] = trace.format_trace_id(span.trace_id)
        line["span_id"] = trace.format_span_id(span.span_id)
    error = record["exception"]
    if error is not None and error.type is not None:
        line["exception"] = {
            "type": error.type.__qualname__,
            "stack": "".join(traceback.format_exception(error.type, error.value, error.traceback)),
        }
    return msgspec.json.encode(line, enc_hook=repr).decode()


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

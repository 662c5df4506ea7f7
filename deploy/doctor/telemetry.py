"""Looks at the receiver of telemetry: sends it nothing, in the way that spans are sent."""

import asyncio
import logging
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from deploy.doctor.findings import Finding, ok, warn
from deploy.settings.shown import shown_address

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_ANSWER_S = 3.0


class _Listener(logging.Handler):
    """Keeps what the exporter says of a failure, since it returns no more than that it failed."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


async def examine(environ: Mapping[str, str]) -> list[Finding]:
    check = "telemetry"
    endpoint = next((environ[name] for name in _ENDPOINTS if environ.get(name)), "")
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return [ok(check, "Telemetry is turned off by OTEL_SDK_DISABLED.")]
    if not endpoint:
        return [ok(check, "No receiver is named (OTEL_EXPORTER_OTLP_ENDPOINT): spans go nowhere.")]
    reason = await asyncio.to_thread(_refusal)
    if reason is None:
        return [ok(check, f"{shown_address(endpoint)} takes spans.")]
    return [
        warn(
            check,
            f"{shown_address(endpoint)} takes no spans: {reason}",
            cure="It must speak OTLP over HTTP: port 4318 as a rule, 4317 is gRPC's. Nobody waits for it.",
        )
    ]


def _refusal() -> str | None:
    """Export an empty batch as the roles export theirs; return what was said where that failed."""
    listener = _Listener()
    speaker = logging.getLogger("opentelemetry")
    was_passed_on, speaker.propagate = speaker.propagate, False
    speaker.addHandler(listener)
    exporter = OTLPSpanExporter(timeout=_ANSWER_S)
    try:
        result = exporter.export(())
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]  # OpenTelemetry leaves it so
        speaker.removeHandler(listener)
        speaker.propagate = was_passed_on
    if result is SpanExportResult.SUCCESS:
        return None
    if not listener.said:
        return "it does not say why."
    return listener.said[0].partition(" encountered while")[0].rstrip(".") + "."

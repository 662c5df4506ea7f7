"""Spans and metrics as they leave the process."""

import json
import os
import subprocess
import sys
import textwrap
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from shared import telemetry
from tests.fakes.otlp import HangingReceiver, OtlpReceiver

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

SPANS_AND_METRICS = """
    with telemetry.tracer.start_as_current_span("send jobs", kind=trace.SpanKind.PRODUCER):
        carried = telemetry.inject()
    with telemetry.tracer.start_as_current_span(
        "process jobs", telemetry.context_from(carried), kind=trace.SpanKind.CONSUMER
    ):
        logger.info("Job done")
    meters.job_done(platform="spotify", phase="read", verdict="done", duration_s=0.2)
    meters.tracks_settled(25, platform="apple_music", outcome="exact")
    meters.webhook_attempted("retried")
"""


def test_context_survives_headers() -> None:
    context = telemetry.context_from({"traceparent": TRACEPARENT, "type": "run_job.v1"})

    span = trace.get_current_span(context).get_span_context()

    assert trace.format_trace_id(span.trace_id) == "0af7651916cd43dd8448eb211c80319c"
    assert span.is_remote


def test_headers_without_a_trace_start_a_new_one_even_inside_a_span() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")

    with tracer.start_as_current_span("poll"):
        context = telemetry.context_from({"traceparent": "garbage"})

    assert not trace.get_current_span(context).get_span_context().is_valid


def test_inject_is_empty_without_a_span_and_names_the_current_one() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")

    outside = telemetry.inject()
    with tracer.start_as_current_span("job"):
        inside = telemetry.inject()
        trace_id = telemetry.current_trace_id()

    assert outside == {}
    assert inside["traceparent"].split("-")[1] == trace_id
    assert telemetry.current_trace_id() is None


def test_spans_and_metrics_reach_the_receiver_named_by_the_environment() -> None:
    with OtlpReceiver() as receiver:
        log = _run(SPANS_AND_METRICS, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)

    sent, processed = sorted(receiver.spans, key=lambda span: span.name, reverse=True)
    assert (sent.name, sent.kind, sent.parent_span_id) == ("send jobs", "producer", None)
    assert (processed.name, processed.kind, processed.parent_span_id) == (
        "process jobs",
        "consumer",
        sent.span_id,
    )
    assert sent.trace_id == processed.trace_id
    assert {span.service for span in receiver.spans} == {"crossplay-test"}
    assert (log["trace_id"], log["span_id"]) == (processed.trace_id, processed.span_id)
    points = {point.name: point for point in receiver.points}
    assert points["crossplay.tracks"].value == 25
    assert points["crossplay.tracks"].attributes == {
        "crossplay.platform": "apple_music",
        "crossplay.outcome": "exact",
    }
    assert points["crossplay.job.duration"].bounds_s[0] < 0.1
    assert points["crossplay.webhook.deliveries"].attributes == {"crossplay.result": "retried"}


def test_service_name_of_the_environment_wins() -> None:
    with OtlpReceiver() as receiver:
        _run(
            SPANS_AND_METRICS,
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{receiver.url}/v1/traces",
            OTEL_SERVICE_NAME="chosen",
        )

    assert {span.service for span in receiver.spans} == {"chosen"}
    assert receiver.points == []


@pytest.mark.parametrize(
    ("variables", "has_trace_id"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}, True),
        ({"OTEL_TRACES_SAMPLER": "always_off", "OTEL_METRICS_EXPORTER": "none"}, True),
    ],
)
def test_nothing_is_sent_where_the_environment_says_so(
    variables: dict[str, str], *, has_trace_id: bool
) -> None:
    with OtlpReceiver() as receiver:
        log = _run(SPANS_AND_METRICS, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, **variables)

    assert receiver.spans == []
    assert receiver.points == []
    assert ("trace_id" in log) is has_trace_id


def test_spans_have_ids_without_any_receiver() -> None:
    log = _run(SPANS_AND_METRICS)

    assert len(log["trace_id"]) == 32


def test_shutdown_gives_up_on_a_receiver_that_hangs() -> None:
    program = """
        with telemetry.tracer.start_as_current_span("job"):
            pass
        telemetry.shutdown()
        logger.bind(flushing=[thread.name for thread in threading.enumerate()]).info("Gave up")
        """

    with HangingReceiver() as receiver:
        lines = _run_all(program, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTEL_EXPORTER_OTLP_TIMEOUT="3600")

    (given_up,) = (line for line in lines if line["message"] == "Gave up")
    assert "telemetry-flush" in given_up["flushing"]


def test_receiver_that_is_away_is_mentioned_once() -> None:
    program = """
        for _ in range(3):
            with telemetry.tracer.start_as_current_span("job"):
                pass
            trace.get_tracer_provider().force_flush()
        """
    with HangingReceiver() as gone:
        url = gone.url

    lines = _run_all(program, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_TIMEOUT="1")

    assert len([line for line in lines if line["logger"].startswith("opentelemetry")]) == 1


def test_configuring_twice_keeps_the_first_providers() -> None:
    lines = _run_all('telemetry.configure("again", settings=Settings(log_format="json"))')

    assert lines == []


def _run(program: str, **variables: str) -> dict[str, Any]:
    """Run a program in a process of its own, whose providers are global; return its last log line."""
    return _run_all(program, **variables)[-1]


def _run_all(program: str, **variables: str) -> list[dict[str, Any]]:
    head = """
import threading
from loguru import logger
from opentelemetry import trace
from shared import telemetry
from shared.meters import meters
from shared.settings import Settings
telemetry.configure("crossplay-test", settings=Settings(log_format="json"))
"""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{head}{textwrap.dedent(program)}\ntelemetry.shutdown()\n"],
        env={**clean, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return [json.loads(line) for line in finished.stderr.splitlines()]

"""Which spans leave the process, under which ids: all of a sampled trace, of others what failed."""

import contextlib
import os
import subprocess
import sys
import textwrap

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import Link, SpanContext, StatusCode, TraceFlags, Tracer

from shared import tracing
from shared.tracing import ChosenIds, ErrorKeeper, RecordErrors
from tests.fakes.otlp import HangingReceiver, OtlpReceiver

BY_PARENT = ParentBased(ALWAYS_ON)
SENT: dict[str, bool] = {"sampled": True, "unsampled": False}


class Sampled:
    """A tracer and what of its spans has left."""

    def __init__(self, sampler: Sampler) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(
            sampler=RecordErrors(sampler), shutdown_on_exit=False, id_generator=ChosenIds()
        )
        provider.add_span_processor(ErrorKeeper(SimpleSpanProcessor(self._exporter)))
        self.tracer: Tracer = provider.get_tracer("test")

    @property
    def names(self) -> list[str]:
        return [span.name for span in self._exporter.get_finished_spans()]


def remote(*, is_sampled: bool) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT)
    return SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=True, trace_flags=flags)


def below(parent: SpanContext) -> Context:
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def fail(tracer: Tracer, name: str) -> None:
    with tracer.start_as_current_span(name) as span:
        span.set_status(StatusCode.ERROR)


def test_a_sampled_span_leaves_as_soon_as_it_ends() -> None:
    sampled = Sampled(ALWAYS_ON)

    with sampled.tracer.start_as_current_span("job"):
        with sampled.tracer.start_as_current_span("request"):
            pass
        before_the_end = sampled.names

    assert before_the_end == ["request"]
    assert sampled.names == ["request", "job"]


def test_of_an_unsampled_trace_nothing_leaves_where_nothing_fails() -> None:
    sampled = Sampled(ALWAYS_OFF)

    with sampled.tracer.start_as_current_span("job"), sampled.tracer.start_as_current_span("request"):
        pass

    assert sampled.names == []


def test_an_error_keeps_what_stands_around_it_though_the_trace_is_not_sampled() -> None:
    sampled = Sampled(ALWAYS_OFF)

    with sampled.tracer.start_as_current_span("job"):
        with sampled.tracer.start_as_current_span("first request"):
            pass
        fail(sampled.tracer, "second request")
        while_it_is_open = sampled.names
    with sampled.tracer.start_as_current_span("another job"):
        pass

    assert while_it_is_open == []
    assert sampled.names == ["first request", "second request", "job"]


def test_an_error_does_not_change_what_other_processes_are_told() -> None:
    sampled = Sampled(BY_PARENT)

    with sampled.tracer.start_as_current_span("job", context=below(remote(is_sampled=False))) as span:
        is_sampled = span.get_span_context().trace_flags.sampled
        fail(sampled.tracer, "request")

    assert not is_sampled
    assert sampled.names == ["request", "job"]


def test_what_fails_after_its_job_has_ended_is_kept_too() -> None:
    sampled = Sampled(ALWAYS_OFF)

    with sampled.tracer.start_as_current_span("job"):
        late = sampled.tracer.start_span("late request")
    late.set_status(StatusCode.ERROR)
    late.end()

    assert sampled.names == ["job", "late request"]


@pytest.mark.parametrize(("kind", "is_sampled"), SENT.items())
def test_a_trace_that_continues_another_is_sampled_as_that_one_was(kind: str, *, is_sampled: bool) -> None:
    sampled = Sampled(BY_PARENT)

    sampled.tracer.start_span(kind, Context(), links=[Link(remote(is_sampled=is_sampled))]).end()

    assert sampled.names == [kind] * is_sampled


def test_probes_are_told_of_only_when_they_fail() -> None:
    sampled = Sampled(ALWAYS_ON)

    for route in ("/readyz", "/status/{id}"):
        sampled.tracer.start_span(f"GET {route}", attributes={"http.route": route}).end()
    failed = sampled.tracer.start_span("GET /readyz failed", attributes={"http.route": "/readyz"})
    failed.set_status(StatusCode.ERROR)
    failed.end()

    assert sampled.names == ["GET /status/{id}", "GET /readyz failed"]


def test_what_is_held_of_one_long_job_is_bounded() -> None:
    sampled = Sampled(ALWAYS_OFF)

    with sampled.tracer.start_as_current_span("job"):
        fail(sampled.tracer, "early request")
        for _ in range(2 * tracing.KEPT_COUNT):
            sampled.tracer.start_span("request").end()

    assert sampled.names == ["request"] * (tracing.KEPT_COUNT - 1) + ["job"]


def test_spans_that_never_end_are_forgotten() -> None:
    sampled = Sampled(ALWAYS_OFF)
    first = sampled.tracer.start_span("first")
    with trace.use_span(first):
        fail(sampled.tracer, "below the first")

    for _ in range(tracing.OPEN_COUNT):
        sampled.tracer.start_span("abandoned")
    first.end()

    assert sampled.names == []


def test_one_span_gets_the_chosen_id_and_those_below_it_get_their_own() -> None:
    tracer = Sampled(ALWAYS_ON).tracer

    with tracing.chosen_id(0xC0FFEE):
        span = tracer.start_span("job")
    with trace.use_span(span):
        child = tracer.start_span("request")

    assert span.get_span_context().span_id == 0xC0FFEE
    assert child.get_span_context().span_id != 0xC0FFEE


FAILING = """
    from opentelemetry.trace import StatusCode
    with telemetry.tracer.start_as_current_span("good"):
        pass
    with telemetry.tracer.start_as_current_span("bad") as span:
        span.set_status(StatusCode.ERROR)
    """


@pytest.mark.parametrize(
    ("sampler", "argument", "names"),
    [
        ("always_off", "", ["bad"]),
        ("parentbased_traceidratio", "0", ["bad"]),
        ("parentbased_traceidratio", "1", ["good", "bad"]),
    ],
)
def test_the_sampler_of_the_environment_decides_and_errors_come_anyway(
    sampler: str, argument: str, names: list[str]
) -> None:
    with OtlpReceiver() as receiver:
        _run(
            FAILING,
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_TRACES_SAMPLER=sampler,
            OTEL_TRACES_SAMPLER_ARG=argument,
        )

    assert [span.name for span in receiver.spans] == names


def test_what_has_ended_leaves_a_moment_later_without_being_asked() -> None:
    program = """
        with telemetry.tracer.start_as_current_span("job"):
            pass
        sys.stdin.read()
        os._exit(0)
        """

    with OtlpReceiver() as receiver, _started(program, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url) as process:
        has_arrived = receiver.wait_for(bool)
        process.kill()

    assert has_arrived


@pytest.mark.parametrize("has_gone", [False, True])
def test_a_receiver_that_does_not_answer_costs_no_time(*, has_gone: bool) -> None:
    program = """
        import time
        started_s = time.monotonic()
        for _ in range(5000):
            with telemetry.tracer.start_as_current_span("job"):
                pass
        print(time.monotonic() - started_s, flush=True)
        os._exit(0)
        """

    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(HangingReceiver())
        if has_gone:
            stack.close()
        printed = _run(program, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)

    assert float(printed) < 5  # a millisecond for each, where one export may wait for ten seconds


def _run(program: str, **variables: str) -> str:
    with _started(program, **variables) as process:
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return out


def _started(program: str, **variables: str) -> "subprocess.Popen[str]":
    head = """
import os
import sys
from shared import telemetry
from shared.settings import Settings
telemetry.configure("crossplay-test", settings=Settings(log_format="json"))
"""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", f"{head}{textwrap.dedent(program)}\ntelemetry.shutdown()\n"],
        env={**clean, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

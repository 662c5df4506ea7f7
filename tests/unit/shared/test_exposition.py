"""What a Prometheus server reads: every name of the table, as it stands there, in a text without faults."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client.parser import text_string_to_metric_families

from deploy.cli import metric_docs
from shared import exposition
from shared.fleet_gauges import GAUGES
from shared.instrument import Kind, Role
from shared.instruments import COUNTERS, HISTOGRAMS, INSTRUMENTS
from shared.meters import Metrics
from tests.fakes.otlp import OtlpReceiver
from tests.unit.shared.test_meters import EVENTS

PROMTOOL = shutil.which("promtool")
SUFFIX = {Kind.COUNTER: "", Kind.HISTOGRAM: "_bucket", Kind.GAUGE: ""}


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    provider = MeterProvider([exposition.reader()], shutdown_on_exit=False)
    yield Metrics(provider.get_meter("test"))
    provider.shutdown()


def tell_everything(metrics: Metrics) -> None:
    for tell in EVENTS:
        tell(metrics)
    metrics.fleet_stands({one.name: [(7.0, {"crossplay.platform": "spotify"})] for one in GAUGES}, valid_s=60)


@pytest.mark.parametrize("role", Role)
def test_the_exporter_names_each_instrument_as_the_table_does(metrics: Metrics, role: Role) -> None:
    tell_everything(metrics)

    text = exposition.render(role).decode()

    for one in INSTRUMENTS:
        assert re.search(rf"^{one.prometheus_name}{SUFFIX[one.kind]}\b", text, re.MULTILINE), one.name
        assert re.search(rf"^# TYPE {one.prometheus_name} {one.kind}$", text, re.MULTILINE), one.name
        assert f"# HELP {one.prometheus_name} {one.meaning}\n" in text


def test_what_has_nothing_to_tell_yet_is_named(metrics: Metrics) -> None:
    metrics.seed(Role.WORKER)

    text = exposition.render(Role.WORKER).decode()

    for one in INSTRUMENTS:
        assert (f"# TYPE {one.prometheus_name} {one.kind}\n" in text) is (Role.WORKER in one.roles), one.name
    assert 'crossplay_store_errors_total{crossplay_store="redis"} 0.0\n' in text
    assert "crossplay_queue_lag{" not in text
    assert len(set(re.findall("^# TYPE (.*?) ", text, re.MULTILINE))) == text.count("# TYPE ")


def test_labels_are_those_of_the_table_alone(metrics: Metrics) -> None:
    tell_everything(metrics)

    families = list(text_string_to_metric_families(exposition.render(Role.GATEWAY).decode()))

    labels = {name for family in families for sample in family.samples for name in sample.labels}
    told = (*COUNTERS, *HISTOGRAMS)
    declared = {attribute.name.replace(".", "_") for one in told for attribute in one.attributes}
    resource = {name for name in labels if name.startswith(("service_", "telemetry_"))}
    assert labels - resource - {"le"} == declared


@pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool (apt-get install prometheus)")
@pytest.mark.parametrize("is_busy", [False, True])
def test_promtool_finds_no_fault(metrics: Metrics, *, is_busy: bool) -> None:
    metrics.seed(Role.GATEWAY)
    if is_busy:
        tell_everything(metrics)

    checked = subprocess.run(
        [str(PROMTOOL), "check", "metrics"],
        input=exposition.render(Role.GATEWAY),
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_the_reference_page_is_what_the_table_says() -> None:
    assert metric_docs.PAGE.read_text(encoding="utf-8") == metric_docs.page(), (
        "run: python -m deploy.cli.metric_docs"
    )


def test_both_exports_tell_the_same_numbers() -> None:
    program = """
        import sys
        from shared import exposition, telemetry
        from shared.instrument import Role
        from shared.meters import meters
        from shared.settings import Settings
        telemetry.configure("crossplay-test", settings=Settings(metrics_port=0))
        meters.seed(Role.WORKER)
        meters.tracks_settled(25, platform="apple_music", outcome="exact")
        meters.job_done(platform="spotify", phase="read", verdict="done", duration_s=0.2)
        meters.fleet_stands({"crossplay.queue.lag": [(7, {"crossplay.platform": "spotify"})]}, valid_s=60)
        sys.stdout.buffer.write(exposition.render(Role.WORKER))
        telemetry.shutdown()
        """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}

    with OtlpReceiver() as receiver:
        finished = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
            env={**clean, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{receiver.url}/v1/metrics"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    table = {one.name: one for one in INSTRUMENTS}
    sent = {}
    for point in receiver.points:
        one = table[point.name]
        name = one.prometheus_name + ("_count" if one.kind is Kind.HISTOGRAM else "")
        labels = {key.replace(".", "_"): str(value) for key, value in point.attributes.items()}
        sent[name, tuple(sorted(labels.items()))] = float(point.value)
    scraped = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(finished.stdout)
        for sample in family.samples
        if not sample.name.endswith(("_bucket", "_sum")) and family.name != "target_info"
    }
    scraped = {key: value for key, value in scraped.items() if key[0] != "target_info"}
    assert sent == scraped
    assert len(sent) > 50
    assert sum(sent.values()) == 25 + 1 + 1 + 7

"""Logs as they leave the process."""

import json
import logging
import os
import subprocess
import sys

import pytest
from loguru import logger
from opentelemetry.sdk.trace import TracerProvider

from shared import logs
from shared.settings import LogFormat, Settings

JSON = Settings(log_format="json")

pytestmark = pytest.mark.usefixtures("restored_logging")


def test_log_line_is_one_json_object_with_bound_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(JSON)

    with logger.contextualize(transfer_id="tr_1", job_id="jb_1"):
        logger.bind(platform="spotify").info("Transfer paused")

    line = json.loads(capsys.readouterr().err)
    assert line["level"] == "INFO"
    assert line["message"] == "Transfer paused"
    assert line["logger"] == __name__
    assert (line["transfer_id"], line["job_id"], line["platform"]) == ("tr_1", "jb_1", "spotify")
    assert line["ts"].endswith("+00:00")
    assert "trace_id" not in line


def test_log_line_names_the_span_it_was_written_in(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(JSON)
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")

    with tracer.start_as_current_span("job") as span:
        logger.info("Job taken")

    line = json.loads(capsys.readouterr().err)
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert line["span_id"] == f"{span.get_span_context().span_id:016x}"


def test_exception_is_logged_with_its_stack_and_without_its_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(JSON)

    def explode(hidden: str) -> None:
        raise KeyError(len(hidden))

    try:
        explode("a-variable-nobody-may-see")
    except KeyError:
        logger.exception("Job failed")

    exception = json.loads(capsys.readouterr().err)["exception"]
    assert exception["type"] == "KeyError"
    assert "in explode" in exception["stack"]
    assert "nobody-may-see" not in exception["stack"].replace('explode("a-variable-nobody-may-see")', "")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer CANARY_CANARY_CANARY_0",
        "authorization: basic CANARYCANARYCANARY==",
        "key cp_live_ab12_CANARY was used",
        "secret whsec_CANARY/+ signs",
        '{"refresh_token": "CANARY", "scope": "x"}',
        "grant_type=refresh_token&refresh_token=CANARY&client_id=x",
        "Music-User-Token: CANARY",
        "postgresql://crossplay:CANARY@127.0.0.1:5432/crossplay",
        "token AQ" + "CANARY" * 12,
        "jwt eyJhbGciOi.eyJpc3MiCANARY.CANARYsig",
        "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----",
    ],
)
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_secret_shapes_never_reach_the_log(
    text: str, log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Settings(log_format=log_format))

    logger.bind(detail=text, nested={"value": [text]}).warning(text)

    written = capsys.readouterr().err
    assert "CANARY" not in written
    assert "[redacted]" in written


def test_an_own_line_has_its_message_as_one_word(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(JSON)

    logger.patch(lambda record: record.__setitem__("name", "worker.executor")).info("Lease lost")
    logger.patch(lambda record: record.__setitem__("name", "workerless")).info("Lease lost")

    own, foreign = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert own["event"] == "lease_lost"
    assert "event" not in foreign


def test_records_of_libraries_arrive_under_their_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(JSON)

    logging.getLogger("asyncpg.pool").warning("pool is %s {slow}", "very")
    logging.getLogger("aiohttp.access").info("GET /healthz")

    (written,) = capsys.readouterr().err.splitlines()
    line = json.loads(written)
    assert line["logger"] == "asyncpg.pool"
    assert line["message"] == "pool is very {slow}"


def test_off_a_terminal_auto_means_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings())

    logger.info("Worker started")

    assert json.loads(capsys.readouterr().err)["message"] == "Worker started"


def test_lines_below_the_chosen_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="json", log_level="WARNING"))

    logger.info("Worker started")

    assert capsys.readouterr().err == ""


def test_an_error_that_ends_the_process_is_logged_without_secrets() -> None:
    head = (
        "import threading\nfrom shared import telemetry\nfrom shared.settings import Settings, Secret\n"
        "telemetry.configure('t', settings=Settings(log_format='json', "
        "spotify_client_secret=Secret('known-canary')))\n"
        "ended = threading.Thread(target=lambda: 1 / (lambda text: int(text))('known-canary'))\n"
        "ended.start(); ended.join()\n"
    )

    finished = subprocess.run(
        [sys.executable, "-c", f"{head}raise ValueError('known-canary') from KeyError('cp_live_canary')"],
        env={name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    lines = [json.loads(line) for line in finished.stderr.splitlines()]
    assert finished.returncode == 1
    assert [line["message"] for line in lines] == ["Ended by an unexpected fault"] * 2
    assert "canary" not in finished.stderr

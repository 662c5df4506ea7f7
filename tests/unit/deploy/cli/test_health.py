"""`crossplay healthcheck`: its exit codes and its words, against a real socket."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deploy.cli.exits import Exit
from deploy.cli.main import run
from tests.waiting import PATIENCE_S

READY = {"status": "ready", "checks": {"redis": {"ok": True, "detail": None}}}
AWAY = {"status": "not_ready", "checks": {"redis": {"ok": False, "detail": "Does not answer."}}}


@contextmanager
def answering(status: int, body: Any) -> Iterator[tuple[int, list[str]]]:
    """Answer each request so; yields the port and the paths that are asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1], paths
        server.shutdown()
        thread.join(PATIENCE_S)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "PORT"):
        monkeypatch.delenv(f"CROSSPLAY_METRICS_{name}", raising=False)


def test_a_process_that_is_ready_makes_it_zero(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(200, READY) as (port, paths):
        code = run(["healthcheck", "--url", f"http://127.0.0.1:{port}"])

    assert code == Exit.FULL
    assert capsys.readouterr().out == "ready\n"
    assert paths == ["/readyz"]


def test_the_port_of_the_settings_is_asked_also_where_they_mean_every_interface(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CROSSPLAY_METRICS_HOST", "0.0.0.0")
    with answering(200, READY) as (port, paths):
        monkeypatch.setenv("CROSSPLAY_METRICS_PORT", str(port))
        code = run(["healthcheck"])

    assert (code, paths) == (Exit.FULL, ["/readyz"])


def test_what_it_lacks_is_told_and_makes_it_one(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(503, AWAY) as (port, _):
        code = run(["healthcheck", "--url", f"http://127.0.0.1:{port}"])

    assert code == Exit.FAILED
    assert capsys.readouterr().err == "crossplay: not_ready; redis: Does not answer.\n"


def test_another_path_is_asked_where_the_url_has_one() -> None:
    with answering(200, {"status": "ok", "checks": {}}) as (port, paths):
        code = run(["healthcheck", "--url", f"http://127.0.0.1:{port}/healthz"])

    assert (code, paths) == (Exit.FULL, ["/healthz"])


def test_nobody_there_makes_it_one(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    code = run(["healthcheck", "--url", f"http://127.0.0.1:{port}"])

    assert code == Exit.FAILED
    assert f"Nobody answers at 127.0.0.1, port {port}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "CROSSPLAY_METRICS_PORT names no port"),
        (("--url", "ftp://127.0.0.1"), "is no http address"),
        (("--url", "127.0.0.1:9464"), "is no http address"),
        (("--url", "http://127.0.0.1:99999"), "is no http address"),
    ],
)
def test_what_cannot_be_asked_is_told(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert run(["healthcheck", *arguments]) == Exit.FAILED
    assert told in capsys.readouterr().err


def test_another_server_at_the_port_is_no_health(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(200, b"<html>") as (port, _):
        code = run(["healthcheck", "--url", f"http://127.0.0.1:{port}"])

    assert code == Exit.FAILED
    assert "is no probe of Crossplay" in capsys.readouterr().err

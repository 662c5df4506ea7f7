"""What the command says and returns when it is used wrongly, or when nobody answers."""

import asyncio
import base64
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator

import pytest

from deploy.cli.exits import Exit
from deploy.cli.main import app, run
from tests.fakes.gateway import API_KEY, TRANSFER_ID, FakeGateway, status

PATIENCE_S = 120.0  # a command that starts beside a whole suite
# Nothing listens on the discard port of the loopback.
NOBODY = ("--server", "http://127.0.0.1:9", "--key", "k")


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == Exit.FULL
    assert capsys.readouterr().out.startswith("crossplay 0.")


def test_server_that_is_not_there_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["transfer", "spotify:Tides", "apple_music", "--idempotency-key", "k-7", *NOBODY])

    told = capsys.readouterr().err
    assert code == Exit.UNREACHABLE
    assert "http://127.0.0.1:9 cannot be reached" in told
    assert "--idempotency-key k-7" in told
    assert "Traceback" not in told


def test_missing_key_is_a_missing_sign_in(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["status", "--key", ""])

    assert code == Exit.SIGN_IN
    assert "CROSSPLAY_API_KEY" in capsys.readouterr().err


async def test_options_win_over_the_environment() -> None:
    async with FakeGateway() as gateway:
        command = await _start_command("status", TRANSFER_ID, "--key", "wrong", url=gateway.url)
        _, told = await asyncio.wait_for(command.communicate(), 30)

    assert command.returncode == Exit.SIGN_IN
    assert b"The API key is not known." in told
    assert gateway.received.headers[0]["Authorization"] == "Bearer wrong"


async def test_apple_music_token_is_read_from_standard_input_and_not_shown() -> None:
    async with FakeGateway() as gateway:
        command = await _start_command("connect", "apple_music", "--music-user-token-stdin", url=gateway.url)
        out, told = await asyncio.wait_for(command.communicate(b"music-user-CANARY\n"), 30)

    assert command.returncode == Exit.FULL
    assert gateway.received.bodies == [{"music_user_token": "music-user-CANARY"}]
    assert b"CANARY" not in out + told
    assert b"Apple Music (fr)" in out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["transfer", "spotify", "apple_music"], "names no playlist"),
        (["transfer", "apple_music", "https://open.spotify.com/playlist/x"], "names no playlist"),
        (["transfer", "spotify:Tides", ":New"], "names no target"),
        (["transfer", "spotify:Tides", "apple_music:New", "--into", "p.1"], "exclude each other"),
        (["transfer", "spotify:Tides", "apple_music", "--policy", "roughly"], "roughly"),
        (["status", "--server", "localhost:8080", "--key", "k"], "with its scheme"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_use_is_explained(arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = run([*arguments, *(() if "--server" in arguments or "nonsense" in arguments else NOBODY)])

    assert code == Exit.USAGE_OR_CANCELLED
    assert hint in capsys.readouterr().err


async def test_ctrl_c_leaves_the_transfer_running_and_says_how_to_find_it() -> None:
    async with FakeGateway() as gateway:
        gateway.revisions = [status("running", phase="match", pending=1)]
        command = await _start_command(
            "transfer", "spotify:Tides", "apple_music", "-o", "json", url=gateway.url
        )
        assert command.stderr is not None
        await asyncio.wait_for(command.stderr.readline(), PATIENCE_S)

        command.send_signal(signal.SIGINT)
        out, told = await asyncio.wait_for(command.communicate(), PATIENCE_S)

    assert command.returncode == Exit.USAGE_OR_CANCELLED
    assert f"crossplay status {TRANSFER_ID} --follow" in told.decode()
    assert b'"state":"running"' in out
    assert b"Traceback" not in told


async def _start_command(*arguments: str, url: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli.main", *arguments),
        env={**os.environ, "CROSSPLAY_URL": url, "CROSSPLAY_API_KEY": API_KEY},
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )


@pytest.mark.parametrize("verb", [("migrate",), ("add-user", "mira"), ("platforms",)])
def test_postgres_that_is_away_is_told_without_its_password(
    verb: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CROSSPLAY_DATABASE_URL", "postgresql://mira:canary@127.0.0.1:9/crossplay")
    monkeypatch.setenv("CROSSPLAY_REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv("CROSSPLAY_SECRET_KEYS", f"k1:{base64.b64encode(bytes(range(32))).decode()}")

    code = run(verb)

    told = capsys.readouterr().err
    assert code == Exit.UNREACHABLE
    assert "Postgres does not answer" in told
    assert "CROSSPLAY_DATABASE_URL" in told
    assert "canary" not in told


@pytest.fixture
def _broken_verb() -> Iterator[None]:
    """Give the command a verb that breaks on secrets."""

    @app.command("break")
    def _break() -> None:
        raise ValueError("known-canary") from KeyError("cp_live_canary")

    yield
    app.registered_commands.pop()


@pytest.mark.parametrize("is_debugged", [False, True])
@pytest.mark.usefixtures("_broken_verb")
def test_an_internal_error_is_told_without_secrets(
    *, is_debugged: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CROSSPLAY_SPOTIFY_CLIENT_SECRET", "known-canary")
    if is_debugged:
        monkeypatch.setenv("CROSSPLAY_DEBUG", "1")

    code = run(["break"])

    told = capsys.readouterr().err
    assert code == Exit.FAILED
    assert "Internal error: ValueError: [redacted]" in told
    assert "canary" not in told
    assert ("Traceback" in told) is is_debugged

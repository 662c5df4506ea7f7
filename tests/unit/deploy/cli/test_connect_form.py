"""The verb `connect` at platforms with a form: by page, or filled in here without showing a secret."""

import asyncio
import io
import os
import pty
import sys
from typing import Any

import pytest

from deploy.cli.exits import Exit
from tests.fakes.gateway import API_KEY, FakeGateway
from tests.unit.deploy.cli.conftest import Crossplay

SECRET = "canary secret"


def field(name: str, kind: str, *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "label": name.capitalize(), "kind": kind, "required": required, "help": "Say it."}


@pytest.fixture(autouse=True)
def own_server(gateway: FakeGateway) -> None:
    fields = [
        field("address", "address"),
        field("user", "text"),
        field("password", "secret"),
        field("note", "text", required=False),
    ]
    gateway.pages["/platforms"] = [
        {"platform": "spotify", "connecting": {"flow": "redirect", "fields": []}},
        {"platform": "subsonic", "connecting": {"flow": "form", "fields": fields}},
    ]


async def test_without_a_field_the_page_is_opened(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.session_states = [{"status": "connected", "connection": {"id": "c-1", "label": "mira"}}]

    code = await crossplay("connect", "subsonic", "--no-browser")

    printed = capsys.readouterr()
    assert code == Exit.FULL
    assert "/connect/sessions/s-1/page" in printed.err
    assert printed.out == "Connected subsonic: mira\n"


async def test_what_is_not_named_is_read_line_by_line(
    gateway: FakeGateway,
    crossplay: Crossplay,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"mira\n{SECRET}\n\n"))

    code = await crossplay("connect", "subsonic", "--field", "address=music.example.org")

    printed = capsys.readouterr()
    assert code == Exit.FULL
    assert gateway.received.bodies == [
        {"form": {"address": "music.example.org", "user": "mira", "password": SECRET}}
    ]
    assert SECRET not in printed.out + printed.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("subsonic", "--field", f"password={SECRET}"), "every process"),
        (("subsonic", "--field", "colour=blue"), "address, user, password"),
        (("subsonic", "--field", "user"), "NAME=VALUE"),
        (("spotify", "--field", "user=mira"), "not connected by a form"),
    ],
)
async def test_a_field_that_cannot_be_given_so_is_refused(
    gateway: FakeGateway,
    crossplay: Crossplay,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    code = await crossplay("connect", *arguments)

    printed = capsys.readouterr()
    assert code == Exit.USAGE_OR_CANCELLED
    assert words in printed.err
    assert SECRET not in printed.err
    assert gateway.received.bodies == []


async def test_a_secret_is_not_echoed_on_a_terminal(gateway: FakeGateway) -> None:
    master, slave = pty.openpty()
    given = ("--field", "address=music.example.org", "--field", "user=mira", "--field", "note=")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli.main", "connect", "subsonic", *given),
        *("--server", gateway.url, "--key", API_KEY),
        stdin=slave,
        stdout=asyncio.subprocess.PIPE,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)

    shown = await asyncio.to_thread(read_until, master, b"Password: ")
    os.write(master, f"{SECRET}\n".encode())
    printed, _ = await process.communicate()
    shown += await asyncio.to_thread(read_until, master, None)
    os.close(master)

    assert process.returncode == Exit.FULL
    assert printed == b"Connected subsonic: mira\n"
    assert gateway.received.bodies[0]["form"]["password"] == SECRET
    assert SECRET.encode() not in shown


def read_until(terminal: int, end: bytes | None) -> bytes:
    """Read what a terminal shows until it shows the end, or until nobody is there any more."""
    shown = b""
    while end is None or end not in shown:
        try:
            read = os.read(terminal, 1000)
        except OSError:
            return shown
        if not read:
            return shown
        shown += read
    return shown

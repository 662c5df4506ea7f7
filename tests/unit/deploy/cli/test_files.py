"""The verbs `import` and `export` against a gateway on a real socket."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.cli.exits import Exit
from tests.fakes.gateway import FakeGateway

Crossplay = Callable[..., Awaitable[int]]
FILE_ID = "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"
CONTENT = "title\r\nGröße\r\n".encode()


def listed(name: str, *, file_id: str = FILE_ID, rest: tuple[str, ...] = ()) -> dict[str, Any]:
    rows = [{"row": row, "reason": reason} for row, reason in enumerate(rest, start=2)]
    return {"id": file_id, "name": name, "track_count": 2, "rest_count": len(rows), "rest": rows}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "Night & Drive.csv"
    path.write_bytes(CONTENT)
    return path


async def test_a_file_is_sent_as_it_is_under_its_name(
    gateway: FakeGateway, crossplay: Crossplay, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.stored["/files"] = {"format": "csv", "notes": ["Read as Latin-1."], "items": [listed("Night")]}

    code = await crossplay("import", str(table))

    told = capsys.readouterr()
    assert code == Exit.FULL
    assert gateway.uploads == [CONTENT]
    assert gateway.received.queries[-1] == {"name": "Night & Drive.csv"}
    assert told.out == f"{FILE_ID}\t2\tNight\n"
    assert "Read as Latin-1." in told.err


async def test_rows_that_are_no_tracks_are_named_and_change_the_exit_code(
    gateway: FakeGateway, crossplay: Crossplay, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = tuple(f"Reason {number}" for number in range(12))
    gateway.stored["/files"] = {"format": "csv", "notes": [], "items": [listed("Night", rest=rest)]}

    code = await crossplay("import", str(table))

    told = capsys.readouterr().err
    assert code == Exit.PARTIAL
    assert "row 2: Reason 0" in told
    assert "Reason 11" not in told
    assert "and 2 more" in told


async def test_every_answer_is_printed_as_json(
    gateway: FakeGateway, crossplay: Crossplay, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.stored["/files"] = {"format": "csv", "notes": [], "items": [listed("Night")]}

    await crossplay("import", str(table), str(table), "-o", "json")

    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [gateway.stored["/files"]] * 2


async def test_a_refusal_says_which_file_and_what_to_do(
    gateway: FakeGateway, crossplay: Crossplay, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.problem = {"status": 422, "code": "file-unreadable", "detail": "This is no playlist file."}

    code = await crossplay("import", str(table))

    told = capsys.readouterr().err
    assert code == Exit.USAGE_OR_CANCELLED
    assert f"{table}: This is no playlist file." in told
    assert "docs/reference/file-formats.md" in told


async def test_a_file_that_is_not_there_is_told(
    crossplay: Crossplay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await crossplay("import", str(tmp_path / "none.csv"))

    assert code == Exit.USAGE_OR_CANCELLED
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("playlist", [FILE_ID, "Night"])
async def test_a_playlist_is_fetched_by_id_or_name_into_a_file(
    gateway: FakeGateway, crossplay: Crossplay, tmp_path: Path, playlist: str
) -> None:
    gateway.pages["/files"] = [
        listed("Day", file_id="5"),
        listed("Evening", file_id="6"),
        listed("Night"),
    ]
    gateway.reports[f"/files/{FILE_ID}/content"] = CONTENT
    file = tmp_path / "out.xspf"

    code = await crossplay("export", playlist, "--format", "xspf", "-o", str(file))

    assert code == Exit.FULL
    assert file.read_bytes() == CONTENT
    assert gateway.received.queries[-1] == {"format": "xspf"}


async def test_a_playlist_is_fetched_to_stdout(
    gateway: FakeGateway, crossplay: Crossplay, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    gateway.reports[f"/files/{FILE_ID}/content"] = CONTENT

    await crossplay("export", FILE_ID)

    assert capfdbinary.readouterr().out == CONTENT


@pytest.mark.parametrize(
    ("names", "code", "word"),
    [(("Day",), Exit.NOT_FOUND, "playlists file"), (("Night", "Night"), Exit.USAGE_OR_CANCELLED, "2 files")],
)
async def test_a_name_that_is_none_or_not_the_only_one_is_explained(
    gateway: FakeGateway,
    crossplay: Crossplay,
    capsys: pytest.CaptureFixture[str],
    names: tuple[str, ...],
    code: Exit,
    word: str,
) -> None:
    gateway.pages["/files"] = [listed(name) for name in names]

    found = await crossplay("export", "Night")

    assert found == code
    assert word in capsys.readouterr().err

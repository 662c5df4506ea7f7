"""The verb `report` against a gateway on a real socket."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from deploy.cli.exits import Exit
from tests.fakes.gateway import TRANSFER_ID, FakeGateway

Crossplay = Callable[..., Awaitable[int]]
CONTENT = "position,source_title\r\n0,Größe\r\n".encode()


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


@pytest.mark.parametrize("form", ["csv", "json", "md"])
async def test_a_report_goes_to_stdout_as_it_came(
    gateway: FakeGateway, crossplay: Crossplay, capfdbinary: pytest.CaptureFixture[bytes], form: str
) -> None:
    gateway.reports[f"/status/{TRANSFER_ID}/report.{form}"] = CONTENT

    code = await crossplay("report", TRANSFER_ID, "--format", form)

    assert code == Exit.FULL
    assert capfdbinary.readouterr().out == CONTENT


async def test_a_report_goes_to_a_file(gateway: FakeGateway, crossplay: Crossplay, tmp_path: Path) -> None:
    gateway.reports[f"/status/{TRANSFER_ID}/report.csv"] = CONTENT
    file = tmp_path / "report.csv"
    file.write_bytes(b"an older one")

    code = await crossplay("report", TRANSFER_ID, "-o", str(file))

    assert code == Exit.FULL
    assert file.read_bytes() == CONTENT
    assert names(tmp_path) == ["report.csv"]


async def test_half_a_report_leaves_no_file(
    gateway: FakeGateway, crossplay: Crossplay, tmp_path: Path
) -> None:
    gateway.reports[f"/status/{TRANSFER_ID}/report.csv"] = CONTENT
    gateway.is_report_cut = True

    code = await crossplay("report", TRANSFER_ID, "-o", str(tmp_path / "report.csv"))

    assert code == Exit.UNREACHABLE
    assert names(tmp_path) == []


async def test_a_file_that_cannot_be_written_is_told(
    gateway: FakeGateway, crossplay: Crossplay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.reports[f"/status/{TRANSFER_ID}/report.csv"] = CONTENT

    code = await crossplay("report", TRANSFER_ID, "-o", str(tmp_path / "missing" / "report.csv"))

    assert code == Exit.USAGE_OR_CANCELLED
    assert "cannot be written" in capsys.readouterr().err


async def test_a_transfer_that_is_not_there_is_told(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await crossplay("report", "unknown")

    assert code == Exit.NOT_FOUND
    assert "There is no such transfer." in capsys.readouterr().err


async def test_a_key_that_is_not_known_is_told(
    crossplay: Crossplay, gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.problem = {"status": 401, "code": "unauthenticated", "detail": "The API key is not known."}

    code = await crossplay("report", TRANSFER_ID)

    assert code == Exit.SIGN_IN
    assert "not known" in capsys.readouterr().err

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy.cli.main import run

SONG = {
    "title": "Paper Lanterns",
    "artists": ["Vela Nord"],
    "duration_ms": 201_000,
    "isrc": "QZ-AAA-26-00001",
}
LIVE = {**SONG, "title": "Paper Lanterns (Live)", "isrc": None}
UNLIKE = {**SONG, "title": "Harbour Glass", "artists": ["Otto Brandt"], "duration_ms": 190_000}


def write(path: Path, *cases: Mapping[str, Any]) -> str:
    path.write_bytes(b"\n".join(msgspec.json.encode(case) for case in cases) + b"\n\n")
    return str(path)


def answers(printed: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in printed.splitlines()]


def test_every_case_gets_a_line_with_its_choice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = write(
        tmp_path / "cases.jsonl",
        {"id": "there", "source": SONG, "candidates": [UNLIKE, LIVE, SONG], "want": 2},
        {"id": "not there", "source": SONG, "candidates": []},
    )

    code = run(["match", "--cases", cases])

    there, absent = answers(capsys.readouterr().out)
    assert code == 0
    assert (there["id"], there["choice"], there["verdict"]) == ("there", 2, "exact")
    assert set(there) == {"id", "choice", "verdict", "score", "reason"}
    assert (absent["choice"], absent["verdict"], absent["score"]) == (None, "no_candidate", 0.0)


def test_hidden_isrcs_make_no_match_exact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = {**UNLIKE, "isrc": SONG["isrc"]}
    cases = write(tmp_path / "cases.jsonl", {"id": "1", "source": SONG, "candidates": [other, SONG]})

    run(["match", "--cases", cases, "--ignore-isrc"])
    run(["match", "--cases", cases, "--ignore-isrc", "--policy", "exact"])

    same, strict = answers(capsys.readouterr().out)
    assert (same["choice"], same["verdict"]) == (1, "same_recording")
    assert (strict["choice"], strict["verdict"]) == (None, "review")


def test_the_wanted_release_is_told_by_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    releases = [{**SONG, "explicit": True}, {**SONG, "explicit": False}]
    cases = write(tmp_path / "cases.jsonl", {"id": "1", "source": releases[0], "candidates": releases})

    for wanted in ("as_source", "prefer", "avoid"):
        run(["match", "--cases", cases, "--explicit", wanted])

    assert [one["choice"] for one in answers(capsys.readouterr().out)] == [0, 0, 1]


def test_a_line_that_is_no_case_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = write(tmp_path / "cases.jsonl", {"id": "1", "source": SONG, "candidates": [SONG]}, {"id": "2"})

    code = run(["match", "--cases", cases])

    printed = capsys.readouterr()
    assert code == 2
    assert len(answers(printed.out)) == 1
    assert "Line 2" in printed.err
    assert "`source`" in printed.err

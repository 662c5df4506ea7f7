"""Texts of strangers in the log: one line, nothing for a terminal to obey, and JSON that stays JSON."""

import json

import pytest
from loguru import logger

from shared import logs
from shared.log_text import json_line, visible
from shared.settings import Settings

HOSTILE = (
    "\n2026-11-28 INFO forged",
    "\r\nINFO forged",
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "\x85\u2028\u2029next",
    "\u202eevil\u2066\u2069\u200f",
    "\u200b\ufeff\xad\u2060",
    '","level":"ERROR","x":"',
    "}\n{",
    "\x00\x7f\x08\x0b\x0c",
    "\ud800",
    "{level} {time} {0} <red>x</red> %s %(name)s",
)
UNSEEN = {
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\xad\u2028\u2029\u202a\u202e\u2066\u2069\ufeff",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_what_cannot_be_seen_is_written_as_its_escape(text: str) -> None:
    assert not UNSEEN & set(visible(text))
    assert len(visible(text).splitlines()) == 1


def test_what_can_be_seen_is_left_as_it_is() -> None:
    text = "Ágnes – 夜の海, «Ночь» 🎵 \\n {x}"

    assert visible(text) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_json_line_says_what_was_logged_and_is_one_line(text: str) -> None:
    line = json_line({"message": text, text: [text]})

    assert len(line.splitlines()) == 1
    assert json.loads(line) == {"message": text, text: [text]}


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.parametrize("text", HOSTILE)
def test_a_record_in_json_is_one_line_wherever_the_text_stands(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Settings(log_format="json"))

    logger.bind(name=text).info(text)
    _log_failure(text)

    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["level"] for line in lines] == ["INFO", "ERROR"]
    assert json.loads(lines[0])["name"] == text
    assert text in json.loads(lines[1])["exception"]["stack"]


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.parametrize("text", HOSTILE)
def test_a_record_for_people_is_one_line_and_its_stack_stands_apart(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Settings(log_format="text"))

    logger.bind(name=text).info(text)
    _log_failure(text)

    content = capsys.readouterr().err
    first, second, *stack = content.split("\n")[:-1]
    assert not (UNSEEN - {"\n"}) & set(content)
    assert " INFO " in first
    assert " ERROR " in second
    assert {line[:4] for line in stack} == {"  | "}


def _log_failure(text: str) -> None:
    logger.opt(exception=ValueError(text)).error("failed")

"""docs/reference/logs.md knows every line that the code logs: its event, level and fields."""

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from shared.logs import event_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/logs.md"
PACKAGES = ("gateway", "worker", "shared")
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
LIBRARIES = "record.getMessage()"  # handed on by shared/logs.py, which cannot know them


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a line is logged. messages: None where no constant stands there."""

    place: str
    level: str
    messages: tuple[str, ...] | None
    fields: frozenset[str]


def calls() -> Iterator[Call]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and is_logger(node.func.value)
                ):
                    found = call_of(node, f"{path.relative_to(ROOT)}:{node.lineno}")
                    if found is not None:
                        yield found


def is_logger(node: ast.expr) -> bool:
    """Whether a chain such as `logger.bind(…).opt(…)` begins with loguru's logger."""
    while isinstance(node, ast.Call | ast.Attribute):
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and node.id in ("logger", "library_logger")


def call_of(node: ast.Call, place: str) -> Call | None:
    assert isinstance(node.func, ast.Attribute)
    level, arguments = node.func.attr, node.args
    if level == "log":  # its level is chosen by what happened; the page has the louder one
        level, arguments = "info", arguments[1:]
    if level not in LEVELS or (arguments and ast.unparse(arguments[0]) == LIBRARIES):
        return None
    return Call(
        place=place,
        level=level,
        messages=constants(arguments[0]) if arguments else None,
        fields=frozenset(fields_of(node)),
    )


def constants(node: ast.expr) -> tuple[str, ...] | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (node.value,)
    if isinstance(node, ast.IfExp):
        both = (constants(node.body), constants(node.orelse))
        return None if None in both else (*(both[0] or ()), *(both[1] or ()))
    return None


def fields_of(node: ast.expr) -> Iterator[str]:
    """Return the names that a chain binds, and those of the call itself."""
    while isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Attribute):
            return
        if node.func.attr != "opt":
            yield from (keyword.arg for keyword in node.keywords if keyword.arg)
        node = node.func.value


CALLS = tuple(calls())


def rows() -> dict[str, tuple[str, frozenset[str]]]:
    """Return level and fields by event, as the page has them."""
    table = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 6 and cells[1].startswith("`") and cells[2].lower() in LEVELS:
            names = frozenset(name.strip(" `") for name in cells[3].split(",") if name.strip(" –"))
            table[cells[1].strip("`")] = (cells[2].lower(), names)
    return table


def test_the_walk_finds_what_is_logged() -> None:
    assert len(CALLS) > 40
    assert {call.place.partition("/")[0] for call in CALLS} == set(PACKAGES)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.place)
def test_a_message_is_constant_short_and_a_sentence(call: Call) -> None:
    assert call.messages, f"{call.place} logs no constant message: bind what varies"
    for message in call.messages:
        assert message[0].isupper(), f"{call.place}: begin it with a capital letter"
        assert message[-1] not in ".!", f"{call.place}: no full stop"
        assert len(message) <= 40, f"{call.place}: bind the details"
        assert "{" not in message, f"{call.place}: loguru would put values in"


def test_every_line_at_info_and_above_is_in_the_reference_with_its_level_and_fields() -> None:
    logged = {
        event_of(message): (call.level, call.fields)
        for call in CALLS
        if call.level != "debug"
        for message in call.messages or ()
    }

    assert rows() == logged


def test_one_event_has_one_level() -> None:
    levels: dict[str, set[str]] = {}
    for call in CALLS:
        for message in call.messages or ():
            levels.setdefault(event_of(message), set()).add(call.level)

    assert {event: found for event, found in levels.items() if len(found) > 1} == {}

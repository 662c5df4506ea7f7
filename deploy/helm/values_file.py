"""The chart's `values.yaml` and the table of its README, written from the types of its values."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from deploy.helm.values import Part, Values

_HEAD = """\
# Values of the chart, with their defaults. Written by `python -m deploy.helm`; the README beside this file
# has the same as a table. Settings of the program itself go under `config`, by their name in small letters.
"""


def values_yaml() -> str:
    return _HEAD + "\n" + "\n".join(_lines(Values(), indent=0)) + "\n"


def values_table() -> str:
    """Return a row for each value that can be set."""
    rows = [f"| `{path}` | {_code(value)} | {meaning} |" for path, value, meaning in _leaves(Values(), "")]
    return "\n".join(["| Value | Default | Meaning |", "|---|---|---|", *rows])


def _leaves(part: Part, path: str) -> Iterator[tuple[str, Any, str]]:
    for name, value, meaning in _fields(part):
        if isinstance(value, Part):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", msgspec.to_builtins(value), meaning


def _fields(part: Part) -> Iterator[tuple[str, Any, str]]:
    """Yield name, value and meaning of each field, as values files spell it; not what only parents give."""
    hints = get_type_hints(type(part), include_extras=True)
    for field in msgspec.structs.fields(part):
        value = getattr(part, field.name)
        if value is not msgspec.UNSET:
            yield field.encode_name, value, _meaning(hints[field.name])


def _meaning(hint: Any) -> str:
    if get_origin(hint) is not Annotated:
        return ""
    told = [one.description for one in get_args(hint)[1:] if isinstance(one, msgspec.Meta)]
    return next((text for text in reversed(told) if text), "")


def _lines(part: Part, *, indent: int) -> Iterator[str]:
    pad = " " * indent
    for name, value, meaning in _fields(part):
        if meaning:
            yield f"{pad}# {meaning}"
        if isinstance(value, Part):
            yield f"{pad}{name}:"
            yield from _lines(value, indent=indent + 2)
        else:
            yield from _entry(name, msgspec.to_builtins(value), pad)


def _entry(name: str, value: Any, pad: str) -> Iterator[str]:
    """Write mappings and lists as blocks, and what is in a list as JSON, which is YAML."""
    if isinstance(value, dict) and value:
        yield f"{pad}{name}:"
        for key, inner in value.items():
            yield from _entry(key, inner, pad + "  ")
    elif isinstance(value, list) and value:
        yield f"{pad}{name}:"
        for inner in value:
            yield f"{pad}  - {_json(inner)}"
    else:
        yield f"{pad}{name}: {_json(value)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _code(value: Any) -> str:
    if value in ("", None, [], {}):
        return "–"
    return f"`{value if isinstance(value, str) else _json(value)}`"

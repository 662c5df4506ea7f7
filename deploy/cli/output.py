"""Where words go: data to stdout, talk to stderr, colour only where a person looks."""

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table


class Format(StrEnum):
    """How data is printed."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


def say(text: str) -> None:
    """Tell the person something that is not data."""
    typer.echo(text, err=True)


def print_text(text: str) -> None:
    typer.echo(text)


def print_json(value: Any) -> None:
    """Print one line of JSON."""
    typer.echo(msgspec.json.encode(value).decode())


def print_rows(rows: Sequence[Sequence[str]], *, columns: Sequence[str]) -> None:
    """Print a table for people, or lines with tabs for programs; those have no heading."""
    if not sys.stdout.isatty():
        for row in rows:
            print_text("\t".join(row))
        return
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console().print(table, markup=False)


def print_items(
    items: Sequence[Any],
    *,
    output: Format,
    row_of: Callable[[Any], Sequence[str]],
    columns: Sequence[str],
) -> None:
    """Print a list: a table, one JSON object with all of them, or one for each."""
    if output is Format.JSON:
        print_json({"items": items})
    elif output is Format.JSONL:
        for item in items:
            print_json(item)
    else:
        print_rows([row_of(item) for item in items], columns=columns)


def has_panel(output: Format) -> bool:
    """Whether a person watches: a live panel on stderr would not disturb data on the same terminal."""
    return sys.stderr.isatty() and (output is not Format.JSONL or not sys.stdout.isatty())

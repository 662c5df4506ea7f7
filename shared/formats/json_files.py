"""Reads playlists in JSON: Spotify's account data, JSPF, and our own; each row for itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from shared.errors import FileUnreadable
from shared.formats import jspf, own_json, spotify_account
from shared.formats.entries import Entry, to_item
from shared.formats.imported import FileFormat, Imported, ImportedList, NamedRest
from shared.formats.limits import TEXT_LETTERS, Tally, check_json
from shared.formats.texts import stored
from shared.models import SourceItem

Row = TypeVar("Row", bound=msgspec.Struct)
ToEntry: TypeAlias = Callable[[Any], Entry]
Fields: TypeAlias = Mapping[str, msgspec.Raw]

BAD_ROW = "The row does not have the form that the file promises."
LIKED = "Liked Songs"


def read(content: bytes, *, name: str, notes: Sequence[str] = ()) -> Imported | None:
    """Read a JSON file (UTF-8); None for one that holds no playlist. Raises FileUnreadable."""
    check_json(content)
    try:
        root = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FileUnreadable(f"The JSON cannot be read ({error}): it may have been cut.") from error
    try:
        return _of_root(root, name=name, notes=notes)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FileUnreadable(f"The JSON does not have the form of a playlist: {error}.") from error


def _of_root(root: Fields, *, name: str, notes: Sequence[str]) -> Imported | None:
    reader = _Reader(name, notes=notes)
    if own_json.MARK in root:
        own_json.check_version(root[own_json.MARK])
        return reader.ours(_list(root.get("playlists")))
    if "playlist" in root:
        return reader.jspf([msgspec.json.encode(root)])
    if "playlists" in root:
        rows = _list(root["playlists"])
        first = _decoded(rows[0], dict[str, msgspec.Raw]) if rows else {}
        return reader.jspf(rows) if first and "playlist" in first else reader.spotify(rows)
    if "tracks" in root:
        return reader.library(_list(root["tracks"]))
    return None


class _Reader:
    """Reads the lists of one file."""

    def __init__(self, name: str, *, notes: Sequence[str]) -> None:
        self._name = name
        self._notes = list(notes)
        self._tally = Tally()

    def ours(self, lists: Iterable[msgspec.Raw]) -> Imported:
        heads = [msgspec.json.decode(one, type=own_json.Head) for one in lists]
        made = [self._made(head.name, head.items, own_json.Row, own_json.to_entry) for head in heads]
        return self._imported(FileFormat.CROSSPLAY, made)

    def spotify(self, lists: Iterable[msgspec.Raw]) -> Imported:
        heads = [msgspec.json.decode(one, type=spotify_account.Head) for one in lists]
        made = [
            self._made(head.name, head.items, spotify_account.Row, spotify_account.to_entry) for head in heads
        ]
        return self._imported(FileFormat.SPOTIFY_ACCOUNT, made)

    def library(self, rows: Sequence[msgspec.Raw]) -> Imported:
        made = self._made(LIKED, rows, spotify_account.Saved, spotify_account.saved_to_entry)
        return self._imported(FileFormat.SPOTIFY_ACCOUNT, [made])

    def jspf(self, lists: Iterable[bytes | msgspec.Raw]) -> Imported:
        heads = [msgspec.json.decode(one, type=jspf.Document).playlist for one in lists]
        made = []
        for head in heads:
            rows, is_multiplied = jspf.with_true_lengths([_decoded(row, jspf.Row) for row in head.track])
            if is_multiplied and jspf.MULTIPLIED not in self._notes:
                self._notes.append(jspf.MULTIPLIED)
            made.append(self._sorted(head.title, rows, jspf.to_entry))
        return self._imported(FileFormat.JSPF, made)

    def _made(
        self, name: str | None, rows: Iterable[msgspec.Raw], form: type[Row], to_entry: ToEntry
    ) -> ImportedList:
        return self._sorted(name, (_decoded(row, form) for row in rows), to_entry)

    def _sorted(
        self, name: str | None, rows: Iterable[msgspec.Struct | None], to_entry: ToEntry
    ) -> ImportedList:
        items: list[SourceItem] = []
        rest: list[NamedRest] = []
        for row in rows:
            number = self._tally.add()
            made = BAD_ROW if row is None else to_item(to_entry(row))
            if isinstance(made, str):
                rest.append(NamedRest(row=number, reason=made))
            else:
                items.append(made)
        title = stored(name or "").strip()[:TEXT_LETTERS]
        return ImportedList(name=title or self._name, items=tuple(items), rest=tuple(rest))

    def _imported(self, form: FileFormat, lists: Sequence[ImportedList]) -> Imported:
        return Imported(format=form, lists=tuple(lists), notes=tuple(self._notes))


def _list(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    return [] if raw is None else msgspec.json.decode(raw, type=list[msgspec.Raw])


Decoded = TypeVar("Decoded")


def _decoded(row: msgspec.Raw, form: type[Decoded]) -> Decoded | None:
    """Return a row in its form; None for one that has another."""
    try:
        return msgspec.json.decode(row, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

"""Reads tables, as most services and tools export playlists: comma, semicolon or tab, whatever is in it."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import PurePath

from shared.errors import FileUnreadable
from shared.formats.entries import (
    NO_TITLE,
    Entry,
    artist_and_title,
    duration_of,
    number_of,
    to_item,
    yes_or_no,
)
from shared.formats.headers import EXPORTIFY_ORDER, Column, columns_of, letters_of
from shared.formats.imported import FileFormat, Imported, ImportedList, NamedRest
from shared.formats.limits import TEXT_LETTERS, Tally
from shared.models import NotTransferable, SourceItem

_DELIMITERS = "\x1f,;\t|"  # the first stands in no table: one column may hold all the others
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_GUARDED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
_ESCAPED = re.compile(r"\\([,\\])")
_FAVORITES = {"favorite": "Favorites", "favourite": "Favorites"}
_BARE_ID = re.compile(r"[0-9A-Za-z]{22}")

EMPTY_ROW = "The row is empty."
TOO_WIDE = "The row has more fields than the header."
ONLY_NAME = "It names a playlist and no track."

Table = tuple[dict[Column, int], Iterator[list[str]], list[str]]


def read(text: str, *, name: str, notes: Sequence[str] = ()) -> Imported | None:
    """Read a table; None for a text whose first line names no column that holds tracks.

    name: the playlist's where no column has it. Raises FileUnreadable.
    """
    separator = _SEPARATOR_LINE.match(text)
    body = text[separator.end() :] if separator else text
    table = _open(body, delimiters=separator[1] if separator else _DELIMITERS)
    if table is None:
        return None
    columns, rows, header = table
    lists = _Lists(name, columns, width=len(header))
    try:
        for row in rows:
            lists.take(row)
    except csv.Error as error:
        raise FileUnreadable(f"The table breaks off behind row {lists.tally.row_count}: {error}.") from error
    return Imported(format=_format_of(columns, header), lists=lists.done(), notes=tuple(notes))


def unguarded(text: str) -> str:
    """Undo what keeps a spreadsheet from taking a text for a formula: the apostrophe in front of it."""
    return text[1:] if _GUARDED.match(text) else text


class _Lists:
    """Sorts the rows of a table into its playlists."""

    def __init__(self, name: str, columns: Mapping[Column, int], *, width: int) -> None:
        self._name = name
        self._columns = columns
        self._width = width
        self._items: dict[str, list[SourceItem]] = {}
        self._rest: dict[str, list[NamedRest]] = {}
        self.tally = Tally()

    def take(self, row: list[str]) -> None:
        if not row:  # a blank line
            return
        number = self.tally.add()
        cells = {column: unguarded(row[index]) for column, index in self._columns.items() if index < len(row)}
        name = _playlist_of(cells) or self._name
        items = self._items.setdefault(name, [])
        made = self._made(row, cells)
        if isinstance(made, str):
            self._rest.setdefault(name, []).append(NamedRest(row=number, reason=made))
        else:
            items.append(made)

    def done(self) -> tuple[ImportedList, ...]:
        if not self._items:
            return (ImportedList(name=self._name, items=()),)
        return tuple(
            ImportedList(name=name, items=tuple(items), rest=tuple(self._rest.get(name, ())))
            for name, items in self._items.items()
        )

    def _made(self, row: list[str], cells: Mapping[Column, str]) -> SourceItem | str:
        if any(map(str.strip, row[self._width :])):
            return TOO_WIDE
        made = to_item(_entry(cells))
        if made != NO_TITLE:
            return made
        if not any(map(str.strip, row)):
            return EMPTY_ROW
        filled = {column for column, text in cells.items() if text.strip()}
        return ONLY_NAME if filled and filled <= {Column.PLAYLIST, Column.TYPE} else made


def _open(text: str, *, delimiters: str) -> Table | None:
    """Try delimiters; return the table of the one that makes most of the header known."""
    best: Table | None = None
    for delimiter in delimiters:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
        try:
            header = next(filter(any, rows), [])
            first = list(islice(rows, 1))
        except csv.Error:
            continue
        columns = _known(header, first)
        if Column.TITLE in columns and (best is None or len(columns) > len(best[0])):
            best = columns, chain(first, rows), header
    return best


def _known(header: Sequence[str], first: Sequence[Sequence[str]]) -> dict[Column, int]:
    columns = columns_of(header)
    is_exportify = first and first[0] and first[0][0].startswith("spotify:")
    if Column.TITLE not in columns and is_exportify and len(header) >= len(EXPORTIFY_ORDER):
        return {column: index for index, column in enumerate(EXPORTIFY_ORDER) if column}
    return columns


def _entry(cells: Mapping[Column, str]) -> Entry:
    title, artists = cells.get(Column.TITLE, ""), _artists(cells)
    if not artists and Column.ARTIST in cells:  # a video's: one text for both
        artist, title = artist_and_title(title)
        artists = (artist,) if artist else ()
    is_ms = Column.DURATION_MS in cells
    return Entry(
        title=title,
        artists=artists,
        album=cells.get(Column.ALBUM, ""),
        duration_ms=duration_of(cells.get(Column.DURATION_MS if is_ms else Column.DURATION, ""), is_ms=is_ms),
        isrc=cells.get(Column.ISRC, ""),
        explicit=yes_or_no(cells.get(Column.EXPLICIT, "")),
        release_date=cells.get(Column.RELEASE_DATE, "").strip(),
        track_number=number_of(cells.get(Column.TRACK_NUMBER, "")),
        disc_number=number_of(cells.get(Column.DISC_NUMBER, "")),
        uri=_uri(cells.get(Column.URI, "").strip()),
        kind=_kind(cells.get(Column.TYPE, "")),
    )


def _artists(cells: Mapping[Column, str]) -> tuple[str, ...]:
    joined = cells.get(Column.ARTISTS)
    if joined is None:
        one = cells.get(Column.ARTIST, "")
        return (one,) if one.strip() else ()
    # A comma that separates has no backslash in front of it, or an even number of them.
    parts = re.findall(r"((?:[^,\\]|\\.?)*)(?:,\s?|$)", joined, re.DOTALL)
    names = [_ESCAPED.sub(r"\1", part) for part in parts]
    return tuple(one for one in names if one.strip())


def _uri(text: str) -> str:
    return f"spotify:track:{text}" if _BARE_ID.fullmatch(text) else text


def _kind(text: str) -> NotTransferable | None:
    try:
        return NotTransferable(text.strip().lower())
    except ValueError:
        return None


def _playlist_of(cells: Mapping[Column, str]) -> str:
    name = cells.get(Column.PLAYLIST, "").strip()[:TEXT_LETTERS]
    return name or _FAVORITES.get(letters_of(cells.get(Column.TYPE, "")), "")


def _format_of(columns: Mapping[Column, int], header: Sequence[str]) -> FileFormat:
    names = set(map(letters_of, header))
    if Column.ARTISTS in columns and Column.URI in columns:
        return FileFormat.EXPORTIFY
    if {"playlistname", "type"} <= names:
        return FileFormat.TUNEMYMUSIC
    if names & {"addedby", "addeddate", "platform"} and {"title", "artist"} <= names:
        return FileFormat.SOUNDIIZ
    return FileFormat.CSV


def name_of_file(name: str) -> str:
    """Return what a playlist is called whose file says no name: the file's, without its ending."""
    last = PurePath(name.replace("\\", "/")).name
    stem = last.rpartition(".")[0] or last
    return stem.strip()[:TEXT_LETTERS] or "Playlist"

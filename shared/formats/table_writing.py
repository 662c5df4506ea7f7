"""Writes a playlist as a table: the columns that Exportify has, and what is needed to read it back whole."""

import csv
import io
import re
from collections.abc import Iterable, Mapping

from shared.models import SourceItem

HEADER = (
    "Track Name",
    "Artist Name(s)",
    "Album Name",
    "Playlist Name",
    "Kind",
    "ISRC",
    "Track Duration (ms)",
    "Explicit",
    "Album Release Date",
    "Disc Number",
    "Track Number",
    "URL",
)
# What spreadsheets take for the start of a formula; an apostrophe in front of it is doubled, to be undone.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_SPLITTING = re.compile(r"([,\\])")


def write(name: str, items: Iterable[SourceItem]) -> bytes:
    """Return UTF-8 with a byte order mark, without which spreadsheets take it for something else."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, HEADER, restval="", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writeheader()
    for item in items:
        cells = {"Playlist Name": name, **_cells(item)}
        writer.writerow({column: guarded(text) for column, text in cells.items()})
    return stream.getvalue().encode("utf-8-sig")


def guarded(text: str) -> str:
    """Keep a spreadsheet from reading a text as a formula; `tables.unguarded` undoes it."""
    return f"'{text}" if _FORMULA.match(text) else text


def _cells(item: SourceItem) -> Mapping[str, str]:
    track = item.track
    if track is None:
        return {"Track Name": item.title, "Kind": item.not_transferable or ""}
    facts = {
        "Track Name": track.title,
        "Artist Name(s)": ", ".join(_SPLITTING.sub(r"\\\1", artist) for artist in track.artists),
        "Album Name": track.album,
        "ISRC": track.isrc,
        "Track Duration (ms)": track.duration_ms,
        "Explicit": track.explicit,
        "Album Release Date": track.release_date,
        "Disc Number": track.disc_number,
        "Track Number": track.track_number,
        "URL": track.url,
    }
    return {column: str(fact) for column, fact in facts.items() if fact is not None}

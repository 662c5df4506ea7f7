"""What a playlist file turns into: lists of items, and every row that became none, with its reason."""

from enum import StrEnum

import msgspec

from shared.models import SourceItem


class FileFormat(StrEnum):
    """A form of playlist files that can be read."""

    EXPORTIFY = "exportify"
    TUNEMYMUSIC = "tunemymusic"
    SOUNDIIZ = "soundiiz"
    CSV = "csv"
    SPOTIFY_ACCOUNT = "spotify_account"
    M3U = "m3u"
    XSPF = "xspf"
    JSPF = "jspf"
    CROSSPLAY = "crossplay"


class ExportFormat(StrEnum):
    """A form in which playlists are written; the value is the ending of its file."""

    CSV = "csv"
    M3U8 = "m3u8"
    XSPF = "xspf"
    JSPF = "jspf"
    JSON = "json"


class NamedRest(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is no item of a playlist, and why. row: counted from 1, a header not counted."""

    row: int
    reason: str


class ImportedList(msgspec.Struct, frozen=True, kw_only=True):
    """One playlist of a file, in the file's order, repeats kept. Items and rest are all of its rows."""

    name: str
    items: tuple[SourceItem, ...]
    rest: tuple[NamedRest, ...] = ()


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file. notes: what was guessed while reading it, for people."""

    format: FileFormat
    lists: tuple[ImportedList, ...]
    notes: tuple[str, ...] = ()

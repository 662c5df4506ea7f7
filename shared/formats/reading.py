"""Reads any playlist file that we know; what it is, its content says, and its name at most helps."""

from shared.errors import FileUnreadable
from shared.formats import archives, json_files, m3u, tables, texts, xspf
from shared.formats.imported import FileFormat, Imported, ImportedList
from shared.formats.limits import CURE_ROWS, FILE_BYTES, ROWS
from shared.formats.texts import stored

UNKNOWN = (
    "This is no playlist file that can be read here. Export the playlist as CSV (with a header such as "
    "`Track name, Artist name, ISRC`), M3U8, XSPF, JSPF or Crossplay's JSON, or send the ZIP of Spotify's "
    "account data."
)


def read(content: bytes, *, name: str) -> Imported:
    """Read a playlist file. name: the file's; a playlist that has no name in it is called so.

    Raises FileUnreadable, and nothing else, whatever the bytes are.
    """
    if len(content) > FILE_BYTES:
        raise FileUnreadable(f"A file may have {FILE_BYTES // 2**20} MiB: split it.")
    name = stored(name)
    if content.startswith(archives.MARK):
        return _archive(content)
    imported = _plain(content, name=name)
    if imported is None:
        raise FileUnreadable(UNKNOWN)
    return imported


def _archive(content: bytes) -> Imported:
    lists: list[ImportedList] = []
    notes: list[str] = []
    form: FileFormat | None = None
    for name, part in archives.files_of(content):
        try:
            imported = _plain(part, name=name)
        except FileUnreadable as error:
            notes.append(f"{stored(name)} was not read. {error}")
            continue
        if imported is None:
            notes.append(f"{stored(name)} was not read: it holds no playlist.")
            continue
        form = form or imported.format
        lists += imported.lists
        notes += (f"{stored(name)}: {note}" for note in imported.notes)
    if form is None:
        raise FileUnreadable(" ".join(["The archive holds no playlist that can be read here.", *notes[:3]]))
    if sum(len(one.items) + len(one.rest) for one in lists) > ROWS:
        raise FileUnreadable(CURE_ROWS)
    return Imported(format=form, lists=tuple(lists), notes=tuple(notes))


def _plain(content: bytes, *, name: str) -> Imported | None:
    text, notes = texts.decode(content)
    title = tables.name_of_file(name)
    start = text.lstrip()[:1]
    if start in {"{", "["}:
        return json_files.read(stored(text).encode(), name=title, notes=notes) if start == "{" else None
    if start == "<":
        return xspf.read(content, name=title)
    if m3u.is_m3u(text, name=name):
        return m3u.read(text, name=title, notes=notes)
    return tables.read(text, name=title, notes=notes)

"""The file of a backup: a packed tar of rows in parts, and a manifest that proves them; read in one pass.

The manifest is the last member, so that a file that was cut off is never taken for a whole one.
"""

import gzip
import hashlib
import io
import re
import tarfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import IO, Self

import msgspec

from shared.errors import MaintenanceRefused

FORMAT = 1
PART_BYTES = 4 * 1024 * 1024
MANIFEST = "manifest.json"
_HEADER = "crossplay-backup.json"
_MOST_BYTES = 2 * 1024 * 1024 * 1024  # of one member: a row of a table may be large, but not so large

_UNREADABLE = (tarfile.TarError, EOFError, OSError, zlib.error, gzip.BadGzipFile, msgspec.MsgspecError)


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first member: what this file is, for whoever opens it by hand, and for a reader to begin with."""

    format: int
    release: str
    taken_at: datetime
    migrations: dict[str, str]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Of which columns the rows of a table are, and how many there are."""

    name: str
    columns: tuple[str, ...]
    row_count: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of a table, in the text format of COPY."""

    name: str
    table: str
    row_count: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds. key_ids: of the keys that its sealed texts need; the keys are not in it.

    settings: those that its system ran with, secret ones without their value.
    """

    header: Header
    tables: tuple[Table, ...]
    parts: tuple[Part, ...]
    key_ids: tuple[str, ...]
    settings: dict[str, str]


class BackupWriter:
    """Writes a backup to a stream that need not be seekable. Holds one part in memory."""

    def __init__(self, stream: IO[bytes], *, header: Header) -> None:
        self._tar = tarfile.open(fileobj=stream, mode="w|gz", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by __exit__
        self._header = header
        self._tables: list[Table] = []
        self._parts: list[Part] = []
        self._part_counts: Counter[str] = Counter()
        self._row_counts: Counter[str] = Counter()
        self._add(_HEADER, msgspec.json.encode(header))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tar.close()

    def add_part(self, table: str, rows: bytes) -> None:
        """Add whole rows of a table."""
        part = _part(f"data/{table}/{self._part_counts[table]:06}.copy", table=table, rows=rows)
        self._add(part.name, rows)
        self._parts.append(part)
        self._part_counts[table] += 1
        self._row_counts[table] += part.row_count

    def end_table(self, name: str, *, columns: tuple[str, ...]) -> None:
        """Say that all rows of a table are there."""
        self._tables.append(Table(name=name, columns=columns, row_count=self._row_counts[name]))

    def end(self, *, key_ids: tuple[str, ...], settings: dict[str, str]) -> Manifest:
        """Write the manifest, without which the file counts for nothing."""
        manifest = Manifest(
            header=self._header,
            tables=tuple(self._tables),
            parts=tuple(self._parts),
            key_ids=key_ids,
            settings=settings,
        )
        self._add(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        return manifest

    def _add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = len(content), 0o600, int(time.time())
        self._tar.addfile(member, io.BytesIO(content))


class BackupReader:
    """Reads a backup in one pass: its header at once, then the parts, then the manifest.

    Raises MaintenanceRefused, with the reason in words, for what is no whole backup.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._found: list[Part] = []
        self.manifest: Manifest | None = None
        self._members = self._read(stream)
        name, content = next(self._members, ("", b""))
        if name != _HEADER:
            raise MaintenanceRefused("This file is no backup of Crossplay.")
        try:
            self.header = msgspec.json.decode(content, type=Header)
        except msgspec.MsgspecError as error:
            raise MaintenanceRefused(f"This backup's header cannot be read: {error}") from error
        if self.header.format != FORMAT:
            raise MaintenanceRefused(
                f"This backup has the format {self.header.format}; this release reads {FORMAT}. "
                f"It was made by release {self.header.release}."
            )

    def parts(self) -> Iterator[tuple[str, bytes]]:
        """Iterate over table and rows of each part; the manifest is there, and proved, after the last one."""
        for name, content in self._members:
            if name == MANIFEST:
                self._prove(content)
                return
            _, table, _ = name.split("/")
            self._found.append(_part(name, table=table, rows=content))
            yield table, content
        raise MaintenanceRefused("The backup is cut off: it has no manifest at its end.")

    def _prove(self, content: bytes) -> None:
        try:
            manifest = msgspec.json.decode(content, type=Manifest)
        except msgspec.MsgspecError as error:
            raise MaintenanceRefused(f"The backup's manifest cannot be read: {error}") from error
        if manifest.header != self.header:
            raise MaintenanceRefused("The backup's first and last member are of two different backups.")
        for told, found in zip(manifest.parts, self._found, strict=False):
            if told != found:
                raise MaintenanceRefused(f"The backup is damaged: {found.name} is not what was written.")
        if len(manifest.parts) != len(self._found) or next(self._members, None) is not None:
            raise MaintenanceRefused("The backup is damaged: it has not the parts that its manifest lists.")
        self.manifest = manifest

    def _read(self, stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
        try:
            with tarfile.open(fileobj=stream, mode="r|gz") as tar:
                for member in tar:
                    file = tar.extractfile(member) if member.size <= _MOST_BYTES else None
                    if file is None or not _is_ours(member.name):
                        raise MaintenanceRefused(f"The backup holds {member.name!r}, which no backup has.")
                    yield member.name, file.read()
        except _UNREADABLE as error:
            raise MaintenanceRefused(f"The file is damaged or no backup: {error}") from error


def rows_of(rows: bytes, *, columns: tuple[str, ...]) -> Iterator[dict[str, str | None]]:
    """Read rows in the text format of COPY."""
    for line in rows.decode().split("\n")[:-1]:
        yield dict(zip(columns, map(_value, line.split("\t")), strict=True))


_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _value(text: str) -> str | None:
    if text == r"\N":
        return None
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text)


def _part(name: str, *, table: str, rows: bytes) -> Part:
    return Part(name=name, table=table, row_count=rows.count(b"\n"), sha256=hashlib.sha256(rows).hexdigest())


def _is_ours(name: str) -> bool:
    parts = name.split("/")
    return name in (_HEADER, MANIFEST) or (
        len(parts) == 3 and parts[0] == "data" and parts[2].endswith(".copy")
    )

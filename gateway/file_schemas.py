"""Query and response bodies about files."""

from datetime import datetime
from typing import Annotated

import msgspec

from gateway.schemas import Cursor, Limit
from shared.formats.imported import ExportFormat, FileFormat, NamedRest

FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]


class ImportQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """name: the file's; a playlist that has no name in it is called so."""

    name: FileName = "Playlist"


class FilesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: Limit = 50
    cursor: Cursor | None = None


class ExportQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: ExportFormat = ExportFormat.CSV


class FileResource(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist from a file, or for one. Its id is that of a playlist of the platform `file`, too.

    format: of the file that it was read from, null where a transfer has made it. rest_count: rows of that
    file that are no tracks; the answer to its import names them.
    """

    id: str
    name: str
    format: FileFormat | None
    track_count: int
    rest_count: int
    created_at: datetime
    changed_at: datetime


class FileWithRest(FileResource, frozen=True, kw_only=True):
    """rest: every row of the file that is no track, with its reason. With track_count they are all rows."""

    rest: tuple[NamedRest, ...]


class FilePage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[FileResource, ...]
    next_cursor: str | None


class ImportResource(msgspec.Struct, frozen=True, kw_only=True):
    """The playlists that a file held, in its order. notes: what was guessed while it was read."""

    format: FileFormat
    notes: tuple[str, ...]
    items: tuple[FileWithRest, ...]

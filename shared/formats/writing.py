"""Writes a playlist in the form that is wanted."""

from collections.abc import Callable, Iterable, Mapping

from shared.formats import jspf, m3u, own_json, table_writing, xspf
from shared.formats.imported import ExportFormat
from shared.models import SourceItem

MEDIA_TYPES: Mapping[ExportFormat, str] = {
    ExportFormat.CSV: "text/csv",
    ExportFormat.M3U8: "application/vnd.apple.mpegurl",
    ExportFormat.XSPF: "application/xspf+xml",
    ExportFormat.JSPF: "application/jspf+json",
    ExportFormat.JSON: "application/json",
}
_WRITERS: Mapping[ExportFormat, Callable[[str, Iterable[SourceItem]], bytes]] = {
    ExportFormat.CSV: table_writing.write,
    ExportFormat.M3U8: m3u.write,
    ExportFormat.XSPF: xspf.write,
    ExportFormat.JSPF: jspf.write,
    ExportFormat.JSON: own_json.write,
}


def write(name: str, items: Iterable[SourceItem], *, form: ExportFormat) -> bytes:
    """Return a file, UTF-8, that `reading.read` turns into the same items, as far as the form can."""
    return _WRITERS[form](name, items)

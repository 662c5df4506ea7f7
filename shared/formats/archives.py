"""Opens ZIP files of playlists: Spotify's account data, and what exporters pack together; within bounds."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator

from shared.errors import FileUnreadable
from shared.formats.limits import ARCHIVE_FILES, INFLATED_BYTES

MARK = b"PK\x03\x04"
_ENTRY = b"PK\x01\x02"
_ACCOUNT = re.compile(r"(?:.*/)?(?:Playlist\d*|YourLibrary)\.json", re.IGNORECASE)
_KNOWN = (".csv", ".tsv", ".txt", ".m3u", ".m3u8", ".xspf", ".jspf", ".json")
_HIDDEN = ("__MACOSX/", ".")
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # it is encrypted, or packed in a way that is not known here
    ValueError,
    KeyError,
    IndexError,
)


def files_of(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the playlist files of an archive by their names: of account data only those with playlists.

    Raises FileUnreadable for a broken one, and for one that unpacks to more than INFLATED_BYTES.
    """
    if content.count(_ENTRY) > ARCHIVE_FILES:
        raise FileUnreadable(
            f"The archive holds more than {ARCHIVE_FILES:,} files: pack the playlists alone."
        )
    left_bytes = INFLATED_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in _chosen(archive.infolist()):
                with archive.open(info) as opened:
                    unpacked = opened.read(left_bytes + 1)
                left_bytes -= len(unpacked)
                if left_bytes < 0:
                    raise FileUnreadable(
                        f"The archive unpacks to more than {INFLATED_BYTES // 2**20} MiB: "
                        "import its files one by one."
                    )
                yield info.filename, unpacked
    except _BROKEN as error:
        raise FileUnreadable(
            "The archive is damaged, or has a password: unpack it, and import its files."
        ) from error


def _chosen(infos: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    files = [info for info in infos if not info.is_dir()]
    account = [info for info in files if _ACCOUNT.fullmatch(info.filename)]
    if account:
        return sorted(account, key=lambda info: info.filename)
    return [
        info
        for info in files
        if info.filename.lower().endswith(_KNOWN) and not info.filename.startswith(_HIDDEN)
    ]

"""The text of an API key: `cp_live_<16 hex id>_<64 hex secret><8 hex CRC-32 of all before>`.

The check sum tells a key that was not copied whole from one that is unknown, without asking anybody, and lets
scanners for leaked secrets know a real one.
"""

import re
import zlib

PREFIX = "cp_live_"

_WHOLE = re.compile(rf"({PREFIX}([0-9a-f]{{16}})_([0-9a-f]{{64}}))([0-9a-f]{{8}})")
_HINT_LENGTH = 6


def compose(key_id: str, *, secret: str) -> str:
    """Return the text of a key. key_id: 16, secret: 64 hexadecimal digits."""
    text = f"{PREFIX}{key_id}_{secret}"
    return text + _check_sum(text)


def parse(text: str) -> tuple[str, str] | None:
    """Return id and secret; None for what was mistyped, cut, or never was a key."""
    parts = _WHOLE.fullmatch(text)
    if parts is None or parts[4] != _check_sum(parts[1]):
        return None
    return parts[2], parts[3]


def hint(key_id: str) -> str:
    """Return the beginning of a key's text, by which its owner may know it again."""
    return f"{PREFIX}{key_id[:_HINT_LENGTH]}…"


def _check_sum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"

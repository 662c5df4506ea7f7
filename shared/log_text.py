"""Texts of strangers in the log: one record stays one line, and no terminal obeys what it shows. Pure."""

import json
import re
from typing import Any

import msgspec

# C0 and C1 controls, line and paragraph separators, marks that turn the direction of what follows or show
# nothing at all, and halves of surrogate pairs, which cannot be written.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Write what cannot be seen as its escape, as Python and JSON have it; everything else as it is."""
    return _UNSEEN.sub(_escape, text)


def json_line(values: dict[str, Any]) -> str:
    """Write a JSON object in one line, whatever its texts hold; what JSON does not know is its repr."""
    try:
        text = msgspec.json.encode(values, enc_hook=repr).decode()
    except UnicodeEncodeError:  # a half of a surrogate pair, from bytes that were no UTF-8
        text = json.dumps(values, default=repr)
    return visible(text)  # inside of JSON texts, the only place for these, the escapes mean the same


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"

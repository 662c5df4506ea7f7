"""From bytes to text, and what of a text can be kept: encodings are found out, never asked for."""

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as that of UTF-16 does, so it stands before it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE_BYTES = 4096
_LAST_LETTER_BYTES = 4
_NOT_STORED = re.compile("[\x00\ud800-\udfff]")

CUT = "The file ends in the middle of a letter: it may have been cut."
LATIN = "The file is not UTF-8; it was read as Latin-1 (Windows-1252), so some letters may be wrong."
DAMAGED = "Some letters of the file could not be read; � stands for them."


def decode(content: bytes) -> tuple[str, tuple[str, ...]]:
    """Return a file's text without its byte order mark, and notes about what was guessed."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return _decoded(content[len(mark) :], encoding)
    guess = _utf16_of(content[:_SAMPLE_BYTES])
    if guess is not None:
        return _decoded(content, guess)
    try:
        return content.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        if len(content) - error.start < _LAST_LETTER_BYTES and error.reason == "unexpected end of data":
            return content[: error.start].decode("utf-8"), (CUT,)
    try:
        return content.decode("cp1252"), (LATIN,)
    except UnicodeDecodeError:
        return content.decode("latin-1"), (LATIN,)


def stored(text: str) -> str:
    """Return what Postgres can keep of a text: no NUL, no half of a surrogate pair."""
    return _NOT_STORED.sub("", text)


def _decoded(content: bytes, encoding: str) -> tuple[str, tuple[str, ...]]:
    text = content.decode(encoding, errors="replace")
    return text, (DAMAGED,) if "�" in text else ()


def _utf16_of(sample: bytes) -> str | None:
    """Name the UTF-16 of a sample without a mark: every other byte of its Latin letters is zero."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    most = len(sample) // 4
    if odd > most and odd > 4 * even:
        return "utf-16-le"
    if even > most and even > 4 * odd:
        return "utf-16-be"
    return None

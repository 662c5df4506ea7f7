"""Texts of strangers made harmless: in spreadsheets, in Markdown, in file names. Pure functions."""

import re
import unicodedata

# What spreadsheets read as the start of a formula, full-width signs included, and what they skip before it.
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
# Each character that Markdown, HTML or a link detector could read is written as a character reference: one
# can never be part of the structure, neither in a table nor outside.
_READABLE = re.compile(r"[&<>|`*_\[\]()~\\#!@:$^={}]|(?<=www)\.", re.IGNORECASE)
# Controls, and marks that make what follows them run the other way.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_LONGEST_NAME = 40


def plain_cell(text: str) -> str:
    """Keep a spreadsheet from reading a text as a formula: such a one gets an apostrophe in front."""
    return f"'{text}" if _FORMULA.match(text) else text


def markdown_text(text: str) -> str:
    """Write a text so that Markdown shows it as it is, in one line, and reads nothing into it."""
    line = " ".join(_UNSEEN.sub(" ", text).split())
    return _READABLE.sub(lambda found: f"&#{ord(found[0])};", line)


def file_name(title: str, *, thing_id: str, ending: str) -> str:
    """Return a name that any system takes and no header misreads: a few ASCII letters, digits and hyphens."""
    ascii_only = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower())[:_LONGEST_NAME].strip("-")
    return "-".join(filter(None, ("crossplay", words, thing_id[:8]))) + f".{ending}"

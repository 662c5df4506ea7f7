"""Takes out of a title what some catalogs, files and uploaders put there beside it."""

import html
import re
from functools import lru_cache

from worker.matching.normalize import CACHED

LONGEST = 400  # letters; behind them stands a description, and some patterns are slow on very long texts
_TAG = re.compile(r"(?:(?<=\s)|^)#[^\W\d]\w*")
_NUMBER = re.compile(r"#(?=\d)")
_FILE = re.compile(r"(?<=\S)\.(?:mp3|flac|m4a|ogg|opus|wav|aac|wma|flv|mp4|mkv|webm)$", re.IGNORECASE)
_PLACE = re.compile(r"^0\d\s?(?:[.)]|[-–])\s+(?=\S)")  # "07. Title" of a file; "7 Years" is a title
# "Medley: This / That" and "This / That (Medley)": the titles say as much.
_MEDLEY = re.compile(r"^medley ?[:-] ?(?=\S)|(?<=\S)(?: - | ?[(\[])medley[)\]]?$", re.IGNORECASE)
_MOVEMENT = re.compile(r"(?<=[:\-–] )([ivx]{1,5})\.(?= )", re.IGNORECASE)
_ROMAN = {"i": 1, "v": 5, "x": 10}


@lru_cache(CACHED)
def tidy(text: str) -> str:
    """Return a title without HTML entities, file endings, hash tags and the like, in single spaces."""
    if "&" in text and ";" in text:
        text = html.unescape(text)
    text = " ".join(text[:LONGEST].split())
    if "#" in text:
        text = _NUMBER.sub("no ", _TAG.sub("", text).strip() or text)
    if "/" in text:
        text = _MEDLEY.sub("", text)
    text = _PLACE.sub("", _FILE.sub("", text))
    return _MOVEMENT.sub(lambda found: str(_count(found[1])), text) if "." in text else text


def _count(numeral: str) -> int:
    """Read a Roman numeral of movements: I, IV, XII."""
    values = [_ROMAN[sign] for sign in numeral.lower()]
    return sum(
        -value if place + 1 < len(values) and values[place + 1] > value else value
        for place, value in enumerate(values)
    )

"""Texts and credits in forms that can be compared: folded, but never to nothing."""

import re
import unicodedata
from functools import lru_cache

import msgspec
from anyascii import anyascii

from worker.matching.aliases import ALIASES, COMPOSERS
from worker.matching.vocabulary import IMITATORS, NOBODY

CACHED = 4096  # enough for the batches under way; more would only cost memory
_ACCENTS = re.compile(r"[\u0300-\u036f]+")
_QUOTES_AND_INVISIBLE = re.compile("['’‘`´ʼʻ′\"“”„״׳\u200b-\u200f\u202a-\u202e\u2060\ufeff\ufe0e\ufe0f]+")
_WORD = re.compile(r"[a-z0-9]+")
_ODD = re.compile("['\"`$!@*&+]| n ", re.IGNORECASE)  # signs that stand for letters, for words or for nothing
_SEPARATORS = re.compile(r"(?:[^\w*]|_)+")
# Asterisks that hide no letter: "N**r" keeps its own, so that it can be compared with the word in full.
_STRAY_ASTERISKS = re.compile(r"(?<![\w*])\*+|(?<=[^*\s])\*(?= |$)")
_AND = re.compile(r" ?[&+] ?|(?<= )n(?= )")
_SIGN = re.compile("[$!@]")
_LETTER_SIGNS = (
    (re.compile(r"(?<=[a-z])\$|\$(?=[a-z])"), "s"),
    (re.compile(r"(?<=[a-z])!(?=[a-z])"), "i"),
    (re.compile(r"(?<=[a-z])@(?=[a-z])"), "a"),
)
# One letter in two forms, by custom of the writer; and marks that are not written as a rule.
_ARABIC = str.maketrans("أإآىةؤئ", "اااي\u0647وي", "\u0640\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652")
_JOINERS = re.compile(
    r"[,;、，・/]| [&+×|] | (?:and|und|et|y|e|x|vs\.?|with|feat\.?|ft\.?|featuring|con|med|och) ",
    re.IGNORECASE,
)
_ADDITION = re.compile(r" *\([^)]*\)")
# What romanisations of one language differ in: "Jo" and "Cho", "sarang" and "salang", "ou" and "u".
_SOUNDS = (
    (" ", ""), ("eo", "o"), ("eu", "u"), ("ae", "e"), ("ou", "u"), ("oo", "u"), ("ee", "i"), ("ph", "f"),
    ("ch", "j"), ("sh", "s"), ("ts", "s"), ("th", "d"), ("dh", "d"), ("kh", "g"), ("gh", "g"), ("ck", "g"),
)  # fmt: skip
_ABJAD_SOUNDS = (("ch", "h"), ("kh", "h"), ("tz", "s"), *_SOUNDS)
_LETTERS = str.maketrans("lkcqtpzyw", "rgggdbsiv", "`'")
_CONSONANTS = str.maketrans("lkcqtpzfvw", "rgggdbsbbb", "`'aeiouyh")
_DOUBLE = re.compile(r"(.)\1+")
_CHANNEL = re.compile(r" - topic$|(?<=\w)vevo$", re.IGNORECASE)


class Artists(msgspec.Struct, frozen=True):
    """Who plays, folded. names: main artist first, joined credits one by one, other names too.

    whole: all that is credited, without spaces. players: the names of those who did not only compose.
    imitates: they play what others have made known.
    """

    main: str
    names: tuple[str, ...]
    whole: str
    roman_names: tuple[str, ...]
    players: tuple[str, ...]
    imitates: bool


@lru_cache(CACHED)
def fold(text: str) -> str:
    """Bring a text to words that can be compared: no case, accents, punctuation; scripts stay themselves."""
    if text.isascii() and not _ODD.search(text):
        return " ".join(_WORD.findall(text.lower())) or " ".join(text.split()).casefold()
    spaced = " ".join(text.split())
    plain = spaced if spaced.isascii() else unicodedata.normalize("NFKC", spaced)
    plain = plain.casefold()
    if not plain.isascii():
        plain = _without_accents(plain).translate(_ARABIC)
    if _SIGN.search(plain):
        for sign, letter in _LETTER_SIGNS:
            plain = sign.sub(letter, plain)
    plain = _QUOTES_AND_INVISIBLE.sub("", plain)
    words = _SEPARATORS.sub(" ", _AND.sub(" and ", plain)).strip()
    if "*" in words:
        words = " ".join(_STRAY_ASTERISKS.sub(" ", words).split())
    return words or spaced.casefold()


def romanize(text: str) -> str:
    """Write a text in Latin letters; what cannot be written so comes back as it was."""
    return text if text.isascii() else " ".join(anyascii(text).split()) or text


@lru_cache(CACHED)
def sound(roman: str, *, has_vowels: bool) -> str:
    """Bring a text in Latin letters to how it roughly sounds, whatever way it was romanised.

    has_vowels: False for texts out of scripts that do not write them.
    """
    for written, heard in _SOUNDS if has_vowels else _ABJAD_SOUNDS:
        roman = roman.replace(written, heard)
    heard = roman.translate(_LETTERS if has_vowels else _CONSONANTS)
    return _DOUBLE.sub(r"\1", heard)


@lru_cache(CACHED)
def artist_names(artists: tuple[str, ...]) -> tuple[str, ...]:
    """Name each artist once, as written, out of a list or out of one display string for several."""
    names = (
        name.strip()
        for artist in artists
        for name in _JOINERS.split(_CHANNEL.sub("", " ".join(artist.split())))
    )
    return tuple(dict.fromkeys(name for name in names if name))


@lru_cache(CACHED)
def read_artists(artists: tuple[str, ...]) -> Artists | None:
    """Bring a credit to names that can be compared; None where it names nobody."""
    known = tuple(name for artist in artists if (name := fold_name(artist)) and name not in _NOBODY)
    if not known:
        return None
    single = (fold_name(name) for name in artist_names(artists))
    bare = (fold_name(_ADDITION.sub("", artist)) for artist in artists if "(" in artist)
    told = dict.fromkeys((*known, *(name for name in (*single, *bare) if name)))
    names = tuple(dict.fromkeys((*told, *(alias for name in told for alias in _ALIASES.get(name, ())))))
    return Artists(
        main=names[0],
        names=names,
        whole="".join(known).replace(" ", ""),
        players=tuple(name for name in names if name not in _COMPOSERS),
        imitates=any(f" {word} " in f" {name} " for name in known for word in IMITATORS),
        roman_names=tuple(name if name.isascii() else fold(romanize(name)) for name in names),
    )


def fold_name(artist: str) -> str:
    """Fold an artist's name, without the article and what a video channel adds to it."""
    folded = fold(_CHANNEL.sub("", artist))
    return folded.removeprefix("the ") or folded


def _without_accents(text: str) -> str:
    """Take the accents from letters; Japanese voicing marks and the like are none and stay."""
    bare = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
    if bare.isascii():
        return bare
    return "".join(anyascii(sign).casefold() if "\xbf" < sign < "\u0250" else sign for sign in bare)


def _read_aliases(lines: str) -> dict[str, tuple[str, ...]]:
    artists = [tuple(map(fold_name, line.split("|"))) for line in lines.splitlines() if line.strip()]
    return {name: artist for artist in artists for name in artist}


_COMPOSERS = _read_aliases(COMPOSERS)
_ALIASES = _read_aliases(ALIASES) | _COMPOSERS
_NOBODY = frozenset(fold_name(name) for name in NOBODY)

"""How like two titles or two credits are, 0..1."""

import re
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from worker.matching.normalize import CACHED, Artists, fold, sound
from worker.matching.titles import Title

_UNTOLD = 0.7  # two scripts may hide one title; only a common album and length, or file, can tell
_UNVOWELLED = re.compile(r"[\u0590-\u06ff]")  # Hebrew, Arabic
_RELATED = 0.66  # enough where title, album and length agree, and only there
_COMPOSED = 0.75  # less than an artist who agrees, enough where the lengths agree
_LATIN = re.compile(r"[A-Za-z0-9]")
_LETTER = re.compile(r"[^\W\d_]")
_NEGATIONS = frozenset(
    {"no", "not", "dont", "never", "without", "non", "kein", "keine", "nicht", "nie", "ohne", "sin", "sans"}
    | {"pas", "jamais", "nunca", "não", "sem", "не", "нет", "без"}
)
_FILLERS = frozenset({"the", "a", "an", "and", "of", "to", "la", "el", "le", "o"})


def title_likeness(one: Title, other: Title) -> float:
    """Compare two titles without their versions; in their own script or in Latin letters."""
    if one.core == other.core:
        if one.full == other.full:
            return 1.0
        if not one.extras or not other.extras:
            return 0.93
        return 0.55 + 0.4 * fuzz.token_sort_ratio(one.full, other.full) / 100
    if one.running == other.running:
        return 1.0
    if are_foreign(one.core, other.core) and (one.core in other.extras or other.core in one.extras):
        return 0.97  # "Spring Snow (봄눈)" and "봄눈"
    best = _forms_likeness((one.core, one.full), (other.core, other.full))
    if best < 0.95 and one.full.isascii() != other.full.isascii():
        best = max(best, _scripts_likeness(one, other))
    elif best < 0.95 and one.roman_full == other.roman_full and len(one.full) > 2:
        best = 0.97  # simplified and traditional signs; shorter ones sound alike too often
    return best


def _scripts_likeness(one: Title, other: Title) -> float:
    """Compare two titles in different scripts; one may still be the name of the other that is said anew."""
    roman = _forms_likeness((one.roman_core, one.roman_full), (other.roman_core, other.roman_full))
    heard = _sound_likeness(one.roman_full, other.roman_full, within=one.full + other.full)
    untold = _UNTOLD if are_foreign(one.full, other.full) else 0.0
    return max(roman * 0.97, heard, untold)


def _sound_likeness(one: str, other: str, *, within: str) -> float:
    """Compare how two romanised texts sound. within: what was romanised, to tell the scripts."""
    has_vowels = _UNVOWELLED.search(within) is None
    mine, theirs = sound(one, has_vowels=has_vowels), sound(other, has_vowels=has_vowels)
    return 0.95 * fuzz.ratio(mine, theirs) / 100 if min(len(mine), len(theirs)) > 2 else 0.0


def is_contained(one: Title, other: Title) -> bool:
    """Say whether all words of one title stand in the other, and none of the rest turns it round."""
    words, others = set(one.full.split(" ")), set(other.full.split(" "))
    return (words <= others or others <= words) and (words ^ others).isdisjoint(_NEGATIONS)


def artist_likeness(
    one: Artists | None,
    other: Artists | None,
    *,
    guests: tuple[tuple[str, ...], tuple[str, ...]],
    is_work: bool = False,
) -> float | None:
    """Compare two credits; None where one names nobody, or writes a name in another script.

    guests: the artists that each title names. is_work: it is a composed work, whose first artist may be the
    composer.
    """
    if one is None or other is None:
        return None
    if one.whole == other.whole:
        return 1.0
    if len(one.players) < len(one.names) or len(other.players) < len(other.names):
        return _performers_likeness(one, other)
    if one.main == other.main:
        return _credit_likeness(one.names[1:], other.names[1:]) if is_work and _are_more(one, other) else 1.0
    best = _names_likeness(one, other, guests=guests)
    if best < 0.6 and are_foreign(one.main, other.main):
        return None  # a name in two scripts can look like nothing of the kind
    return best


def _names_likeness(
    one: Artists, other: Artists, *, guests: tuple[tuple[str, ...], tuple[str, ...]]
) -> float:
    best = _credit_likeness(one.names, other.names)
    if best < 0.9 and one.whole.isascii() != other.whole.isascii():
        best = max(best, _credit_likeness(one.roman_names, other.roman_names) * 0.97)
        best = max(
            best, _sound_likeness(one.roman_names[0], other.roman_names[0], within=one.main + other.main)
        )
    if best < 0.7 and (guests[0] or guests[1]):
        mine = one.names + tuple(fold(name) for name in guests[0])
        theirs = other.names + tuple(fold(name) for name in guests[1])
        best = max(best, 0.9 * _credit_likeness(mine, theirs))
    return max(best, _RELATED) if _are_related(one, other) else best


def _are_more(one: Artists, other: Artists) -> bool:
    """Say whether both credits name somebody beside the first."""
    return len(one.names) > 1 and len(other.names) > 1


def _performers_likeness(one: Artists, other: Artists) -> float:
    """Compare who plays a composed work; where one side names the composer only, that is not known."""
    if one.players and other.players:
        return _credit_likeness(one.players, other.players)
    return _COMPOSED * _credit_likeness(one.names, other.names)


def _forms_likeness(one: tuple[str, str], other: tuple[str, str]) -> float:
    core, full = one
    other_core, other_full = other
    if core == full and other_core == other_full:
        return _words_likeness(core, other_core)
    return max(
        0.93 * _words_likeness(core, other_core),
        0.98 * _words_likeness(full, other_full),
        0.96 * _words_likeness(full, other_core),
        0.96 * _words_likeness(core, other_full),
    )


def _words_likeness(one: str, other: str) -> float:
    """Compare two folded texts; a word that only one of them has weighs more than its letters."""
    if one == other:
        return 1.0
    ratio = fuzz.ratio(one, other) / 100
    if ratio < 0.3:
        return ratio
    if one.replace(" ", "") == other.replace(" ", "") or ("*" in one + other and _is_masked(one, other)):
        return 0.98
    words, others = set(one.split(" ")), set(other.split(" "))
    only, extra = words - others - _FILLERS, others - words - _FILLERS
    if not only and not extra:
        return max(ratio, 0.95)
    if not only or not extra:
        return max(ratio * 0.85, 0.7 if len(words & others) > 1 or ratio > 0.5 else 0.0)
    alike = OSA.normalized_similarity("".join(sorted(only)), "".join(sorted(extra)))
    return max(ratio, 0.9) if alike >= 0.8 else ratio * (0.6 + 0.4 * alike)


@lru_cache(CACHED)
def _credit_likeness(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    forward = max(_name_likeness(one[0], name) for name in other)
    backward = max(_name_likeness(other[0], name) for name in one)
    return 0.85 * max(forward, backward) + 0.15 * min(forward, backward)


def _name_likeness(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if one.replace(" ", "") == other.replace(" ", ""):
        return 0.99
    ratio = fuzz.ratio(one, other) / 100
    words, others = set(one.split(" ")), set(other.split(" "))
    return max(0.85, ratio) if words <= others or others <= words else ratio


def _are_related(one: Artists, other: Artists) -> bool:
    """Say whether somebody plays on both, or one name begins or ends with the other, as after a renaming."""
    if not set(one.names).isdisjoint(other.names):
        return True
    main, others = one.main.replace(" ", ""), other.main.replace(" ", "")
    short, long = sorted((main, others), key=len)
    if len(short) >= 3 and (long.startswith(short) or long.endswith(short)):
        return True
    return sorted(main) == sorted(others)


def are_foreign(one: str, other: str) -> bool:
    """Say whether one text has Latin letters or digits, and the other letters of other scripts only."""
    latin, others_latin = _LATIN.search(one) is not None, _LATIN.search(other) is not None
    return latin != others_latin and _LETTER.search(other if latin else one) is not None


def _is_masked(one: str, other: str) -> bool:
    """Say whether two texts differ only by letters that one platform hides behind asterisks."""
    return any(
        "*" in masked and re.fullmatch(re.escape(masked).replace(r"\*", "[^ ]"), shown) is not None
        for masked, shown in ((one, other), (other, one))
    )

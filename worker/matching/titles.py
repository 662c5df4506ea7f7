"""Titles taken apart into core, versions, guests and numbers."""

import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from worker.matching.normalize import CACHED, artist_names, fold, romanize
from worker.matching.tidy import tidy
from worker.matching.versions import VERSION_BY_KIND, VERSIONS, Version, Weight
from worker.matching.vocabulary import CLEAN, EXPLICIT, FEATURING, ORIGINS, PLAIN_WORDS

_OPENING = "([{（【〔"
_CLOSING = ")]}）】〕"
_QUOTES = "「」『』«»〈〉《》"  # they quote a title rather than add to it
_BRACKET = re.compile(f"[{re.escape(_OPENING + _CLOSING + _QUOTES)}]")
_DASH = re.compile(r" [-–—―‐~〜|]+ | [-–—](?=[(\[])|(?<=[)\]]) ?[-–—~] ?")
_FEATURING = re.compile(r" (?:feat|ft|featuring)\b\.? (?=\S)", re.IGNORECASE)
# Versions that stand at the end of a title without brackets or dash.
_VIDEO = "official|oficial|officiel|music|musik|lyrics?|video|videoclip|clip|audio|hd|hq|4k"
_SAID = "acoustic|instrumental|karaoke|extended|radio|live|album|single|remastered|official|lyrics?|slowed"
_TAILS = (
    re.compile(rf"(?<=\S)((?: (?:{_VIDEO})){{2,}}| (?:hd|hq|4k))$", re.IGNORECASE),
    re.compile(r"(?<=\S) (live (?:at|from) \S.*)$", re.IGNORECASE),
    re.compile(r"(?<=\S) [-–~]([^-–~]+)[-–~]$"),  # "Title -Live Ver.-"
    re.compile(r"(?<=\S) (in dub)$", re.IGNORECASE),
    re.compile(rf"(?<=\S) ((?:{_SAID}) (?:version|edit|mix|video|audio))$", re.IGNORECASE),
    re.compile(
        r"(?<=\S) (sped up|slowed (?:\+|and|&) reverb|original mix|club mix|remastered)$", re.IGNORECASE
    ),
)
_HAS_TAIL = re.compile(  # one search for most titles, which have none
    rf"(?: live (?:at|from) |(?:{_VIDEO}|version|edit|mix|sped up|reverb|remastered|dub|[-–~])$)",
    re.IGNORECASE,
)
# "Sonata No. 2", "in B-flat major", "Op. 9", "K. 331": a work, and not who plays it.
_WORK = re.compile(
    r"\b(?:opus \d|(?:bwv|hwv|rv|kv|hob|woo|deutsch) ?\d|in [a-g](?: flat| sharp)? (?:major|minor)"
    r"|(?:sonata|sonate|concerto|konzert|symphony|sinfonie|symphonie|quartet|nocturne|etude|prelude) no \d)"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_DIGITS = re.compile(r"\d+")
_ENDINGS = frozenset({"remix", "remixed", "live", "acoustic", "instrumental"})
_PARTS = {
    "pt": "part", "pts": "part", "parts": "part", "teil": "part", "parte": "part", "partie": "part",
    "часть": "part", "vol": "volume", "nr": "no", "num": "no", "number": "no", "numero": "no", "nummer": "no",
    "op": "opus", "mvt": "movement", "ch": "chapter",
}  # fmt: skip
_COUNTED = frozenset({
    "part", "volume", "no", "opus", "movement", "act", "scene", "chapter", "book", "symphony", "phase",
    "disc", "side", "kapitel",
})  # fmt: skip
_COUNTS = {
    "i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9",
    "x": "10", "xi": "11", "xii": "12", "xiii": "13", "xiv": "14", "xv": "15", "xvi": "16", "xvii": "17",
    "xviii": "18", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip
# Roman numerals that are nothing else; the others count only after a word like "part".
_NUMERALS = frozenset(word for word in _COUNTS if set(word) <= set("ivx")) - {"i", "v", "x"}
# Number words that count where they end a title; "The One" and "Ten" do not.
_LAST_COUNTS = frozenset({"two", "three", "four", "five", "six", "seven", "eight", "nine"})
_AROUND = frozenset({
    "the", "a", "an", "of", "by", "in", "at", "on", "from", "and", "for", "de", "la", "el", "le", "du", "en",
    "von", "der", "die", "das",
})  # fmt: skip


class Tag(msgspec.Struct, frozen=True):
    """A version that a title names. detail: what stands around the word (remixer, venue), folded."""

    version: Version
    detail: str = ""

    @property
    def kind(self) -> str:
        return self.version.kind

    @property
    def weight(self) -> Weight:
        return self.version.weight


class Title(msgspec.Struct, frozen=True):
    """A title taken apart. core, full and extras are folded; core is empty only where the title is blank.

    full: core with the extras, which are the parts in brackets or after a dash that name no version.
    running: core and extras in the order they are written in, where that is another one. roman_core,
    roman_full: core and full in Latin letters. written: the core as it was written. version_words: the
    parts that name a version, as they were written. explicit: whether it calls itself explicit (True) or
    clean (False). is_work: it is worded like a composed work, which many perform.
    """

    core: str
    full: str
    extras: tuple[str, ...]
    tags: tuple[Tag, ...]
    guests: tuple[str, ...]
    numbers: tuple[str, ...]
    running: str
    roman_core: str
    roman_full: str
    written: str
    version_words: tuple[str, ...]
    explicit: bool | None
    is_work: bool


class Album(msgspec.Struct, frozen=True):
    """The name of an album without its packaging, and all its words.

    kinds: versions that it speaks of anywhere. called: decisive ones that it names in brackets or behind a
    dash.
    """

    name: str
    words: str
    kinds: frozenset[str]
    called: frozenset[str]


class _Segment(msgspec.Struct, frozen=True):
    """What one part in brackets or after a dash says: guests, versions, or an extra; or nothing of use."""

    guests: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    version_words: str = ""
    extra: str = ""


@lru_cache(CACHED)
def read_title(text: str) -> Title:
    """Take a title apart into its core, versions, guests and numbers."""
    text = tidy(text)
    core, parts = _split(text)
    guests: tuple[str, ...] = ()
    featuring = _FEATURING.search(core)
    if featuring and featuring.start():
        guests = artist_names((core[featuring.end() :],))
        core = core[: featuring.start()]
    segments = [_read_segment(part) for part in parts]
    folded = count_parts(fold(core))
    extras = tuple(segment.extra for segment in segments if segment.extra)
    full = " ".join((folded, *extras))
    numbers = tuple(sorted(_DIGITS.findall(full)))
    return Title(
        core=folded,
        full=full,
        extras=extras,
        tags=_merge(tag for segment in segments for tag in segment.tags),
        guests=(*guests, *(guest for segment in segments for guest in segment.guests)),
        numbers=numbers,
        running=count_parts(fold(_DASH.split(text)[0])) if text[:1] in _OPENING and extras else full,
        roman_core=folded if folded.isascii() else fold(romanize(folded)),
        roman_full=full if full.isascii() else fold(romanize(full)),
        written=core,
        version_words=tuple(segment.version_words for segment in segments if segment.version_words),
        explicit=_flag(parts) if parts else None,
        is_work=(bool(numbers) or " in " in full) and _WORK.search(full) is not None,
    )


@lru_cache(CACHED)
def read_album(text: str) -> Album:
    """Bring the name of an album to a form that can be compared."""
    words = fold(text)
    kinds = frozenset(tag.kind for tag in _tags(*find_versions(words)))
    name = read_title(text)
    called = frozenset(tag.kind for tag in name.tags if tag.weight is Weight.DECISIVE)
    return Album(name=name.core, words=words, kinds=kinds, called=called)


def _flag(parts: Iterable[str]) -> bool | None:
    words = {word for part in parts for word in fold(part).split(" ")}
    if words.isdisjoint(EXPLICIT) == words.isdisjoint(CLEAN):
        return None
    return not words.isdisjoint(EXPLICIT)


def _split(text: str) -> tuple[str, list[str]]:
    """Part a title into what stands outside brackets and before a dash, and the rest piece by piece."""
    outside, parts = _take_brackets(text)
    core, *after = _DASH.split(outside)
    while not core.strip() and after:
        core = after.pop(0)
    parts += after
    for tail in _TAILS if _HAS_TAIL.search(core) else ():
        if found := tail.search(core):
            parts.append(found.group(1))
            core = core[: found.start()]
    parts = [part.strip() for part in parts if part.strip()]
    if not core.strip():
        core = parts.pop(0) if parts else text
    return " ".join(core.split()), parts


def _take_brackets(text: str) -> tuple[str, list[str]]:
    """Part a text into what stands outside brackets and what each pair of brackets holds."""
    if not _BRACKET.search(text):
        return text, []
    held = [""]  # outside first
    depth = 0
    for sign in text:
        if sign in _OPENING:
            if not depth:
                held.append("")
            held[0] += " "
            depth += 1
        elif sign in _CLOSING:
            depth = max(0, depth - 1)
        else:
            held[-1 if depth else 0] += " " if sign in _QUOTES else sign
    return " ".join(held[0].split()), held[1:]


def _read_segment(part: str) -> _Segment:
    folded = fold(part)
    first, _, rest = folded.partition(" ")
    if first in FEATURING and rest:
        ending = part.rsplit(maxsplit=1)[-1].casefold()  # "feat. Somebody Remix"
        tags = _tags(*find_versions(ending)) if ending in _ENDINGS else ()
        return _Segment(guests=artist_names((part.partition(" ")[2],)), tags=tags)
    found, around = find_versions(folded)
    if found:
        is_soft = all(version.weight is Weight.SOFT for version in found)
        return _Segment(tags=_tags(found, around), version_words="" if is_soft else part)
    if is_origin(folded) or _YEAR.fullmatch(folded):
        return _Segment()
    return _Segment(extra=count_parts(folded))


def find_versions(folded: str) -> tuple[tuple[Version, ...], str]:
    """Find the versions that a text names, and the words that stand around them."""
    if folded.isascii() and _FIRST_WORDS.isdisjoint(folded.split(" ")):
        return (), " ".join(word for word in folded.split(" ") if word not in _AROUND)
    phrases: list[str] = []

    def take(match: re.Match[str]) -> str:
        phrases.append(match.group(0))
        return " "

    around = _PHRASE.sub(take, folded).split()
    if len(around) > 2:
        phrases = [phrase for phrase in phrases if phrase not in PLAIN_WORDS]
    found = {_BY_PHRASE[phrase].kind: _BY_PHRASE[phrase] for phrase in phrases}
    return tuple(found.values()), " ".join(word for word in around if word not in _AROUND)


def is_origin(folded: str) -> bool:
    """Say whether a part of a title tells where the track comes from or who made it."""
    return _ORIGIN.match(folded) is not None


def _tags(found: tuple[Version, ...], around: str) -> tuple[Tag, ...]:
    """Turn the versions that a text names into tags; "Somebody's Edit" is a remix, "2011 Edit" is none."""
    names_somebody = bool(around) and not around.replace(" ", "").isdigit()
    tags = []
    for version in found:
        if version.kind == "shortened" and len(found) == 1 and names_somebody:
            tags.append(Tag(_REMIX, around))
        elif version.weight is not Weight.SOFT and not _is_said_better(version, found, around):
            tags.append(Tag(version, around if version.named else ""))
    return tuple(tags)


def _is_said_better(version: Version, found: tuple[Version, ...], around: str) -> bool:
    """Say whether "version" is only the noun of another word: "Live Version", "Album Version"."""
    return version.kind == "version" and (len(found) > 1 or not around)


def _merge(tags: Iterable[Tag]) -> tuple[Tag, ...]:
    """Keep one tag of a kind, with all the words that name it."""
    merged: dict[str, Tag] = {}
    for tag in tags:
        known = merged.get(tag.kind)
        detail = f"{known.detail} {tag.detail}".strip() if known else tag.detail
        merged[tag.kind] = Tag(tag.version, detail)
    return tuple(merged.values())


def count_parts(folded: str) -> str:
    """Write part words and Roman numerals in one way, so that "Pt. II" equals "Part 2"."""
    words = [_PARTS.get(word, word) for word in folded.split(" ")]
    for place in range(1, len(words)):
        word = words[place]
        is_last = place + 1 == len(words) and word in _LAST_COUNTS
        if word in _NUMERALS or is_last or (word in _COUNTS and words[place - 1] in _COUNTED):
            words[place] = _COUNTS[word]
    return " ".join(words) if len(words) > 1 else folded


def _pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Match the longest phrase first, as whole words where the script has spaces."""
    ordered = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    spaced = "|".join(re.escape(phrase) for phrase in ordered if phrase < "\u3000")
    unspaced = "|".join(re.escape(phrase) for phrase in ordered if phrase >= "\u3000")
    return re.compile(rf"\b(?:{spaced})\b|(?:{unspaced})")


_BY_PHRASE = {fold(phrase): version for version in VERSIONS for phrase in version.phrases}
_REMIX = VERSION_BY_KIND["remix"]
_FIRST_WORDS = frozenset(phrase.split(" ")[0] for phrase in _BY_PHRASE)
_PHRASE = _pattern(_BY_PHRASE)
_ORIGIN = re.compile(rf"(?:{'|'.join(re.escape(fold(origin)) for origin in ORIGINS)})\b")

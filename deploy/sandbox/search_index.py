"""Text search over the world: an inverted index with a fixed ranking."""

import math
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

# Scripts without spaces are indexed character by character.
WORD = re.compile(r"[぀-ヿ㐀-鿿가-힣]|[^\W_぀-ヿ㐀-鿿가-힣]+")
FIELDS = ("title", "artist", "album")
LONG_POSTING = 5000
CANDIDATES_ENOUGH = 50


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The searchable words of one recording."""

    title: str
    artist: str
    album: str


@lru_cache(maxsize=65536)
def tokens(text: str) -> tuple[str, ...]:
    """Split into comparable words: lower case, no Latin accents; a title of signs keeps its signs."""
    folded = text.casefold()
    if not folded.isascii():
        parts = unicodedata.normalize("NFKD", folded)
        folded = unicodedata.normalize("NFC", "".join(c for c in parts if not _is_latin_accent(c)))
    found = tuple(WORD.findall(folded))
    return found or tuple(folded.split())


def _is_latin_accent(char: str) -> bool:
    return "\u0300" <= char <= "\u036f"


class SearchIndex:
    """Finds documents by their words; documents are known by their position."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._postings: dict[str, dict[str, array[int]]] = {
            field: defaultdict(lambda: array("I")) for field in FIELDS
        }
        self._lengths = array("H")
        for position, document in enumerate(documents):
            self._add(position, document)
        self._count = len(self._lengths)

    def _add(self, position: int, document: Document) -> None:
        words = {field: frozenset(tokens(getattr(document, field))) for field in FIELDS}
        for field, members in words.items():
            for word in members:
                self._postings[field][word].append(position)
        self._lengths.append(min(65535, len(words["title"] | words["artist"])))

    def having(self, field: str, value: str) -> set[int]:
        """Return the documents whose field holds every word of the value."""
        postings = [self._postings[field].get(word, array("I")) for word in set(tokens(value))]
        if not postings:
            return set()
        postings.sort(key=len)
        found = set(postings[0])
        for posting in postings[1:]:
            found.intersection_update(posting)
        return found

    def ranked(self, query: str, *, among: set[int] | None = None) -> list[int]:
        """Return the documents that share at least half of the query's words, nearest first.

        Rare words weigh more; among equals the one with fewer other words comes first, then the
        one that stands earlier in the world. `among` limits the answer to these documents.
        """
        words = sorted(set(tokens(query)), key=lambda word: (self._frequency(word), word))
        weights: dict[int, float] = defaultdict(float)
        hits: dict[int, int] = defaultdict(int)
        for word in words:
            weight = math.log(1 + self._count / (1 + self._frequency(word)))
            for position in self._positions(word, known=hits):
                weights[position] += weight
                hits[position] += 1
        needed = (len(words) + 1) // 2
        found = [p for p, count in hits.items() if count >= needed and (among is None or p in among)]
        return sorted(found, key=lambda p: (-round(weights[p], 6), self._lengths[p], p))

    def _frequency(self, word: str) -> int:
        return len(self._postings["title"].get(word, ())) + len(self._postings["artist"].get(word, ()))

    def _positions(self, word: str, *, known: dict[int, int]) -> Sequence[int]:
        """Documents with the word; for a very common word only those that are already candidates."""
        title = self._postings["title"].get(word, array("I"))
        artist = self._postings["artist"].get(word, array("I"))
        both = set(title).union(artist)
        if len(both) > LONG_POSTING and len(known) >= CANDIDATES_ENOUGH:
            both.intersection_update(known)
        return sorted(both)

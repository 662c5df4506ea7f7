"""XSPF, the XML form of playlists. What an XML file can ask a parser to fetch or to expand is refused."""

import re
from collections.abc import Iterable, Sequence
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from shared.errors import FileUnreadable
from shared.formats.entries import Entry, duration_of, number_of, to_item, unmultiplied, yes_or_no
from shared.formats.imported import FileFormat, Imported, ImportedList, NamedRest
from shared.formats.jspf import MULTIPLIED, best_uri, isrc_in
from shared.formats.limits import TEXT_LETTERS, Tally
from shared.formats.texts import stored
from shared.models import NotTransferable, SourceItem, Track

NAMESPACE = "http://xspf.org/ns/0/"
_META = "urn:crossplay:"
_MOST_DEEP = 50
_MOST_FACTS = 200  # of one track
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WHITE_SIGNS = {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}

Facts = dict[str, list[str]]
"""What a track's elements hold, by their names; of a meta element by its `rel`."""


def read(content: bytes, *, name: str, notes: Sequence[str] = ()) -> Imported:
    """Read an XSPF file. Raises FileUnreadable."""
    document = _Document()
    try:
        document.parse(content)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise FileUnreadable(f"The XML cannot be read ({error}): it may have been cut.") from error
    if not document.is_playlist:
        raise FileUnreadable("The XML is no playlist in the form XSPF: export it as XSPF, M3U or CSV.")
    lengths, is_multiplied = unmultiplied(
        [duration_of(_only(facts, "duration"), is_ms=True) for facts in document.tracks]
    )
    tally = Tally()
    items: list[SourceItem] = []
    rest: list[NamedRest] = []
    for facts, length_ms in zip(document.tracks, lengths, strict=True):
        number, made = tally.add(), to_item(_entry(facts, length_ms))
        if isinstance(made, str):
            rest.append(NamedRest(row=number, reason=made))
        else:
            items.append(made)
    title = stored(document.title).strip()[:TEXT_LETTERS]
    one = ImportedList(name=title or name, items=tuple(items), rest=tuple(rest))
    told = (*notes, MULTIPLIED) if is_multiplied else tuple(notes)
    return Imported(format=FileFormat.XSPF, lists=(one,), notes=told)


class _Document:
    """Takes what is said of tracks out of an XML file, without ever holding its tree."""

    def __init__(self) -> None:
        self.tracks: list[Facts] = []
        self.title = ""
        self.is_playlist = False
        self._tally = Tally()
        self._path: list[str] = []
        self._fact = ""
        self._text: list[str] = []

    def parse(self, content: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._take
        parser.Parse(content, True)

    def _refuse(self, *_: object) -> None:
        raise FileUnreadable("The XML has a document type, which could expand: take its `<!DOCTYPE …>` out.")

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
        local = tag.rpartition(" ")[2]
        self._path.append(local)
        if len(self._path) > _MOST_DEEP:
            raise FileUnreadable("The XML is nested too deep for a playlist.")
        if self._path == ["playlist"]:
            self.is_playlist = True
        if self._path == _TRACK:
            self._tally.add()
            self.tracks.append({})
        if self._path[:-1] == _TRACK:
            self._fact = attributes.get("rel", local) if local == "meta" else local
        self._text = []

    def _take(self, text: str) -> None:
        self._text.append(text)

    def _end(self, _: str) -> None:
        if self._path == ["playlist", "title"]:
            self.title = "".join(self._text)
        if self._path[:-1] == _TRACK:
            held = self.tracks[-1].setdefault(self._fact, [])
            if len(held) < _MOST_FACTS:
                held.append("".join(self._text))
        self._path.pop()
        self._text = []


_TRACK = ["playlist", "trackList", "track"]


def _entry(facts: Facts, duration_ms: int | None) -> Entry:
    names = [name.strip() for name in (*facts.get("identifier", ()), *facts.get("location", ()))]
    creator = _only(facts, "creator")
    isrcs = [text for rel, texts in facts.items() if "isrc" in rel.lower() for text in texts]
    return Entry(
        title=_only(facts, "title"),
        artists=facts.get(f"{_META}artist") or ((creator,) if creator.strip() else ()),
        album=_only(facts, "album"),
        duration_ms=duration_ms,
        isrc=next(iter(isrcs), "") or isrc_in(names),
        explicit=yes_or_no(_only(facts, f"{_META}explicit")),
        release_date=_only(facts, f"{_META}release-date").strip(),
        track_number=number_of(_only(facts, "trackNum")),
        disc_number=number_of(_only(facts, f"{_META}disc-number")),
        uri=best_uri(names),
        kind=_kind(_only(facts, f"{_META}kind")),
    )


def _only(facts: Facts, name: str) -> str:
    return next(iter(facts.get(name, ())), "")


def _kind(text: str) -> NotTransferable | None:
    return NotTransferable(text) if text in set(NotTransferable) else None


def write(name: str, items: Iterable[SourceItem]) -> bytes:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<playlist version="1" xmlns="{NAMESPACE}">',
        f"  {_element('title', name)}",
        "  <trackList>",
    ]
    for item in items:
        lines += ["    <track>", *(f"      {line}" for line in _lines(item)), "    </track>"]
    return "\n".join([*lines, "  </trackList>", "</playlist>", ""]).encode()


def _lines(item: SourceItem) -> list[str]:
    track = item.track
    if track is None:
        kind = [_meta("kind", item.not_transferable)] if item.not_transferable else []
        return [_element("title", item.title), *kind]
    # In the order that the format's schema has them.
    elements = (
        ("identifier", track.url),
        ("identifier", f"urn:isrc:{track.isrc}" if track.isrc else None),
        ("title", track.title),
        ("creator", ", ".join(track.artists) or None),
        ("album", track.album),
        ("trackNum", track.track_number or None),
        ("duration", track.duration_ms),
    )
    return [
        *(_element(element, str(fact)) for element, fact in elements if fact is not None),
        *_metas(track),
    ]


def _metas(track: Track) -> list[str]:
    facts = (
        *(("artist", artist) for artist in track.artists),
        ("isrc", track.isrc),
        ("explicit", None if track.explicit is None else str(track.explicit).lower()),
        ("release-date", track.release_date),
        ("disc-number", track.disc_number),
    )
    return [_meta(rel, str(fact)) for rel, fact in facts if fact is not None]


def _meta(rel: str, text: str) -> str:
    return f"<meta rel={quoteattr(_META + rel)}>{_escaped(text)}</meta>"


def _element(name: str, text: str) -> str:
    return f"<{name}>{_escaped(text)}</{name}>"


def _escaped(text: str) -> str:
    return escape(_NO_XML.sub("", text), _WHITE_SIGNS)

"""M3U and M3U8: a line for each track, and what programs have added to it as comments."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

import msgspec

from shared.errors import FileUnreadable
from shared.formats.entries import Entry, artist_and_title, to_item, url_of
from shared.formats.imported import FileFormat, Imported, ImportedList, NamedRest
from shared.formats.limits import TEXT_LETTERS, Tally
from shared.formats.texts import stored
from shared.models import SourceItem, Track

MARK = "#EXTM3U"
_ABOUT = re.compile(r'#EXTINF:\s*(-?\d{1,9}(?:\.\d+)?)?((?:\s+[\w-]+="[^"]*")*)\s*,(.*)')
_STREAM = re.compile(r"^#EXT-X-(?:TARGETDURATION|STREAM-INF|MEDIA-SEQUENCE)", re.MULTILINE)
_LINE_ENDS = re.compile(r"\r\n|\r|\n")  # str.splitlines knows more of them than the format does
_NUMBERED = re.compile(r"\d{1,3}(?:\.|\s+-|\s)\s+")
_WHITE = re.compile(r"\s+")
_NAME = re.compile(r"^[ \t]*#PLAYLIST:(.*)$", re.MULTILINE)
_NOTES = {"#EXTART": "artist", "#EXTALB": "album"}


class _About(msgspec.Struct, frozen=True, kw_only=True):
    """What comments have said of the track whose line comes next. artist: None where not told alone."""

    duration_ms: int | None = None
    shown: str | None = None
    artist: str | None = None
    album: str = ""


def is_m3u(text: str, *, name: str) -> bool:
    return text.lstrip().startswith(MARK) or name.lower().endswith((".m3u", ".m3u8"))


def read(text: str, *, name: str, notes: Sequence[str] = ()) -> Imported:
    """Read a playlist file of players. Raises FileUnreadable for what only describes a stream."""
    if _STREAM.search(text):
        raise FileUnreadable("This M3U8 describes the parts of one stream: it holds no playlist of tracks.")
    tally = Tally()
    items: list[SourceItem] = []
    rest: list[NamedRest] = []
    for entry in _entries(text):
        number, made = tally.add(), to_item(entry)
        if isinstance(made, str):
            rest.append(NamedRest(row=number, reason=made))
        else:
            items.append(made)
    title = _NAME.search(text)
    named = stored(title[1]).strip()[:TEXT_LETTERS] if title else ""
    one = ImportedList(name=named or name, items=tuple(items), rest=tuple(rest))
    return Imported(format=FileFormat.M3U, lists=(one,), notes=tuple(notes))


def write(name: str, items: Iterable[SourceItem]) -> bytes:
    lines = [MARK, f"#PLAYLIST:{_one_line(name)}"]
    for item in items:
        lines += _lines(item)
    return ("\n".join(lines) + "\n").encode()


def _entries(text: str) -> Iterator[Entry]:
    about = _About()
    for raw in _LINE_ENDS.split(text):
        line = raw.strip()
        if line.startswith("#EXTINF:"):
            if about.shown is not None:  # the one before has no line of its own
                yield _entry(about, "")
            about = _told(line)
        elif line.startswith("#"):
            about = _noted(about, line)
        elif line:
            yield _entry(about, line)
            about = _About()
    if about.shown is not None:
        yield _entry(about, "")


def _noted(about: _About, line: str) -> _About:
    tag, _, text = line.partition(":")
    field = _NOTES.get(tag)
    return msgspec.structs.replace(about, **{field: text.strip()}) if field else about


def _told(line: str) -> _About:
    found = _ABOUT.fullmatch(line)
    if found is None:
        return _About(shown=line.partition(",")[2].strip())
    seconds = float(found[1] or 0)
    return _About(duration_ms=round(seconds * 1000) if seconds > 0 else None, shown=found[3].strip())


def _entry(about: _About, place: str) -> Entry:
    artist, title = _names(about, place)
    return Entry(
        title=title,
        artists=(artist,) if artist else (),
        album=about.album,
        duration_ms=about.duration_ms,
        uri=place,
    )


def _names(about: _About, place: str) -> tuple[str, str]:
    if not about.shown:
        return artist_and_title("" if url_of(place) else _name_of(place))
    if about.artist is None:
        return artist_and_title(about.shown)
    return about.artist, about.shown.removeprefix(f"{about.artist} - " if about.artist else "")


def _name_of(place: str) -> str:
    """Return what a file is called, without folder, ending and number."""
    last = PurePosixPath(unquote(place).replace("\\", "/")).name
    stem, dot, ending = last.rpartition(".")
    is_ending = bool(dot) and ending.isalnum() and len(ending) <= 5  # such as flac, opus
    return _NUMBERED.sub("", stem if is_ending else last, count=1).strip()


def _lines(item: SourceItem) -> list[str]:
    track = item.track
    if track is None:
        title = _one_line(item.title)
        return [f"#EXTINF:-1,{title}", "#EXTART:", _place("", title)]
    artist, title = _one_line(", ".join(track.artists)), _one_line(track.title)
    shown = f"{artist} - {title}" if artist else title
    album = [f"#EXTALB:{_one_line(track.album)}"] if track.album else []
    return [
        f"#EXTINF:{_seconds(track.duration_ms)},{shown}",
        f"#EXTART:{artist}",
        *album,
        _address(track) or _place(artist, title),
    ]


def _seconds(duration_ms: int | None) -> str:
    return "-1" if duration_ms is None else f"{duration_ms / 1000:.3f}".rstrip("0").rstrip(".")


def _address(track: Track) -> str | None:
    return track.url if track.url and not _WHITE.search(track.url) else None


def _place(artist: str, title: str) -> str:
    """Return a path for a track that has no address, as music is named in folders."""
    return "./" + f"{artist} - {title}".removeprefix(" - ").replace("/", "_").replace("\\", "_")


def _one_line(text: str) -> str:
    return _WHITE.sub(" ", text).strip()

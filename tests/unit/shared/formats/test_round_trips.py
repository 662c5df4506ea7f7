"""What we write is read back as it was, as far as the form can say it; and no bytes ever break the reader."""

import contextlib
import csv
import io
import re
import zipfile

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import FileUnreadable
from shared.formats.imported import ExportFormat, FileFormat, ImportedList
from shared.formats.reading import read
from shared.formats.table_writing import HEADER
from shared.formats.writing import write
from shared.models import Isrc, NotTransferable, Platform, SourceItem, Track, TrackId
from shared.platforms.files.identity import identify
from tests.unit.shared.formats import dialects
from tests.unit.shared.formats.dialects import Render

# Everything that Postgres can keep; what makes trouble in some form comes often.
SIGNS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
TROUBLE = st.sampled_from([*"=+-@'\",;\\&<>#|\t\r\n\ufeff ", " - ", "]]>", "\\,", "''=", "\u2028", "\x0b"])
TEXTS = st.lists(st.one_of(TROUBLE, SIGNS), min_size=1, max_size=12).map("".join)
NAMES = TEXTS.filter(str.strip)
TRACKS = st.builds(
    Track,
    platform=st.just(Platform.FILE),
    id=st.just(TrackId("")),
    title=NAMES,
    artists=st.lists(NAMES, max_size=3).map(tuple),
    album=st.none() | NAMES,
    duration_ms=st.none() | st.integers(1, 21_000_000),
    isrc=st.none() | st.from_regex(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", fullmatch=True).map(Isrc),
    explicit=st.none() | st.booleans(),
    release_date=st.none() | st.sampled_from(["2019", "2019-05", "2019-05-06"]),
    track_number=st.none() | st.integers(1, 99_999),
    disc_number=st.none() | st.integers(1, 99_999),
    url=st.none()
    | st.sampled_from(["https://open.spotify.com/track/0123456789abcdefghijKL", "http://a.example/?b=c&d"]),
).map(identify)
ODD = st.builds(SourceItem, not_transferable=st.sampled_from(NotTransferable), title=NAMES)
ITEMS = st.lists(
    st.one_of(TRACKS.map(lambda track: SourceItem(track=track, title=track.title)), ODD), max_size=6
).map(tuple)
THOROUGH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def back(items: tuple[SourceItem, ...], form: ExportFormat, *, name: str = "Night Drive") -> ImportedList:
    (one,) = read(write(name, items, form=form), name="download").lists
    return one


@pytest.mark.parametrize("form", [ExportFormat.CSV, ExportFormat.JSPF, ExportFormat.JSON])
@given(items=ITEMS)
@THOROUGH
def test_tables_and_json_give_back_every_item_as_it_was(
    form: ExportFormat, items: tuple[SourceItem, ...]
) -> None:
    one = back(items, form)

    assert (one.items, one.rest) == (items, ())


@given(items=ITEMS)
@THOROUGH
def test_xspf_gives_back_every_item_but_for_signs_that_xml_does_not_have(
    items: tuple[SourceItem, ...],
) -> None:
    known = tuple(map(as_xml, items))

    one = back(items, ExportFormat.XSPF)

    whole = [item for item in known if item.title.strip()]
    assert list(one.items) == whole
    assert len(one.rest) == len(known) - len(whole)


@given(items=ITEMS)
@THOROUGH
def test_m3u8_gives_back_titles_artists_albums_lengths_and_addresses(items: tuple[SourceItem, ...]) -> None:
    one = back(items, ExportFormat.M3U8)

    assert [told_by_m3u(item) for item in one.items] == [told_by_m3u(item) for item in items]
    assert one.rest == ()


@pytest.mark.parametrize("form", ExportFormat)
@given(items=ITEMS.filter(bool), name=NAMES)
@THOROUGH
def test_the_name_of_a_playlist_is_kept(form: ExportFormat, items: tuple[SourceItem, ...], name: str) -> None:
    one = back(items, form, name=name)

    kept = re.sub(r"\s+", " ", name) if form is ExportFormat.M3U8 else name
    kept = xml(kept) if form is ExportFormat.XSPF else kept
    assert one.name == (kept.strip() or "download")


@pytest.mark.parametrize("form", ExportFormat)
def test_an_empty_playlist_is_one(form: ExportFormat) -> None:
    assert back((), form).items == ()


@given(items=ITEMS)
@THOROUGH
def test_no_cell_of_a_table_is_a_formula(items: tuple[SourceItem, ...]) -> None:
    text = write("=1+1", items, form=ExportFormat.CSV).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))

    assert rows[0] == list(HEADER)
    assert not any(re.match(r"[=+\-@\t\r\n＝＋－＠]", cell) for row in rows for cell in row)


@given(content=st.binary(max_size=2000))
@settings(max_examples=150, deadline=None)
def test_random_bytes_are_read_or_refused_and_nothing_else(content: bytes) -> None:
    for head in (b"", b"PK\x03\x04", b"{", b'{"playlists":[', b"<playlist>", b"#EXTM3U\n", b"title,artist\n"):
        with contextlib.suppress(FileUnreadable):
            read(head + content, name="file")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good file of some form that was cut, or of which some bytes are others."""
    row = {"title": "Lantern", "artists": ["Boats"], "isrc": "XXAAA2600001", "duration_ms": 187_500}
    renders: tuple[Render, ...] = (
        *(dialects.exportify, dialects.tunemymusic, dialects.soundiiz, dialects.m3u8, dialects.xspf),
        *(dialects.jspf, dialects.spotify_account),
    )
    content = draw(st.sampled_from(renders))("Night Drive", [row] * 3)
    if draw(st.booleans()):
        stream = io.BytesIO()
        with zipfile.ZipFile(
            stream, "w", draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
        ) as archive:
            archive.writestr("Playlist1.json", content)
        content = stream.getvalue()
    changed = bytearray(content[: draw(st.integers(0, len(content)))])
    for _ in range(draw(st.integers(0, 8)) if changed else 0):
        changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)


@given(content=damaged())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_cut_and_damaged_files_are_read_or_refused_and_nothing_else(content: bytes) -> None:
    with contextlib.suppress(FileUnreadable):
        for one in read(content, name="file").lists:
            for item in one.items:
                msgspec.json.encode(item).decode()
                assert "\x00" not in item.title


def xml(text: str) -> str:
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def as_xml(item: SourceItem) -> SourceItem:
    """Return an item without the signs that no XML can hold."""
    if item.track is None:
        return msgspec.structs.replace(item, title=xml(item.title))
    track = msgspec.structs.replace(
        item.track,
        title=xml(item.track.title),
        artists=tuple(filter(str.strip, map(xml, item.track.artists))),
        album=xml(item.track.album) if item.track.album and xml(item.track.album).strip() else None,
    )
    return SourceItem(track=identify(track), title=track.title)


def told_by_m3u(item: SourceItem) -> tuple[object, ...]:
    track = item.track
    if track is None:
        return line(item.title), "", None, None, None
    return (
        *(line(track.title), line(", ".join(track.artists)), track.album and line(track.album)),
        *(track.duration_ms, track.url),
    )


def line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def test_the_forms_that_are_written_are_known_when_they_are_read() -> None:
    items = (SourceItem(track=identify(Track(platform=Platform.FILE, id=TrackId(""), title="Lantern"))),)

    forms = {form: read(write("L", items, form=form), name="x").format for form in ExportFormat}

    assert forms == {
        ExportFormat.CSV: FileFormat.EXPORTIFY,
        ExportFormat.M3U8: FileFormat.M3U,
        ExportFormat.XSPF: FileFormat.XSPF,
        ExportFormat.JSPF: FileFormat.JSPF,
        ExportFormat.JSON: FileFormat.CROSSPLAY,
    }

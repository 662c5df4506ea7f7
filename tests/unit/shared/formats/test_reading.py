"""What is read of each format, as other programs write it."""

import io
import json
import zipfile
from collections.abc import Mapping

import pytest

from shared.errors import FileUnreadable
from shared.formats import limits
from shared.formats.imported import FileFormat, ImportedList
from shared.formats.jspf import MULTIPLIED
from shared.formats.reading import UNKNOWN, read
from shared.formats.texts import CUT, LATIN
from shared.models import NotTransferable, Track
from tests.unit.shared.formats import dialects
from tests.unit.shared.formats.dialects import Render

ROW = {
    "platform_id": "0123456789abcdefghijKL",
    "title": "Harbour Lights",
    "artists": ["The Paper Boats", "Mira, Sailor"],
    "album": "Tides",
    "duration_ms": 187_500,
    "isrc": "XXAAA2600001",
    "explicit": True,
    "release_date": "2019-05-06",
    "track_number": 3,
    "disc_number": 1,
}
LANGUAGES: Mapping[str, tuple[str, str, str, str, str]] = {
    "de": ("Track-URI", "Track-Name", "Künstlername(n)", "Album-Name", "Track-Dauer (ms)"),
    "es": (
        *("URI de la canción", "Nombre de la canción", "Nombre(s) del artista", "Nombre del álbum"),
        "Duración de la canción (ms)",
    ),
    "fr": ("URI du titre", "Nom du titre", "Nom(s) de l'artiste", "Nom de l'album", "Durée du titre (ms)"),
    "it": (
        *("URI della traccia", "Nome della traccia", "Nome dell'artista", "Nome dell'album"),
        "Durata della traccia (ms)",
    ),
    "nl": ("Nummer URI", "Nummernaam", "Naam van artiest", "Naam van album", "Nummerduur (ms)"),
    "pt": ("URI da faixa", "Nome da faixa", "Nome(s) do artista", "Nome do álbum", "Duração da faixa (ms)"),
    "sv": ("Låtens URI", "Låtens namn", "Artistens namn", "Albumets namn", "Låtlängd (ms)"),
    "ja": ("トラックURI", "トラック名", "アーティスト名", "アルバム名", "トラックの長さ（ミリ秒）"),
    "ar": (
        "رابط الأغنية (URI)",
        "اسم الأغنية",
        "أسماء الفنانين",
        "اسم الألبوم",
        "مدة الأغنية (بالمللي ثانية)",
    ),
    "tr": ("Parça URI", "Parça Adı", "Sanatçı Adı", "Albüm Adı", "Parça Süresi (ms)"),
    "el": (
        *("URI κομματιού", "Όνομα κομματιού", "Όνομα/τα καλλιτέχνη", "Όνομα άλμπουμ"),
        "Διάρκεια κομματιού (ms)",
    ),
    "zh-Hans": ("曲目 URI", "曲目名称", "艺人名称", "专辑名称", "曲目时长（毫秒）"),
    "zh-Hant": ("曲目 URI", "曲目名稱", "藝人名稱", "專輯名稱", "曲目長度（毫秒）"),
    "yue": ("歌 Link", "歌名", "Artist 名", "專輯名", "曲目時長（毫秒）"),
    # One that nobody has translated yet: what stands where is known all the same.
    "new": ("Адрес", "Название", "Исполнители", "Альбом", "Длительность"),
}


def only(content: bytes, *, name: str = "file.csv") -> ImportedList:
    (one,) = read(content, name=name).lists
    return one


def only_track(content: bytes, *, name: str = "file.csv") -> Track:
    (item,) = only(content, name=name).items
    assert item.track is not None
    return item.track


def localized(names: tuple[str, str, str, str, str]) -> tuple[str, ...]:
    header = list(dialects.EXPORTIFY_HEADER)
    for index, name in zip((0, 1, 3, 5, 12), names, strict=True):
        header[index] = name
    return tuple(header)


@pytest.mark.parametrize("language", LANGUAGES)
def test_exportify_is_read_in_every_language(language: str) -> None:
    content = dialects.exportify("", [ROW], header=localized(LANGUAGES[language]))

    track = only_track(content)

    assert (track.title, track.artists, track.album) == (
        ROW["title"],
        ("The Paper Boats", "Mira, Sailor"),
        "Tides",
    )
    assert (track.duration_ms, track.isrc) == (187_500, "XXAAA2600001")
    assert track.url == "https://open.spotify.com/track/0123456789abcdefghijKL"


def test_exportify_tells_everything_about_a_track_and_is_called_as_its_file() -> None:
    one = only(dialects.exportify("", [ROW]), name="folder/road_trip.csv")

    (item,) = one.items
    assert one.name == "road_trip"
    assert item.track is not None
    assert (item.track.explicit, item.track.release_date) == (True, "2019-05-06")
    assert (item.track.track_number, item.track.disc_number) == (3, 1)


@pytest.mark.parametrize(
    ("render", "form"),
    [
        (dialects.exportify, FileFormat.EXPORTIFY),
        (dialects.exportify_fork, FileFormat.EXPORTIFY),
        (dialects.tunemymusic, FileFormat.TUNEMYMUSIC),
        (dialects.soundiiz, FileFormat.SOUNDIIZ),
        (dialects.soundiiz_old, FileFormat.CSV),
        (dialects.soundiiz_result, FileFormat.SOUNDIIZ),
        (dialects.roon, FileFormat.CSV),
        (dialects.m3u8, FileFormat.M3U),
        (dialects.xspf, FileFormat.XSPF),
        (dialects.jspf, FileFormat.JSPF),
        (dialects.spotify_account, FileFormat.SPOTIFY_ACCOUNT),
    ],
)
def test_each_dialect_is_known_by_its_content_and_keeps_order_and_repeats(
    render: Render, form: FileFormat
) -> None:
    second = {**ROW, "title": "Lantern", "isrc": None}

    imported = read(render("Night Drive", [ROW, second, ROW]), name="download")

    (one,) = imported.lists
    assert imported.format is form
    assert [item.title for item in one.items] == ["Harbour Lights", "Lantern", "Harbour Lights"]
    assert one.items[0] == one.items[2]
    assert one.rest == ()


def test_tunemymusic_has_a_list_for_each_name_in_order_and_one_of_favorites() -> None:
    content = (
        b"Track name,Artist name,Album,Playlist name,Type,ISRC\n"
        b"One,Boats,,Second,Playlist,\nTwo,Boats,,First,Playlist,\nThree,Boats,,Second,Playlist,\n"
        b"Four,Boats,,,Favorite,\n,,,Alone,Playlist,\n"
    )

    imported = read(content, name="My library.csv")

    titles = {one.name: [item.title for item in one.items] for one in imported.lists}
    assert titles == {"Second": ["One", "Three"], "First": ["Two"], "Favorites": ["Four"], "Alone": []}
    assert list(titles) == ["Second", "First", "Favorites", "Alone"]
    assert [(rest.row, rest.reason) for rest in imported.lists[3].rest] == [
        (5, "It names a playlist and no track.")
    ]


def test_a_videos_one_text_is_split_into_artist_and_title() -> None:
    track = only_track(
        dialects.tunemymusic_of_videos("Clips", [{"title": "Lantern - Live", "artists": ["Boats"]}])
    )

    assert (track.artists, track.title) == (("Boats",), "Lantern - Live")


def test_two_lower_case_isrcs_in_one_field_give_the_first() -> None:
    track = only_track(b"title;artist;album;isrc\nLantern;Boats;Tides;xxaaa2600001 xxaaa2600002\n")

    assert track.isrc == "XXAAA2600001"


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        *(("3:45", 225_000), ("1:02:03", 3_723_000), ("225s", 225_000), ("225", 225_000)),
        *(("225000", 225_000), ("225000 ms", 225_000), ("", None), ("long", None), ("-3", None)),
    ],
)
def test_lengths_are_read_as_files_write_them(text: str, duration_ms: int | None) -> None:
    assert only_track(f"title,artist,duration\nLantern,Boats,{text}\n".encode()).duration_ms == duration_ms


def test_every_row_that_is_no_track_is_named_with_its_reason() -> None:
    content = (
        b"title,artist,album\n,,\n ,Boats,\nLantern,Boats,Tides,and more\n" + b"x" * 1001 + b",,\n\nLast,,\n"
    )

    one = only(content)

    assert [item.title for item in one.items] == ["Last"]
    assert [(rest.row, rest.reason) for rest in one.rest] == [
        (1, "The row is empty."),
        (2, "It names no track."),
        (3, "The row has more fields than the header."),
        (4, "One of its texts is longer than 1,000 letters."),
    ]


def test_one_column_of_titles_may_hold_commas() -> None:
    assert [item.title for item in only(b"Track name\nHome, again\nLantern; dim\n").items] == [
        "Home, again",
        "Lantern; dim",
    ]


def test_a_line_that_names_the_separator_is_no_header() -> None:
    assert only_track(b"sep=;\r\nTitle;Artist\r\nLantern;Boats\r\n").artists == ("Boats",)


def test_episodes_and_local_files_of_spotify_are_told_apart() -> None:
    rows = [
        {"track": None, "episode": {"episodeName": "Part 1", "showName": "Talk"}, "localTrack": None},
        {"track": None, "episode": None, "localTrack": {"uri": "spotify:local:The+Attic:Tapes:Demo%3A+2:61"}},
        {"track": None, "episode": None, "localTrack": None},
        {"track": 7},
    ]
    content = json.dumps({"playlists": [{"name": "Odd", "items": rows}]}).encode()

    one = only(content)

    episode, local = one.items
    assert (episode.not_transferable, episode.title) == (NotTransferable.EPISODE, "Talk – Part 1")
    assert local.track is not None
    assert (local.track.title, local.track.artists) == ("Demo: 2", ("The Attic",))
    assert (local.track.album, local.track.duration_ms) == ("Tapes", 61_000)
    assert [rest.row for rest in one.rest] == [3, 4]


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_spotifys_account_data_gives_all_playlists_and_the_library_from_any_folder() -> None:
    library = {
        "tracks": [{"artist": "Boats", "album": "Tides", "track": "Lantern", "uri": "spotify:track:x"}]
    }
    content = zipped(
        {
            "Meine Daten/Playlist1.json": dialects.spotify_account("One", [ROW]),
            "Meine Daten/Playlist2.json": dialects.spotify_account("Two", [ROW, ROW]),
            "Meine Daten/YourLibrary.json": json.dumps(library).encode(),
            "Meine Daten/Userdata.json": b'{"username": "mira"}',
            "Meine Daten/Read Me First.pdf": b"%PDF",
        }
    )

    imported = read(content, name="my_spotify_data.zip")

    assert imported.format is FileFormat.SPOTIFY_ACCOUNT
    assert [(one.name, len(one.items)) for one in imported.lists] == [
        ("One", 1),
        ("Two", 2),
        ("Liked Songs", 1),
    ]


def test_an_archive_of_tables_gives_a_list_for_each_and_says_what_was_not_read() -> None:
    content = zipped({"a.csv": dialects.exportify("", [ROW]), "b.csv": b"just words", "c.jpg": b"\xff"})

    imported = read(content, name="spotify_playlists.zip")

    assert [one.name for one in imported.lists] == ["a"]
    assert imported.notes == ("b.csv was not read: it holds no playlist.",)


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_does() -> None:
    content = zipped({f"Playlist{number}.json": b" " * limits.INFLATED_BYTES for number in range(2)})

    assert len(content) < 1_000_000
    with pytest.raises(FileUnreadable, match="unpacks to more than 64 MiB"):
        read(content, name="data.zip")


def test_m3u_takes_names_from_comments_and_from_paths() -> None:
    content = (
        b"#EXTM3U\n#PLAYLIST:Night Drive\n#EXTINF:225,Boats - Lantern - Live\n#EXTALB:Tides\n/music/x.mp3\n"
        b"/music/07 - Boats - Harbour%20Lights.flac\nhttps://radio.example/stream\n"
        b'#EXTINF:-1 tvg-name="a,b",Gulls\n'
    )

    one = only(content, name="file.m3u8")

    tracks = [item.track for item in one.items if item.track]
    assert one.name == "Night Drive"
    assert [(track.artists, track.title, track.album) for track in tracks] == [
        (("Boats",), "Lantern - Live", "Tides"),
        (("Boats",), "Harbour Lights", None),
        ((), "Gulls", None),
    ]
    assert [track.duration_ms for track in tracks] == [225_000, None, None]
    assert [(rest.row, rest.reason) for rest in one.rest] == [(3, "It names no track.")]


def test_the_parts_of_a_stream_are_no_playlist() -> None:
    with pytest.raises(FileUnreadable, match="one stream"):
        read(b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9.9,\nsegment0.ts\n", name="live.m3u8")


@pytest.mark.parametrize("render", [dialects.xspf, dialects.jspf])
def test_lengths_that_were_multiplied_are_divided_and_it_is_said(render: Render) -> None:
    rows = [{**ROW, "duration_ms": 187_500_000}]
    content = render("List", rows)
    if render is dialects.xspf:
        content = content.replace(b"</track>", b"<duration>187500000</duration></track>")

    imported = read(content, name="x")

    (item,) = imported.lists[0].items
    assert item.track is not None
    assert item.track.duration_ms == 187_500
    assert imported.notes == (MULTIPLIED,)


@pytest.mark.parametrize(
    "head",
    [
        b'<!DOCTYPE playlist SYSTEM "file:///etc/passwd">',
        b'<!DOCTYPE playlist [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        b"<!DOCTYPE playlist>",
    ],
)
def test_xml_that_could_fetch_or_expand_is_refused(head: bytes) -> None:
    content = dialects.xspf("List", [ROW]).replace(b"<playlist", head + b"<playlist", 1)

    with pytest.raises(FileUnreadable, match="document type"):
        read(content, name="x.xspf")


@pytest.mark.parametrize(
    "identifier",
    ["isrc:XXAAA2600001", "urn:isrc:xxaaa2600001", ["https://example.org/x", "isrc:XXAAA2600001"]],
)
def test_jspf_identifiers_are_a_text_or_a_list(identifier: str | list[str]) -> None:
    content = {"playlist": {"title": "L", "track": [{"title": "Lantern", "identifier": identifier}]}}

    assert only_track(json.dumps(content).encode()).isrc == "XXAAA2600001"


def test_jspf_keeps_the_recording_that_musicbrainz_knows() -> None:
    url = "https://musicbrainz.org/recording/6f9b7a3c-5a14-4f0e-9a55-3a2f1f1f0001"
    content = {"playlist": {"title": "L", "track": [{"title": "Lantern", "identifier": [url]}]}}

    assert only_track(json.dumps(content).encode()).url == url


def test_our_json_of_a_newer_release_is_refused_with_its_cure() -> None:
    with pytest.raises(FileUnreadable, match="version 2"):
        read(b'{"crossplay": 2, "playlists": []}', name="x.json")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings_are_found_out(encoding: str) -> None:
    content = "title,artist\nCafé ☂ 夜,Boats\n".encode(encoding)

    assert only_track(content).title == "Café ☂ 夜"


def test_what_is_no_utf_8_is_read_as_latin_and_it_is_said() -> None:
    imported = read("title,artist\nCafé,Boats\n".encode("latin-1"), name="x.csv")

    assert imported.lists[0].items[0].title == "Café"
    assert imported.notes == (LATIN,)


def test_a_file_that_was_cut_inside_a_letter_keeps_its_other_letters() -> None:
    imported = read("title,artist\nCafé,Boats\nSeé".encode()[:-1], name="x.csv")

    assert [item.title for item in imported.lists[0].items] == ["Café", "Se"]
    assert imported.notes == (CUT,)


def test_nothing_that_postgres_cannot_keep_gets_in() -> None:
    table = only_track(b"title,artist\nLan\x00tern,Bo\x00ats\n")

    assert (table.title, table.artists) == ("Lantern", ("Boats",))


@pytest.mark.parametrize("content", [b"", b"hello", b"a,b\n1,2\n", b"[1]", b'{"a": 1}', b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_playlist_is_refused_with_what_can_be_sent(content: bytes) -> None:
    with pytest.raises(FileUnreadable) as caught:
        read(content, name="file")

    assert str(caught.value) == UNKNOWN


def test_more_rows_than_a_server_holds_at_once_are_refused() -> None:
    content = b"title,artist\n" + b"a,b\n" * (limits.ROWS + 1)

    with pytest.raises(FileUnreadable, match="split the file"):
        read(content, name="x.csv")


def test_json_that_would_fill_the_memory_is_refused_unread() -> None:
    content = b'{"tracks":[' + b"{}," * 1_000_001 + b"{}]}"

    with pytest.raises(FileUnreadable, match="split the file"):
        read(content, name="x.json")

"""Playlist files as other programs write them: made from rows of facts, without our own writers."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Sequence[Row]
Render: TypeAlias = Callable[[str, Rows], bytes]

EXPORTIFY_HEADER = (
    *("Track URI", "Track Name", "Artist URI(s)", "Artist Name(s)", "Album URI", "Album Name"),
    *("Album Artist URI(s)", "Album Artist Name(s)", "Album Release Date", "Album Image URL", "Disc Number"),
    *("Track Number", "Track Duration (ms)", "Track Preview URL", "Explicit", "Popularity", "ISRC"),
    *("Added By", "Added At"),
)


def exportify(_: str, rows: Rows, *, header: Sequence[str] = EXPORTIFY_HEADER) -> bytes:
    """Every field quoted; artists joined, with a backslash before a comma that is part of a name."""
    lines = [",".join(f'"{name}"' for name in header)]
    for row in rows:
        artists = ", ".join(artist.replace(",", "\\,") for artist in row.get("artists") or ())
        cells = (
            *(
                f"spotify:track:{row.get('platform_id') or ''}",
                row["title"],
                "",
                artists,
                "",
                row.get("album"),
            ),
            *("", artists, row.get("release_date"), "", row.get("disc_number"), row.get("track_number")),
            *(row.get("duration_ms"), "", row.get("explicit"), 40, row.get("isrc"), "spotify:user:x", ""),
        )
        lines.append(",".join('"' + _text(cell).replace('"', '""') + '"' for cell in cells))
    return ("\n".join(lines) + "\n").encode()


def exportify_fork(_: str, rows: Rows) -> bytes:
    """Semicolons, a byte order mark, another word for the length."""
    header = ("Track URI", "Track Name", "Artist Name(s)", "Album Name", "Duration (ms)", "ISRC")
    cells = [
        (
            f"spotify:track:{row.get('platform_id') or ''}",
            *(row["title"], ", ".join(row.get("artists") or ()), row.get("album"), row.get("duration_ms")),
            row.get("isrc"),
        )
        for row in rows
    ]
    return b"\xef\xbb\xbf" + _table(header, cells, delimiter=";")


def tunemymusic(name: str, rows: Rows) -> bytes:
    header = ("Track name", "Artist name", "Album", "Playlist name", "Type", "ISRC", "Spotify - id")
    cells = [
        (
            *(row["title"], ", ".join(row.get("artists") or ()), row.get("album"), name, "Playlist"),
            *(row.get("isrc"), row.get("platform_id")),
        )
        for row in rows
    ]
    return _table(header, cells)


def tunemymusic_of_videos(name: str, rows: Rows) -> bytes:
    """One text for artist and title, as YouTube has it."""
    header = ("Track name", "Artist name", "Album", "Playlist name", "Type", "ISRC")
    titles = [" - ".join([*row.get("artists", ())[:1], row["title"]]) for row in rows]
    return _table(header, [(title, "", "", name, "Playlist", "") for title in titles])


def soundiiz_old(_: str, rows: Rows) -> bytes:
    return b"\xef\xbb\xbf" + _table(("title", "artist", "album", "isrc"), map(_short, rows), delimiter=";")


def soundiiz(_: str, rows: Rows) -> bytes:
    header = ("title", "artist", "album", "isrc", "addedDate", "addedBy", "duration", "url")
    cells = [(*_short(row), "", "", f"{(row.get('duration_ms') or 0) // 1000}s", "") for row in rows]
    return b"\xef\xbb\xbf" + _table(header, cells, delimiter=";")


def soundiiz_result(_: str, rows: Rows) -> bytes:
    header = ("title", "artist", "album", "isrc", "platform", "trackId", "duration")
    return _table(header, [(*_short(row), "spotify", "", "") for row in rows])


def roon(_: str, rows: Rows) -> bytes:
    """Lower-case ISRCs, now and then two in one field."""
    cells = []
    for number, row in enumerate(rows):
        title, artist, album, isrc = _short(row)
        isrc = isrc.lower()
        cells.append((title, artist, album, f"{isrc} {isrc}" if isrc and number % 3 == 0 else isrc))
    return _table(("title", "artist", "album", "isrc"), cells, delimiter=";")


def m3u8(name: str, rows: Rows) -> bytes:
    lines = ["#EXTM3U", f"#PLAYLIST:{name}"]
    for row in rows:
        artist = ", ".join(row.get("artists") or ()) or "Unknown"
        title = " ".join(row["title"].split())
        lines += [f"#EXTINF:{(row.get('duration_ms') or -1000) // 1000},{artist} - {title}", "Music/x.mp3"]
    return ("\r\n".join(lines) + "\r\n").encode()


def xspf(name: str, rows: Rows) -> bytes:
    tracks = [
        f"<track><title>{_xml(row['title'])}</title><creator>{_xml(', '.join(row.get('artists') or ()))}"
        f"</creator><album>{_xml(row.get('album'))}</album>"
        f"<meta rel='http://example.org/isrc'>{_xml(row.get('isrc'))}</meta></track>"
        for row in rows
    ]
    return (
        f"<?xml version='1.0'?><playlist version='1' xmlns='http://xspf.org/ns/0/'><title>{_xml(name)}</title>"
        f"<trackList>{''.join(tracks)}</trackList></playlist>"
    ).encode()


def jspf(name: str, rows: Rows) -> bytes:
    """As ListenBrainz writes it: an identifier that is a text, extensions that are objects."""
    tracks = [
        {
            "title": row["title"],
            "creator": ", ".join(row.get("artists") or ()),
            "album": row.get("album"),
            "duration": row.get("duration_ms"),
            "identifier": f"isrc:{row.get('isrc')}" if row.get("isrc") else "",
            "extension": {"https://example.org/doc/jspf": {"added_by": "mira"}},
        }
        for row in rows
    ]
    return json.dumps({"playlist": {"title": name, "track": tracks}}).encode()


def spotify_account(name: str, rows: Rows) -> bytes:
    """`Playlist1.json`."""
    items = [
        {
            "track": {
                "trackName": row["title"],
                "artistName": next(iter(row.get("artists") or ()), None),
                "albumName": row.get("album"),
                "trackUri": f"spotify:track:{row.get('platform_id') or ''}",
            },
            "episode": None,
            "localTrack": None,
            "addedDate": "2026-01-01",
        }
        for row in rows
    ]
    playlist = {"name": name, "lastModifiedDate": "2026-01-01", "items": items, "numberOfFollowers": 0}
    return json.dumps({"playlists": [playlist]}).encode()


def _short(row: Row) -> tuple[str, str, str, str]:
    artists = ", ".join(row.get("artists") or ())
    return row["title"], artists, _text(row.get("album")), _text(row.get("isrc"))


def _table(header: Sequence[str], rows: Any, *, delimiter: str = ",") -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])
    return stream.getvalue().encode()


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)


def _xml(text: Any) -> str:
    return _text(text).replace("&", "&amp;").replace("<", "&lt;")

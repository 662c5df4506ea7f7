"""Every real playlist of the reference shelf, as the program would write it from which it came."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.formats.reading import read
from shared.platforms.values import parse_isrc
from tests.conftest import SHARED_SHELF
from tests.unit.shared.formats import dialects
from tests.unit.shared.formats.dialects import Render

PLAYLISTS = SHARED_SHELF / "data/playlists"
FILES = sorted(path for path in PLAYLISTS.glob("*.json") if path.name != "index.json")
LEAST_COUNT = 60
OTHERS: tuple[tuple[str, Render], ...] = (
    ("csv", dialects.soundiiz),
    ("csv", dialects.soundiiz_old),
    ("csv", dialects.soundiiz_result),
    ("csv", dialects.roon),
    ("m3u8", dialects.m3u8),
    ("xspf", dialects.xspf),
    ("jspf", dialects.jspf),
    ("json", dialects.spotify_account),
)
ONE_TEXT = {dialects.m3u8, dialects.tunemymusic_of_videos}
"""They have artist and title in one text, which is split again."""
WITHOUT_ISRC = {*ONE_TEXT, dialects.spotify_account}

pytestmark = pytest.mark.skipif(not FILES, reason="the reference shelf is not beside this checkout")


def render_of(playlist: dict[str, Any], *, number: int) -> tuple[str, Render]:
    """Return the name and the form of the file that a playlist came in, or the form that is next in turn."""
    name, path = playlist["playlist_name"], Path(playlist["origin"]["path"])
    if path.suffix == ".csv" and "TuneMyMusic" in (playlist.get("note") or ""):
        is_video = playlist["source_platform"] == "youtube"
        return path.name, dialects.tunemymusic_of_videos if is_video else dialects.tunemymusic
    if path.suffix == ".csv" and playlist["source_platform"] == "spotify":
        return path.name, (dialects.exportify, dialects.exportify_fork)[number % 2]
    ending, render = OTHERS[number % len(OTHERS)]
    return f"{name}.{ending}", render


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= LEAST_COUNT


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_row_of_a_real_playlist_is_lost_or_changed(path: Path) -> None:
    playlist = json.loads(path.read_text())
    rows = [{**row, "title": row.get("title") or ""} for row in playlist["tracks"]]
    name, render = render_of(playlist, number=FILES.index(path))

    imported = read(render(playlist["playlist_name"], rows), name=name)

    (one,) = imported.lists
    told = [row for row in rows if row["title"].strip()]
    assert len(one.items) + len(one.rest) == len(rows)
    assert len(one.items) == len(told)
    assert one.name
    if render not in ONE_TEXT:
        # A title without an artist may hold both.
        pairs = [
            (item.title, row["title"])
            for item, row in zip(one.items, told, strict=True)
            if row.get("artists")
        ]
        assert all(title == told_title for title, told_title in pairs)
    if render not in WITHOUT_ISRC:
        isrcs = [item.track.isrc if item.track else None for item in one.items]
        assert isrcs == [parse_isrc(row.get("isrc")) for row in told]

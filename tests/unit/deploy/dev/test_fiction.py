"""The fictional world is the same every time and holds every difficulty that it promises."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from deploy.dev.fiction import PLAYLIST_NAME, FictionalWorld, write_world
from shared.models import Outcome


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> FictionalWorld:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def catalog(world: FictionalWorld) -> list[dict[str, Any]]:
    return [json.loads(line) for line in world.catalog_path.read_text().splitlines()]


@pytest.fixture(scope="module")
def playlist(world: FictionalWorld) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(world.playlist_path.read_text())
    return found


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    first, again, other = (
        write_world(tmp_path / name, seed=seed) for name, seed in (("a", 7), ("b", 7), ("c", 8))
    )

    assert [path.read_bytes() for path in first.paths] == [path.read_bytes() for path in again.paths]
    assert first.expected == again.expected
    assert first.catalog_path.read_bytes() != other.catalog_path.read_bytes()


@pytest.mark.parametrize("track_count", [24, 100, 2000])
def test_playlist_has_as_many_positions_as_asked(tmp_path: Path, track_count: int) -> None:
    world = write_world(tmp_path, track_count=track_count)

    tracks = json.loads(world.playlist_path.read_text())["tracks"]
    assert len(tracks) == len(world.expected) == track_count
    assert len(world.written) + len(world.named) == track_count
    assert max(Counter(json.dumps(track) for track in tracks).values()) == 3


@pytest.mark.parametrize("track_count", [0, 23, 2001])
def test_impossible_counts_are_refused(tmp_path: Path, track_count: int) -> None:
    with pytest.raises(ValueError, match=r"24\.\.2000"):
        write_world(tmp_path, track_count=track_count)


def test_playlist_says_where_it_belongs(playlist: dict[str, Any]) -> None:
    assert (playlist["source_platform"], playlist["playlist_name"]) == ("spotify", PLAYLIST_NAME)
    assert len(playlist["tracks"]) == 320


def test_playlist_holds_each_odd_row_and_each_named_outcome(
    world: FictionalWorld, playlist: dict[str, Any]
) -> None:
    kinds = Counter(track.get("kind") for track in playlist["tracks"])

    assert {kind: kinds[kind] for kind in ("local", "episode", "removed", "unplayable")} == dict.fromkeys(
        ("local", "episode", "removed", "unplayable"), 1
    )
    assert Counter(world.named.values()) == {
        Outcome.NOT_TRANSFERABLE: 3,
        Outcome.NO_CANDIDATE: 2,
        Outcome.ONLY_OTHER_VERSION: 1,
    }
    for position in world.named:
        assert world.expected[position].title == playlist["tracks"][position].get("title", "")


def test_most_tracks_have_an_isrc_some_have_none_and_some_stand_again(playlist: dict[str, Any]) -> None:
    tracks = [track for track in playlist["tracks"] if "kind" not in track]
    without_isrc = [track for track in tracks if "isrc" not in track]
    counts = Counter(json.dumps(track) for track in tracks)

    assert 20 <= len(without_isrc) <= 40
    assert sorted(set(counts.values())) == [1, 2, 3]
    assert sum(counts.values()) - len(counts) >= 10


def test_isrcs_have_the_valid_form_and_name_one_recording_per_platform(catalog: list[dict[str, Any]]) -> None:
    isrcs = [line["isrc"] for line in catalog if "isrc" in line]
    shared = [isrc for isrc, count in Counter(isrcs).items() if count > 1]

    assert all(re.fullmatch(r"QZXPL[0-9]{7}", isrc) for isrc in isrcs)
    for isrc in shared:
        platforms = sorted(str(line.get("platform")) for line in catalog if line.get("isrc") == isrc)
        assert platforms == ["apple_music", "spotify"]


def test_what_is_expected_on_the_target_exists_there(
    world: FictionalWorld, catalog: list[dict[str, Any]]
) -> None:
    target = {(line["title"], line.get("isrc")) for line in catalog if line.get("platform") != "spotify"}
    target_titles = {title for title, _ in target}

    assert all((item.title, item.isrc) in target for item in world.written)
    lost = [
        item for item in world.expected if item.outcome in {Outcome.NO_CANDIDATE, Outcome.ONLY_OTHER_VERSION}
    ]
    assert not target_titles.intersection(item.title for item in lost)
    [studio] = (item for item in lost if item.outcome is Outcome.ONLY_OTHER_VERSION)
    assert any(title.startswith(f"{studio.title} - Live") for title in target_titles)


def test_decoys_of_each_kind_stand_in_the_catalog_some_on_the_target_only(
    catalog: list[dict[str, Any]],
) -> None:
    decoys = {
        word: [line for line in catalog if word in line["title"]]
        for word in (" - Live at ", " Remix", "(Acoustic)", "(Karaoke Version)", " - Sped Up", " II")
    }

    for lines in decoys.values():
        assert {line.get("platform") for line in lines} >= {None, "apple_music"}


def test_titles_come_in_many_scripts(playlist: dict[str, Any]) -> None:
    text = "".join(track.get("title", "") for track in playlist["tracks"])

    for script in ("[А-я]", "[ぁ-んァ-ヶ]", "[가-힣]", "[α-ω]", "[áčéžñöß]", "[\U0001f300-\U0001faff]"):
        assert re.search(script, text)

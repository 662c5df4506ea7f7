"""The plan for tracks that share an album."""

import msgspec
import pytest

from shared.models import Album, AlbumId, Platform, Track
from tests.unit.worker.matching.build import source, track
from worker.matching.albums import (
    LEAST_SHARING,
    MOST_READ,
    Shared,
    likely_albums,
    plausible_tracks,
    shared_albums,
)


def numbered(count: int, **changes: object) -> dict[int, Track]:
    """Return tracks of one album at every second position."""
    return {
        2 * number: source(title=f"Lantern {number}", track_number=number + 1, **changes)
        for number in range(count)
    }


def shared(count: int = 3, **changes: object) -> Shared:
    (found,) = shared_albums(numbered(count, **changes))
    return found


def album(name: str, own_id: str = "", **changes: object) -> Album:
    made = Album(platform=Platform.APPLE_MUSIC, id=AlbumId(own_id or name), name=name, artists=("Mira Sol",))
    return msgspec.structs.replace(made, **changes)


def test_tracks_of_one_album_are_together_with_their_positions() -> None:
    (found,) = shared_albums(numbered(4))

    assert (found.name, found.artist, list(found.tracks)) == ("Salt Roads", "Mira Sol", [0, 2, 4, 6])


def test_album_and_artist_may_be_written_in_several_ways() -> None:
    tracks = {
        0: source(album="Salt Roads", artists=("Mira Sol",)),
        1: source(album="SALT  ROADS", artists=("Mira Sol", "DJ Kelp")),
        2: source(album="Salt roads", artists=("Mira Sol & DJ Kelp",)),
    }

    (found,) = shared_albums(tracks)

    assert list(found.tracks) == [0, 1, 2]


@pytest.mark.parametrize(
    "tracks",
    [
        {},
        numbered(LEAST_SHARING - 1),
        numbered(5, album=None),
        numbered(5, album="  "),
        numbered(5, artists=()),
        {number: source(artists=(f"Singer {number}",)) for number in range(5)},
        {number: source(album=f"Volume {number}") for number in range(5)},
    ],
    ids=["none", "too-few", "no-album", "blank-album", "no-artist", "other-artists", "other-albums"],
)
def test_tracks_that_share_no_album_are_left_alone(tracks: dict[int, Track]) -> None:
    assert shared_albums(tracks) == ()


@pytest.mark.parametrize(
    ("name", "searched"),
    [
        ("Salt Roads (Deluxe Edition)", "Salt Roads"),
        ("Salt Roads - EP", "Salt Roads"),
        ("Salt Roads (Live)", "Salt Roads Live"),
        ("(?)", "?"),
    ],
)
def test_packaging_is_not_searched_for_but_versions_are(name: str, searched: str) -> None:
    assert shared(album=name).searched == searched


def test_nearest_name_comes_first_and_only_two_are_read() -> None:
    found = [
        album("Salt Roads (Deluxe Edition)"),
        album("Salt Roads (Live)"),
        album("Salt Roads"),
        album("Salt Roads (2019 Remaster)"),
    ]

    likely = likely_albums(shared(), found)

    assert [one.name for one in likely] == ["Salt Roads", "Salt Roads (Deluxe Edition)"]
    assert len(likely) == MOST_READ


def test_album_that_has_too_few_tracks_comes_last() -> None:
    found = [album("Salt Roads", track_count=2), album("Salt Roads (Deluxe)", track_count=14)]

    assert [one.track_count for one in likely_albums(shared(), found)] == [14, 2]


@pytest.mark.parametrize(
    "other",
    [
        album("Salt Rivers"),
        album("Salt Roads", artists=("The Salt Roads Tribute",)),
        album("Best of Salt Roads and Other Ways"),
    ],
    ids=["another-name", "another-artist", "longer-name"],
)
def test_other_albums_are_not_read(other: Album) -> None:
    assert likely_albums(shared(), [other]) == ()


@pytest.mark.parametrize(
    "artists",
    [(), ("Мира Сол",), ("Mira Sol & DJ Kelp",), ("DJ Kelp", "Mira Sol")],
    ids=["nobody", "another-script", "display-string", "second-place"],
)
def test_artist_of_an_album_may_be_told_in_several_ways(artists: tuple[str, ...]) -> None:
    found = [album("Salt Roads", artists=artists)]

    assert likely_albums(shared(), found) == tuple(found)


def test_short_album_is_compared_as_a_whole() -> None:
    tracks = [track(str(number), title=f"Song {number}") for number in range(30)]

    assert plausible_tracks(source(), tracks) == tuple(tracks)


def test_of_a_long_album_the_same_place_and_the_nearest_titles_are_compared() -> None:
    tracks = [
        track(str(number), title=f"Untold {number}", track_number=number, disc_number=2)
        for number in range(200)
    ]
    tracks[150] = msgspec.structs.replace(tracks[150], title="Harbour Lights")

    plausible = plausible_tracks(source(track_number=77, disc_number=2), tracks)

    assert len(plausible) == 30
    assert [one.id for one in plausible[:2]] == ["77", "150"]


def test_track_of_unknown_place_is_compared_by_its_title_alone() -> None:
    tracks = [track(str(number), title=f"Untold {number}") for number in range(200)]
    tracks[150] = msgspec.structs.replace(tracks[150], title="Harbour Lights")

    assert plausible_tracks(source(), tracks)[0].id == "150"

"""A copy of a library answers by ISRC and by words, is read once for all who ask, and grows old."""

import asyncio

from shared.models import Isrc, Platform, Track, TrackId
from shared.platforms.library import Library, Shelf


def song(
    own_id: str, title: str, *artists: str, isrcs: tuple[str, ...] = ()
) -> tuple[Track, tuple[Isrc, ...]]:
    track = Track(platform=Platform.SUBSONIC, id=TrackId(own_id), title=title, artists=artists)
    return track, tuple(map(Isrc, isrcs))


LIBRARY = Library(
    [
        song("1", "Café Noir", "Ægir"),
        song("2", "Cafe Noir (Live at the Quay)", "Ægir"),
        song("3", "Noir", "Somebody"),
        song("4", "逆さまのクラゲ", "カワウソ電算室"),
        song("1", "A second row of the same song"),
    ]
)


def test_words_are_found_without_accents_and_nearest_first() -> None:
    assert [track.id for track in LIBRARY.search("CAFE noir")] == ["1", "2", "3"]


def test_words_in_other_scripts_are_found() -> None:
    assert [track.id for track in LIBRARY.search("逆さまのクラゲ カワウソ電算室")] == ["4"]


def test_less_than_half_of_the_words_is_nothing() -> None:
    assert LIBRARY.search("noir over many harbours") == ()
    assert LIBRARY.search("") == ()


async def test_who_asks_meanwhile_waits_for_the_one_reading() -> None:
    shelf, readings = Shelf(), 0

    async def read() -> Library:
        nonlocal readings
        readings += 1
        await asyncio.sleep(0)
        return LIBRARY

    found = await asyncio.gather(*(shelf.library("mine", read) for _ in range(5)))

    assert readings == 1
    assert all(one is LIBRARY for one in found)


async def test_a_reading_that_failed_is_tried_again() -> None:
    shelf = Shelf()

    async def fail() -> Library:
        raise ConnectionError

    async def read() -> Library:
        return LIBRARY

    failed = (await asyncio.gather(shelf.library("mine", fail), return_exceptions=True))[0]

    assert isinstance(failed, ConnectionError)
    assert await shelf.library("mine", read) is LIBRARY


async def test_libraries_of_others_make_room() -> None:
    shelf, readings = Shelf(most_songs=5), []

    async def read(name: str) -> Library | None:
        async def once() -> Library:
            readings.append(name)
            return LIBRARY

        return await shelf.library(name, once)

    for name in ("mine", "yours", "yours", "mine"):
        await read(name)

    assert readings == ["mine", "yours", "mine"]


async def test_a_copy_grows_old() -> None:
    moments, readings = [0.0], 0
    shelf = Shelf(clock=lambda: moments[-1])

    async def read() -> Library:
        nonlocal readings
        readings += 1
        return LIBRARY

    for moment_s in (0.0, 299.0, 301.0):
        moments.append(moment_s)
        await shelf.library("mine", read)

    assert readings == 2

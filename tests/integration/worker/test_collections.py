"""Liked songs, saved albums and followed artists as sources and targets."""

from collections.abc import Sequence

import pytest
from msgspec import structs
from redis.asyncio import Redis

from shared.db import match_rules
from shared.db.pool import Pool
from shared.errors import PlatformRejected
from shared.lifecycle import Bucket, State
from shared.models import Album, AlbumId, Artist, ArtistId, Outcome, Platform, PlaylistId, SourceItem, TrackId
from shared.platforms.collections import Collection, Keeping, as_track
from tests.fakes.adapter import Lost
from tests.integration.worker.engine import (
    APPENDING,
    POSITIONED,
    Engine,
    source_track,
    target_ids,
    target_track,
)

pytestmark = pytest.mark.integration

URL = "https://kept.test/"
COLLECTIONS = {
    Collection.LIKED: Keeping(url=URL, add_batch=1, remove_batch=2, apart_s=1.0),
    Collection.ALBUMS: Keeping(url=URL, add_batch=4, remove_batch=4, is_dated=False),
    Collection.ARTISTS: Keeping(url=URL, add_batch=4, is_dated=False),
}


@pytest.fixture(params=[POSITIONED, APPENDING], ids=lambda can: can.write_class)
def engine(request: pytest.FixtureRequest, pool: Pool, redis: Redis) -> Engine:
    can = structs.replace(request.param, collections=COLLECTIONS)
    made = Engine(pool, redis, target=can)
    made.source.capabilities = structs.replace(made.source.capabilities, collections=COLLECTIONS)
    for collection in Collection:
        made.target.place(collection)
    return made


def like(engine: Engine, numbers: Sequence[int]) -> PlaylistId:
    """Let the source's account like tracks, the last one first in its list; the target knows them all."""
    liked = [SourceItem(track=source_track(number)) for number in reversed(numbers)]
    engine.source.sources[Collection.LIKED.playlist_id] = liked
    engine.target.know(*map(target_track, numbers))
    return Collection.LIKED.playlist_id


def save_albums(engine: Engine, names: Sequence[str], *, known: Sequence[str]) -> list[TrackId]:
    """Let it save albums; the target has the known ones. Return their ids there, in its order."""
    engine.source.sources[Collection.ALBUMS.playlist_id] = [
        SourceItem(
            track=as_track(
                Album(platform=Platform.SPOTIFY, id=AlbumId(name), name=name, artists=("The Paper Boats",))
            )
        )
        for name in names
    ]
    engine.target.know(
        *(structs.replace(target_track(number), album=name) for number, name in enumerate(known))
    )
    return sorted(TrackId(f"{name} by The Paper Boats") for name in known)


async def test_liked_songs_are_added_from_the_oldest_to_the_newest(engine: Engine) -> None:
    transfer_id = await engine.move_source(like(engine, range(23)), playlist="liked", on_duplicate="skip")

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert await engine.warnings(transfer_id) == set()
    assert engine.target.ids_of("liked") == target_ids(range(23))
    assert {len(batch) for batch in engine.target.added_batches} == {1}
    assert engine.target.called("create_playlist") == 0


async def test_the_first_track_of_a_playlist_becomes_the_newest_liked_song(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(7), playlist="liked", on_duplicate="skip")

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of("liked") == target_ids(range(7))[::-1]
    assert [item.position for item in await engine.items(transfer_id)] == list(range(7))


async def test_what_is_liked_there_already_keeps_its_place(engine: Engine) -> None:
    engine.target.place("liked", track_ids=target_ids([3, 99]))
    transfer_id = await engine.move_source(like(engine, range(5)), playlist="liked", on_duplicate="skip")

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of("liked") == target_ids([3, 99, 0, 1, 2, 4])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.ALREADY_PRESENT: 1}


async def test_a_repeat_is_liked_once(engine: Engine) -> None:
    transfer_id = await engine.transfer([0, 1, 0], playlist="liked", on_duplicate="skip")

    await engine.run()

    assert engine.target.ids_of("liked") == target_ids([0, 1])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 2, Bucket.ALREADY_PRESENT: 1}


@pytest.mark.parametrize("applied_count", [0, None])
async def test_an_addition_whose_answer_is_lost_is_looked_for(
    engine: Engine, applied_count: int | None
) -> None:
    engine.target.add_mishaps.extend([None, Lost(applied_count=applied_count)])
    transfer_id = await engine.move_source(like(engine, range(5)), playlist="liked", on_duplicate="skip")

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of("liked") == target_ids(range(5))


async def test_one_that_somebody_likes_meanwhile_does_not_refuse_its_batch_for_ever(engine: Engine) -> None:
    batched = structs.replace(COLLECTIONS[Collection.LIKED], add_batch=4, apart_s=0.0)
    can = structs.replace(engine.target.capabilities, collections={**COLLECTIONS, Collection.LIKED: batched})
    engine.target.capabilities = can
    refusal = PlatformRejected(
        "It stands there.", platform=Platform.APPLE_MUSIC, operation="add_tracks", status=409
    )
    transfer_id = await engine.move_source(like(engine, range(10)), playlist="liked", on_duplicate="skip")
    await engine.reach_first_batch()
    await engine.step(phase="write")
    engine.target.ids_of("liked").append(target_ids([5])[0])
    engine.target.add_mishaps.append(refusal)

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of("liked") == target_ids([0, 1, 2, 3, 5, 4, 6, 7, 8, 9])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 10}


async def test_an_undo_takes_back_what_was_liked_and_nothing_else(engine: Engine) -> None:
    engine.target.place("liked", track_ids=target_ids([3, 99]))
    transfer_id = await engine.move_source(like(engine, range(5)), playlist="liked", on_duplicate="skip")
    await engine.run()

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert await engine.state(undo_id) is State.COMPLETED
    assert engine.target.ids_of("liked") == target_ids([3, 99])


async def test_albums_are_found_by_name_and_saved(engine: Engine) -> None:
    names = ["Tides", "Blue Hour", "Only There", "Zenith", "Anchor", "Harbour"]
    known = [name for name in names if name != "Only There"]
    ids = save_albums(engine, names, known=known)
    transfer_id = await engine.move_source(Collection.ALBUMS.playlist_id, playlist="albums")

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert await engine.warnings(transfer_id) == set()
    assert engine.target.ids_of("albums") == ids
    told = {item.source.track.title: item for item in await engine.items(transfer_id) if item.source.track}
    assert told["Tides"].outcome is Outcome.SAME_RECORDING
    assert told["Only There"].outcome is Outcome.NO_CANDIDATE
    assert not engine.target.asked_isrcs
    assert engine.target.called("search_albums") == len(names)


@pytest.mark.parametrize("applied_count", [0, 2, None])
async def test_albums_whose_addition_is_lost_are_counted_where_no_order_is_kept(
    engine: Engine, applied_count: int | None
) -> None:
    engine.target.place("albums", track_ids=[TrackId("Mine by Mira"), TrackId("Zoo by Mira")])
    names = ["Tides", "Blue Hour", "Zenith", "Anchor", "Harbour", "Quay"]
    ids = save_albums(engine, names, known=names)
    engine.target.add_mishaps.extend([None, Lost(applied_count=applied_count)])
    transfer_id = await engine.move_source(Collection.ALBUMS.playlist_id, playlist="albums")

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert await engine.warnings(transfer_id) == set()
    assert engine.target.ids_of("albums") == sorted([*ids, TrackId("Mine by Mira"), TrackId("Zoo by Mira")])


async def test_an_album_that_somebody_removes_is_added_again_and_told(engine: Engine) -> None:
    ids = save_albums(engine, ["Tides", "Blue Hour"], known=["Tides", "Blue Hour"])
    transfer_id = await engine.move_source(Collection.ALBUMS.playlist_id, playlist="albums")
    await engine.reach_first_batch()
    await engine.run_phase("write")
    engine.target.ids_of("albums").remove(ids[0])

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of("albums") == ids


async def test_an_album_that_is_refused_is_not_replaced_by_a_track_of_its_name(engine: Engine) -> None:
    (own_id,) = save_albums(engine, ["Tides"], known=["Tides"])
    engine.target.know(structs.replace(target_track(9), title="Tides", artists=("The Paper Boats",)))
    engine.target.poison.add(own_id)
    transfer_id = await engine.move_source(Collection.ALBUMS.playlist_id, playlist="albums")

    await engine.run()

    assert engine.target.ids_of("albums") == []
    assert await engine.outcomes(transfer_id) == [Outcome.FAILED]
    assert engine.target.called("search") == 0


async def test_rules_for_tracks_do_not_touch_albums_of_the_same_id(engine: Engine) -> None:
    ids = save_albums(engine, ["Tides"], known=["Tides"])
    transfer_id = await engine.move_source(Collection.ALBUMS.playlist_id, playlist="albums")
    user_id = (await engine.load(transfer_id)).user_id
    async with engine.pool.acquire() as connection:
        await match_rules.put(
            connection,
            user_id,
            source=structs.replace(source_track(0), id=TrackId("Tides")),
            target_platform=Platform.APPLE_MUSIC,
            target=None,
        )

    await engine.run()

    assert engine.target.ids_of("albums") == ids


async def test_artists_are_followed_where_one_alone_bears_the_name(engine: Engine) -> None:
    names = ["The Paper Boats", "Nobody There"]
    engine.source.sources[Collection.ARTISTS.playlist_id] = [
        SourceItem(track=as_track(Artist(platform=Platform.SPOTIFY, id=ArtistId(name), name=name)))
        for name in names
    ]
    engine.target.know(target_track(1))
    transfer_id = await engine.move_source(Collection.ARTISTS.playlist_id, playlist="artists")

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of("artists") == [TrackId("artist The Paper Boats")]
    assert await engine.outcomes(transfer_id) == [Outcome.SAME_RECORDING, Outcome.NO_CANDIDATE]

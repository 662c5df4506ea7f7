"""What TIDAL may do one day, and in parts does: playlists that take no track twice."""

from typing import Literal

import msgspec
import pytest

from deploy.sandbox.world import World
from shared.errors import PlatformRejected
from shared.models import Isrc
from shared.platforms.collections import Collection
from tests.contract.sandboxes import FLAVORS, line, staged

# Nothing where the suite is held to one platform of another package.
on_tidal = pytest.mark.parametrize("flavor", [name for name in FLAVORS if name == "tidal"], indirect=True)


@on_tidal
async def test_repeats_that_the_platform_skips_are_told_by_their_index(world: World, flavor: str) -> None:
    known = FLAVORS[flavor]
    options = msgspec.structs.replace(known.options, repeats="skip")

    async with staged(world, msgspec.structs.replace(known, options=options)) as stage:
        found = await stage.adapter.find_by_isrc([Isrc(line(number)["isrc"]) for number in range(2)])
        first, second = (tracks[0].id for tracks in found.values())
        playlist_id = (await stage.create("Night Drive", description="<tr_1>")).id
        await stage.add(playlist_id, [first])

        added = await stage.add(playlist_id, [second, first, second])

        assert added.left_out == (1, 2)
        assert await stage.truth(playlist_id) == [first, second]


@on_tidal
async def test_write_under_a_known_key_is_answered_as_before(world: World, flavor: str) -> None:
    async with staged(world, FLAVORS[flavor]) as stage:
        isrc = Isrc(line(0)["isrc"])
        track_id = (await stage.adapter.find_by_isrc([isrc]))[isrc][0].id
        playlist_id = (await stage.create("Night Drive", description="<tr_1>")).id
        gone = stage.flavor.absent_track

        answers = [
            await stage.adapter.add_tracks(
                playlist_id, track_ids=[track_id, gone], position=0, key="k1", gate=lambda: None
            )
            for _ in range(2)
        ]

        assert [answer.left_out for answer in answers] == [(1,), (1,)]
        assert await stage.truth(playlist_id) == [track_id]


@on_tidal
async def test_track_with_a_new_id_is_found_again_by_its_isrc(world: World, flavor: str) -> None:
    async with staged(world, FLAVORS[flavor]) as stage:
        isrc = Isrc(line(0)["isrc"])
        old = (await stage.adapter.find_by_isrc([isrc]))[isrc][0].id
        await stage.fault("churned_ids", ids=[old])

        known = await stage.adapter.read_tracks([old])
        new = (await stage.adapter.find_by_isrc([isrc]))[isrc][0].id

        assert known == {}
        assert new != old


@on_tidal
async def test_track_of_another_country_is_not_there(world: World, flavor: str) -> None:
    async with staged(world, FLAVORS[flavor]) as stage:
        isrc = Isrc(line(0)["isrc"])
        recordings = stage.catalog.recordings
        (position,) = stage.catalog.with_isrc(isrc)
        own_id = recordings[position].ids["tidal"]
        abroad = msgspec.structs.replace(recordings[position], countries=("US",))
        world_here = World(
            [abroad if one.ids.get("tidal") == own_id else one for one in world.recordings],
            {"tidal": world.playlists("tidal")},
        )
        async with staged(world_here, FLAVORS[flavor]) as here:
            found = await here.adapter.find_by_isrc([isrc])
            page = await here.adapter.read_items(await here.playlist_named("Odd Rows"))

        assert found == {isrc: ()}
        assert [item.track is None for item in page.items] == [True, False, False, True, True]


@on_tidal
async def test_batch_of_liked_songs_keeps_its_order(world: World, flavor: str) -> None:
    liked = Collection.LIKED.playlist_id
    async with staged(world, FLAVORS[flavor]) as stage:
        ids = [stage.track_id(number) for number in range(50)]
        turned = ids[::-1]

        await stage.add(liked, turned)

        view = await stage.adapter.read_target(liked, offset=0)
        page = await stage.adapter.read_items(liked)
        assert [row.track_id for row in view.rows] == turned
        assert [item.track.id for item in page.items if item.track] == ids[:20]


@on_tidal
@pytest.mark.parametrize("repeats", ["keep", "skip"])
async def test_batch_with_a_liked_song_is_refused_or_done_without_it(
    world: World, flavor: str, repeats: Literal["keep", "skip"]
) -> None:
    known, liked = FLAVORS[flavor], Collection.LIKED.playlist_id
    options = msgspec.structs.replace(known.options, repeats=repeats)
    async with staged(world, msgspec.structs.replace(known, options=options)) as stage:
        first, second = (stage.track_id(number) for number in range(2))
        await stage.add(liked, [first])

        if repeats == "keep":
            with pytest.raises(PlatformRejected):
                await stage.add(liked, [second, first])
        else:
            assert (await stage.add(liked, [second, first])).left_out == ()

        view = await stage.adapter.read_target(liked, offset=0)
        assert [row.track_id for row in view.rows] == [first, *([second] if repeats == "skip" else [])]


@on_tidal
async def test_what_a_collection_cannot_have_is_told_by_its_index(world: World, flavor: str) -> None:
    async with staged(world, FLAVORS[flavor]) as stage:
        track_id, gone = stage.track_id(0), stage.flavor.absent_track

        added = await stage.add(Collection.LIKED.playlist_id, [gone, track_id])

        assert added.left_out == (0,)

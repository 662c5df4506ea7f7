"""What TIDAL may do one day, and in parts does: playlists that take no track twice."""

import msgspec
import pytest

from deploy.sandbox.world import World
from shared.models import Isrc
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

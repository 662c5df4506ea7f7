"""Tracks that share an album: found on it, with fewer look-ups than by text, and never less surely."""

import msgspec
import pytest

from shared.errors import CrossplayError, PlatformNotFound, PlatformRejected, RateLimited
from shared.models import Outcome, Policy, SourceItem, Track, TrackId, TransferId
from tests.integration.worker.engine import Engine, target_ids, target_track

pytestmark = pytest.mark.integration

ALBUM_LOOKUPS = ("search_albums", "read_album")


def limited() -> RateLimited:
    return RateLimited("Wait.", platform="apple_music", operation="read_album", retry_after_s=5)


def rejected() -> PlatformRejected:
    return PlatformRejected("Odd query.", platform="apple_music", operation="search_albums", status=400)


def gone() -> PlatformNotFound:
    return PlatformNotFound("Gone.", platform="apple_music", operation="read_album", status=404)


async def transfer_without_isrcs(
    engine: Engine, numbers: range, *, known: range | None = None, user: str = "mira"
) -> TransferId:
    """Start a transfer of tracks of one album whose ISRCs the source does not tell."""
    transfer_id = await engine.transfer(numbers, known=known, user=user)
    for rows in engine.source.sources.values():
        tracks = (row.track for row in rows if row.track)
        rows[:] = [SourceItem(track=msgspec.structs.replace(track, isrc=None)) for track in tracks]
    return transfer_id


def deluxe_track(number: int) -> Track:
    return msgspec.structs.replace(
        target_track(number), id=TrackId(f"d{number}"), album="Tides (Deluxe Edition)", isrc=None
    )


def counts(engine: Engine) -> tuple[int, int, int]:
    """Return how often albums were searched for, albums were read, and texts searched for."""
    target = engine.target
    return target.called("search_albums"), target.called("read_album"), target.called("search")


async def test_tracks_of_one_album_cost_two_lookups_however_many_batches_they_fill(engine: Engine) -> None:
    transfer_id = await transfer_without_isrcs(engine, range(15))

    await engine.run()

    assert await engine.outcomes(transfer_id) == [Outcome.SAME_RECORDING] * 15
    assert engine.target.ids_of() == target_ids(range(15))
    assert counts(engine) == (1, 1, 0)


async def test_second_transfer_of_an_album_asks_nothing(engine: Engine) -> None:
    await transfer_without_isrcs(engine, range(5))
    await engine.run()

    await transfer_without_isrcs(engine, range(5), user="noor")
    await engine.run()

    assert counts(engine) == (1, 1, 0)
    assert engine.target.ids_of("made-2") == target_ids(range(5))


async def test_two_tracks_of_an_album_are_searched_by_their_texts(engine: Engine) -> None:
    await transfer_without_isrcs(engine, range(2))

    await engine.run()

    assert engine.target.ids_of() == target_ids(range(2))
    assert counts(engine)[:2] == (0, 0)


async def test_tracks_that_their_isrc_names_do_not_count_for_an_album(engine: Engine) -> None:
    await engine.transfer(range(5), known=range(3))

    await engine.run()

    assert counts(engine)[:2] == (0, 0)


async def test_what_the_album_lacks_is_searched_by_its_text(engine: Engine) -> None:
    transfer_id = await transfer_without_isrcs(engine, range(4), known=range(3))
    engine.target.know(msgspec.structs.replace(target_track(3), album="Harvest of Singles", isrc=None))

    await engine.run()

    assert await engine.outcomes(transfer_id) == [Outcome.SAME_RECORDING] * 4
    assert engine.target.ids_of() == target_ids(range(4))
    assert set(engine.target.asked_texts) == {"Lantern 3 The Paper Boats"}


async def test_edition_that_has_room_for_all_tracks_is_read_first(engine: Engine) -> None:
    await transfer_without_isrcs(engine, range(5), known=range(3))
    engine.target.know(*(deluxe_track(number) for number in range(5)))

    await engine.run()

    assert engine.target.ids_of() == [f"d{number}" for number in range(5)]
    assert counts(engine) == (1, 1, 0)


async def test_second_edition_is_read_where_the_first_one_lacks_several(engine: Engine) -> None:
    await transfer_without_isrcs(engine, range(5), known=range(3))
    engine.target.know(*(deluxe_track(number) for number in range(3, 8)))

    await engine.run()

    assert engine.target.ids_of() == ["t0", "t1", "t2", "d3", "d4"]
    assert counts(engine) == (1, 2, 0)


async def test_album_that_is_not_there_is_no_end(engine: Engine) -> None:
    transfer_id = await transfer_without_isrcs(engine, range(4), known=range(0))

    await engine.run()

    assert await engine.outcomes(transfer_id) == [Outcome.NO_CANDIDATE] * 4
    assert counts(engine)[:2] == (1, 0)
    assert engine.target.called("search") >= 4


@pytest.mark.parametrize("place", range(2), ids=ALBUM_LOOKUPS)
async def test_album_lookup_that_failed_defers_its_tracks_and_is_asked_again(
    engine: Engine, place: int
) -> None:
    transfer_id = await transfer_without_isrcs(engine, range(4))
    engine.target.album_errors += [*[None] * place, limited()]
    await engine.run_phase("read")

    await engine.step(phase="match")

    assert await engine.outcomes(transfer_id) == [Outcome.DEFERRED] * 4
    await engine.run()
    assert engine.target.ids_of() == target_ids(range(4))
    assert engine.target.called("search_albums") == 2 - place


async def test_tracks_that_the_first_album_answered_do_not_wait_for_the_second(engine: Engine) -> None:
    transfer_id = await transfer_without_isrcs(engine, range(5), known=range(3))
    engine.target.know(*(deluxe_track(number) for number in range(3, 8)))
    engine.target.album_errors += [None, None, limited()]
    await engine.run_phase("read")

    await engine.step(phase="match")

    outcomes = await engine.outcomes(transfer_id)
    assert {Outcome.DEFERRED, Outcome.SAME_RECORDING} == set(outcomes)
    await engine.run()
    assert engine.target.ids_of() == ["t0", "t1", "t2", "d3", "d4"]


@pytest.mark.parametrize(("place", "error"), [(0, rejected()), (1, rejected()), (1, gone())])
async def test_album_that_the_platform_refuses_leaves_its_tracks_to_the_text_search(
    engine: Engine, place: int, error: CrossplayError
) -> None:
    await transfer_without_isrcs(engine, range(4))
    engine.target.album_errors += [*[None] * place, error]

    await engine.run()

    assert engine.target.ids_of() == target_ids(range(4))
    assert engine.target.called("search") == 4


async def test_album_that_is_gone_is_not_asked_for_again_soon(engine: Engine) -> None:
    await transfer_without_isrcs(engine, range(4))
    engine.target.album_errors += [None, gone()]
    await engine.run()

    await transfer_without_isrcs(engine, range(4), user="noor")
    await engine.run()

    assert counts(engine) == (1, 1, 4)


async def test_no_album_is_asked_for_where_only_isrcs_are_exact_enough(engine: Engine) -> None:
    transfer_id = await transfer_without_isrcs(engine, range(4))
    await engine.pool.execute(
        "UPDATE transfers SET policy = $2 WHERE id = $1", transfer_id, Policy.EXACT.value
    )

    await engine.run()

    assert counts(engine)[:2] == (0, 0)


async def test_platform_without_albums_is_asked_for_none(engine: Engine) -> None:
    engine.target.capabilities = msgspec.structs.replace(engine.target.capabilities, has_albums=False)
    await transfer_without_isrcs(engine, range(4))

    await engine.run()

    assert engine.target.ids_of() == target_ids(range(4))
    assert counts(engine)[:2] == (0, 0)

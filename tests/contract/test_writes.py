"""What every adapter promises about writing: once, in order, and never after the lease is lost."""

from collections.abc import Sequence

import pytest

from shared.errors import LeaseLost, PlatformRejected, PlatformUnavailable, RateLimited
from shared.models import Isrc, PlaylistId, TrackId
from shared.platforms.profile import REQUESTS
from shared.platforms.values import in_batches
from tests.contract.sandboxes import FLAVORS, Stage, flavors, line, open_gate

on_every = pytest.mark.parametrize("flavor", flavors(lambda _: True, over_http=False), indirect=True)
on_every_removing = pytest.mark.parametrize(
    "flavor", flavors(lambda can: can.can_remove, over_http=False), indirect=True
)
on_removing = pytest.mark.parametrize("flavor", flavors(lambda can: can.can_remove), indirect=True)
on_keeping = pytest.mark.parametrize("flavor", flavors(lambda can: not can.can_remove), indirect=True)
on_unique = pytest.mark.parametrize("flavor", flavors(lambda can: not can.keeps_repeats), indirect=True)
on_naming = pytest.mark.parametrize(
    "flavor", [name for name in sorted(FLAVORS) if FLAVORS[name].names_left_out], indirect=True
)

MARKER = 'Moved by Crossplay <tr_01hx> & "kept"'


def closed_gate() -> None:
    raise LeaseLost("Another worker owns this transfer.")


async def created(stage: Stage) -> PlaylistId:
    playlist = await stage.create("Night Drive 🚗", description=MARKER)
    return playlist.id


async def some_tracks(stage: Stage, count: int) -> list[TrackId]:
    """Return that many track ids; the third one stands twice, where the platform lets it."""
    numbers = [2, *range(count - 1)] if stage.capabilities.keeps_repeats else list(range(count))
    if not stage.capabilities.isrc_batch:
        return list(map(stage.track_id, numbers))
    found = {}
    for start in range(0, count, stage.capabilities.isrc_batch):
        isrcs = [
            Isrc(line(n)["isrc"]) for n in range(start, min(count, start + stage.capabilities.isrc_batch))
        ]
        found.update(await stage.adapter.find_by_isrc(isrcs))
    return [found[Isrc(line(number)["isrc"])][0].id for number in numbers]


async def one_batch(stage: Stage) -> list[TrackId]:
    """Return some tracks that are added at once: three, or as many as the platform takes."""
    return (await some_tracks(stage, 3))[: stage.capabilities.add_batch]


@on_every
async def test_new_playlist_is_empty_and_can_be_written_and_found_by_its_marker(stage: Stage) -> None:
    playlist = await stage.create("Night Drive 🚗", description=MARKER)

    assert (playlist.name, playlist.writable) == ("Night Drive 🚗", True)
    assert await stage.truth(playlist.id) == []
    found = await stage.adapter.find_playlist('<tr_01hx> & "kept"')
    assert found is not None
    assert (found.id, found.description) == (playlist.id, MARKER)


@on_every
async def test_marker_that_no_playlist_has_finds_none(stage: Stage) -> None:
    assert await stage.adapter.find_playlist("<tr_99>") is None


@on_every
async def test_full_batch_and_one_more_stand_in_order_with_their_repeats(stage: Stage) -> None:
    count = max(stage.most(stage.capabilities.add_batch) + 1, 4)

    playlist_id, tracks = await filled(stage, count)

    whole = await stage.adapter.read_target(playlist_id, offset=0)
    tail = await stage.adapter.read_target(playlist_id, offset=count - 2)
    assert (len(set(tracks)) < count) == stage.capabilities.keeps_repeats
    assert await stage.truth(playlist_id) == tracks
    assert [row.track_id for row in whole.rows] == tracks
    assert ([row.track_id for row in tail.rows], tail.total) == (tracks[-2:], count)


@on_unique
@pytest.mark.parametrize("repeated", ["beside itself", "in the playlist"])
async def test_batch_with_a_repeated_track_is_rejected_as_a_whole(stage: Stage, repeated: str) -> None:
    playlist_id = await created(stage)
    tracks = await some_tracks(stage, 3)
    await stage.add(playlist_id, tracks[:1])
    batch = [tracks[1], *(tracks[1:] if repeated == "beside itself" else tracks[:1])]

    with pytest.raises(PlatformRejected):
        await stage.add(playlist_id, batch)

    assert await stage.truth(playlist_id) == tracks[:1]


@on_naming
async def test_track_that_the_platform_leaves_out_is_told_by_its_index(stage: Stage) -> None:
    playlist_id, tracks = await created(stage), await some_tracks(stage, 3)
    gone = stage.flavor.absent_track

    added = await stage.add(playlist_id, [tracks[0], gone, tracks[1], gone])

    assert added.left_out == (1, 3)
    assert await stage.truth(playlist_id) == tracks[:2]


@on_every
async def test_empty_target_reads_as_empty(stage: Stage) -> None:
    playlist_id = await created(stage)

    view = await stage.adapter.read_target(playlist_id, offset=0)

    assert (view.rows, view.total) == ((), 0)


async def test_gate_is_asked_right_before_the_bytes_leave(stage: Stage) -> None:
    playlist_id = await created(stage)
    tracks = await one_batch(stage)
    granted: list[int] = []

    await stage.add(playlist_id, tracks, gate=lambda: granted.append(stage.budget.granted_count))

    assert granted == [stage.budget.granted_count]


async def test_lost_lease_stops_the_write_before_the_platform_hears_of_it(stage: Stage) -> None:
    playlist_id = await created(stage)
    tracks = await one_batch(stage)

    with pytest.raises(LeaseLost):
        await stage.add(playlist_id, tracks, gate=closed_gate)
    with pytest.raises(LeaseLost):
        await stage.create("Never", description=MARKER, gate=closed_gate)

    assert await stage.truth(playlist_id) == []
    assert await stage.calls(stage.flavor.add) == []
    assert len(await stage.calls("create_playlist")) == 1


@pytest.mark.parametrize("kind", ["applied_then_lost", "applied_then_error"])
async def test_write_with_a_lost_answer_is_unknown_sent_once_and_can_be_read_back(
    stage: Stage, kind: str
) -> None:
    playlist_id = await created(stage)
    tracks = await one_batch(stage)
    await stage.fault(kind, operation=stage.flavor.add)

    with pytest.raises(PlatformUnavailable):
        await stage.add(playlist_id, tracks)

    view = await stage.adapter.read_target(playlist_id, offset=0)
    assert [row.track_id for row in view.rows] == tracks
    assert len(await stage.calls(stage.flavor.add)) == 1


@pytest.mark.parametrize("kind", ["applied_then_empty", "applied_then_lost", "garbage"])
async def test_new_playlist_with_a_lost_answer_is_unknown(stage: Stage, kind: str) -> None:
    await stage.fault(kind, operation="create_playlist")

    with pytest.raises(PlatformUnavailable):
        await created(stage)

    found = await stage.adapter.find_playlist(MARKER)
    assert (found is not None) == (kind != "garbage")
    assert len(await stage.calls("create_playlist")) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_server_fault_of_a_write_is_never_answered_with_a_second_one(stage: Stage, status: int) -> None:
    playlist_id = await created(stage)
    tracks = await one_batch(stage)
    await stage.fault("status", operation=stage.flavor.add, status=status)

    with pytest.raises(PlatformUnavailable) as caught:
        await stage.add(playlist_id, tracks)

    assert caught.value.status == status
    assert len(await stage.calls(stage.flavor.add)) == 1


async def test_write_that_gets_no_answer_in_time_is_unknown_and_sent_once(impatient: Stage) -> None:
    playlist_id = await created(impatient)
    tracks = await one_batch(impatient)
    await impatient.fault("timeout", operation=impatient.flavor.add)

    with pytest.raises(PlatformUnavailable):
        await impatient.add(playlist_id, tracks)

    assert await impatient.truth(playlist_id) == []


async def test_rate_limited_write_was_not_done_and_cools_the_budget_down(stage: Stage) -> None:
    playlist_id = await created(stage)
    tracks = await one_batch(stage)
    await stage.fault("rate_limit", operation=stage.flavor.add, retry_after_s=7)

    with pytest.raises(RateLimited) as caught:
        await stage.add(playlist_id, tracks)

    assert caught.value.retry_after_s == 7
    assert stage.budget.cool_downs == [(REQUESTS, 7)]
    assert await stage.truth(playlist_id) == []


async def test_write_that_the_platform_does_not_accept_is_rejected(stage: Stage) -> None:
    playlist_id = await created(stage)
    await stage.fault("status", operation=stage.flavor.add, status=400)

    with pytest.raises(PlatformRejected):
        await stage.add(playlist_id, [TrackId("none")])


async def test_late_tracks_are_seen_later_and_never_counted_before(stage: Stage) -> None:
    playlist_id = await created(stage)
    tracks = await one_batch(stage)
    await stage.fault("visibility_delay", operation=stage.flavor.add, visibility_delay_s=60)
    await stage.add(playlist_id, tracks)

    at_once = await stage.adapter.read_target(playlist_id, offset=0)
    await stage.order("POST", "clock", {"advance_s": 61})
    later = await stage.adapter.read_target(playlist_id, offset=0)

    assert (at_once.rows, at_once.total) == ((), 0)
    assert [row.track_id for row in later.rows] == tracks


async def filled(stage: Stage, count: int) -> tuple[PlaylistId, list[TrackId]]:
    """Return a new playlist and its tracks."""
    playlist_id, tracks = await created(stage), await some_tracks(stage, count)
    for first in range(0, count, stage.capabilities.add_batch):
        batch = tracks[first : first + stage.capabilities.add_batch]
        await stage.add(playlist_id, batch, position=first)
    await stage.order("DELETE", "requests")  # some platforms add and remove by the same call
    return playlist_id, tracks


async def remove(stage: Stage, playlist_id: PlaylistId, track_ids: Sequence[TrackId]) -> None:
    """Remove tracks, as many at once as the platform can."""
    for batch in in_batches(track_ids, size=stage.capabilities.remove_batch):
        await stage.adapter.remove_tracks(playlist_id, track_ids=batch, gate=open_gate)


@on_keeping
async def test_platform_that_removes_nothing_says_so_and_is_not_asked(stage: Stage) -> None:
    playlist_id, tracks = await filled(stage, 3)

    with pytest.raises(PlatformRejected, match=stage.flavor.cannot_remove):
        await stage.adapter.remove_tracks(playlist_id, track_ids=tracks, gate=open_gate)
    with pytest.raises(PlatformRejected, match=stage.flavor.cannot_remove):
        await stage.adapter.delete_playlist(playlist_id, gate=open_gate)

    assert await stage.truth(playlist_id) == tracks


@on_every_removing
async def test_removed_tracks_are_gone_with_every_copy_and_the_rest_keeps_its_order(stage: Stage) -> None:
    playlist_id, tracks = await filled(stage, 6)
    assert tracks.count(tracks[0]) == (2 if stage.capabilities.keeps_repeats else 1)

    await remove(stage, playlist_id, [tracks[0], tracks[4]])

    view = await stage.adapter.read_target(playlist_id, offset=0)
    left = [track for track in tracks if track not in (tracks[0], tracks[4])]
    assert await stage.truth(playlist_id) == left
    assert ([row.track_id for row in view.rows], view.total) == (left, len(left))


@on_every_removing
async def test_full_batch_can_be_removed_and_to_remove_it_again_is_no_error(stage: Stage) -> None:
    batch = stage.most(stage.capabilities.remove_batch)
    playlist_id, tracks = await filled(stage, batch + 2)
    distinct = list(dict.fromkeys(tracks))

    for _ in range(2):
        await stage.adapter.remove_tracks(playlist_id, track_ids=distinct[:batch], gate=open_gate)

    assert await stage.truth(playlist_id) == [track for track in tracks if track not in distinct[:batch]]


@on_removing
async def test_lost_lease_stops_a_removal_before_the_platform_hears_of_it(stage: Stage) -> None:
    playlist_id, tracks = await filled(stage, 3)

    with pytest.raises(LeaseLost):
        await stage.adapter.remove_tracks(playlist_id, track_ids=tracks, gate=closed_gate)
    with pytest.raises(LeaseLost):
        await stage.adapter.delete_playlist(playlist_id, gate=closed_gate)

    assert await stage.truth(playlist_id) == tracks
    assert await stage.calls(stage.flavor.remove) == await stage.calls(stage.flavor.delete) == []


@on_removing
@pytest.mark.parametrize("kind", ["applied_then_lost", "applied_then_error"])
async def test_removal_with_a_lost_answer_is_unknown_and_sent_once(stage: Stage, kind: str) -> None:
    playlist_id, tracks = await filled(stage, 3)
    batch = tracks[: stage.capabilities.remove_batch]
    await stage.fault(kind, operation=stage.flavor.remove)

    with pytest.raises(PlatformUnavailable):
        await stage.adapter.remove_tracks(playlist_id, track_ids=batch, gate=open_gate)

    assert await stage.truth(playlist_id) == tracks[len(batch) :]
    assert len(await stage.calls(stage.flavor.remove)) == 1


@on_removing
async def test_rate_limited_removal_was_not_done(stage: Stage) -> None:
    playlist_id, tracks = await filled(stage, 3)
    await stage.fault("rate_limit", operation=stage.flavor.remove, retry_after_s=7)

    with pytest.raises(RateLimited):
        await stage.adapter.remove_tracks(playlist_id, track_ids=tracks, gate=open_gate)

    assert await stage.truth(playlist_id) == tracks


@on_removing
async def test_deleted_playlist_is_listed_no_more_and_to_delete_it_again_is_no_error(stage: Stage) -> None:
    playlist_id = await created(stage)

    for _ in range(2):
        await stage.adapter.delete_playlist(playlist_id, gate=open_gate)

    assert await stage.adapter.find_playlist(MARKER) is None
    assert len(await stage.calls(stage.flavor.delete)) == 2

"""POST /transfer/{id}/undo: a transfer of its own, once, and only where it can be done."""

from typing import Any

import pytest

from shared.db.pool import Pool
from shared.models import Platform
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, Json

pytestmark = pytest.mark.integration

UNKNOWN_ID = "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"
WRITE = """
INSERT INTO items (transfer_id, position, source, outcome, target, target_track_id, is_written)
SELECT $1, number, '{"title": "Lantern"}', 'exact', '{"title": "Lantern"}', 's' || number, true
FROM generate_series(0, 2) AS number
"""


async def ended(
    call: Caller, platforms: FakePlatforms, pool: Pool, *, target: Json | None = None, **values: Any
) -> str:
    """Return a transfer to Spotify that has written three tracks and is completed."""
    platforms.accounts[Platform.APPLE_MUSIC].add("id-away", "Away")
    body = {
        "source": {"platform": "apple_music", "playlist": "id-away"},
        "target": target or {"platform": "spotify"},
    }
    reply = await call("POST", "/transfer", json=body)
    assert reply.status == 202, reply.text
    transfer_id = str(reply.json["id"])
    await pool.execute(WRITE, transfer_id)
    changes = {"state": "completed", "target_playlist_id": "p1", **values}
    assignments = ", ".join(f"{name} = ${place}" for place, name in enumerate(changes, start=2))
    await pool.execute(f"UPDATE transfers SET {assignments} WHERE id = $1", transfer_id, *changes.values())
    return transfer_id


async def test_undo_is_a_transfer_of_its_own_that_both_sides_name(
    connected: Caller, platforms: FakePlatforms, pool: Pool
) -> None:
    transfer_id = await ended(connected, platforms, pool)
    before = (await connected("GET", f"/status/{transfer_id}")).json

    reply = await connected("POST", f"/transfer/{transfer_id}/undo")

    undo_id = reply.json["id"]
    after = (await connected("GET", f"/status/{transfer_id}")).json
    assert reply.status == 202
    assert reply.headers["Location"] == f"/status/{undo_id}"
    assert "Idempotent-Replayed" not in reply.headers
    assert (reply.json["kind"], reply.json["undoes"], reply.json["phase"]) == ("undo", transfer_id, "undo")
    assert (reply.json["counts"]["total"], reply.json["counts"]["pending"]) == (3, 3)
    assert reply.json["target"]["playlist"] == "p1"
    assert (before["kind"], before["undone_by"]) == ("transfer", None)
    assert (after["undone_by"], after["state"], after["counts"]) == (undo_id, "completed", before["counts"])
    assert after["revision"] > before["revision"]


async def test_undo_that_is_asked_for_again_is_the_same(
    connected: Caller, platforms: FakePlatforms, pool: Pool
) -> None:
    transfer_id = await ended(connected, platforms, pool)
    first = await connected("POST", f"/transfer/{transfer_id}/undo")

    second = await connected("POST", f"/transfer/{transfer_id}/undo")

    assert (second.status, second.json["id"]) == (202, first.json["id"])
    assert second.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "running"}, "cancel it first"),
        ({"state": "paused"}, "cancel it first"),
        ({"target_playlist_id": None}, "nothing to undo"),
    ],
)
async def test_undo_that_makes_no_sense_is_refused(
    connected: Caller, platforms: FakePlatforms, pool: Pool, values: Json, words: str
) -> None:
    transfer_id = await ended(connected, platforms, pool, **values)

    reply = await connected("POST", f"/transfer/{transfer_id}/undo")

    assert reply.problem() == (409, "state-conflict")
    assert words in reply.json["detail"]


@pytest.mark.parametrize(
    ("is_new", "words"), [(True, "delete “Road Trip”"), (False, "remove them from “Road Trip”")]
)
async def test_platform_that_removes_nothing_is_told_with_the_way_out(
    connected: Caller, pool: Pool, *, is_new: bool, words: str
) -> None:
    body = {"source": {"platform": "spotify", "playlist": "id-road"}, "target": {"platform": "apple_music"}}
    transfer_id = (await connected("POST", "/transfer", json=body)).json["id"]
    await pool.execute(
        "UPDATE transfers SET state = 'completed', target_playlist_id = 'p.1', target_is_new = $2, "
        "target_url = 'https://music.example/p.1' WHERE id = $1",
        transfer_id,
        is_new,
    )

    reply = await connected("POST", f"/transfer/{transfer_id}/undo")

    assert reply.problem() == (409, "undo-not-supported")
    assert words in reply.json["detail"]
    assert (reply.json["playlist"], reply.json["url"]) == ("p.1", "https://music.example/p.1")


async def test_undone_transfer_cannot_be_retried(
    connected: Caller, platforms: FakePlatforms, pool: Pool
) -> None:
    transfer_id = await ended(connected, platforms, pool, state="failed")
    await connected("POST", f"/transfer/{transfer_id}/undo")

    reply = await connected("POST", f"/status/{transfer_id}/retry")

    assert reply.problem() == (409, "state-conflict")
    assert "has been undone" in reply.json["detail"]


async def test_transfer_of_somebody_else_is_not_undone(
    connected: Caller, stranger: Caller, platforms: FakePlatforms, pool: Pool
) -> None:
    transfer_id = await ended(connected, platforms, pool)

    replies = [
        await stranger("POST", f"/transfer/{transfer_id}/undo"),
        await connected("POST", f"/transfer/{UNKNOWN_ID}/undo"),
    ]

    assert [reply.problem() for reply in replies] == [(404, "not-found")] * 2
    assert (await connected("GET", f"/status/{transfer_id}")).json["undone_by"] is None

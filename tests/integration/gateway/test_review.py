"""PUT /status/{id}/tracks/{position}/match: by number, by name, not at all; remembered; after the end."""

from typing import Any

import pytest

from shared.db import items
from shared.db.items import Settled
from shared.db.pool import Pool
from shared.models import (
    Candidate,
    Evidence,
    NotTransferable,
    Outcome,
    Platform,
    SourceItem,
    Track,
    TrackId,
    TransferId,
)
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, Reply, transfer_body

pytestmark = pytest.mark.integration

REVIEW, UNMATCHED, LOCAL, MATCHED, PENDING = range(5)


def track(platform: Platform, own_id: str) -> Track:
    return Track(platform=platform, id=TrackId(own_id), title=f"Title of {own_id}")


def candidate(own_id: str, score: float) -> Candidate:
    return Candidate(
        track=track(Platform.APPLE_MUSIC, own_id),
        score=score,
        reason="The title is similar.",
        evidence=Evidence(title=score),
    )


@pytest.fixture
async def transfer_id(connected: Caller, platforms: FakePlatforms, pool: Pool) -> str:
    """A transfer to be looked at: a review, an unmatched, a local file, a matched and a pending item."""
    platforms.accounts[Platform.APPLE_MUSIC].know("t-named", "Named")
    reply = await connected("POST", "/transfer", json=transfer_body())
    own_id = TransferId(reply.json["id"])
    source = [SourceItem(track=track(Platform.SPOTIFY, f"t-s{number}")) for number in range(5)]
    source[LOCAL] = SourceItem(not_transferable=NotTransferable.LOCAL_FILE, title="Garage Tape")
    settled = [
        Settled(
            position=REVIEW,
            outcome=Outcome.REVIEW,
            reason="Not certain enough.",
            score=0.75,
            evidence=Evidence(title=0.75),
            alternatives=(candidate("t-a", 0.75), candidate("t-b", 0.5)),
        ),
        Settled(position=UNMATCHED, outcome=Outcome.NO_CANDIDATE, reason="Nothing."),
        Settled(
            position=MATCHED,
            outcome=Outcome.EXACT,
            reason="Same.",
            target=track(Platform.APPLE_MUSIC, "t-m"),
        ),
    ]
    async with pool.acquire() as connection:
        await items.insert(connection, own_id, first=0, items=source)
        await items.settle(connection, own_id, settled)
    await change(pool, own_id, state="running", phase="match")
    return own_id


async def change(pool: Pool, transfer_id: str, **values: Any) -> None:
    assignments = ", ".join(f"{name} = ${place}" for place, name in enumerate(values, start=2))
    await pool.execute(f"UPDATE transfers SET {assignments} WHERE id = $1", transfer_id, *values.values())


async def decide(call: Caller, transfer_id: str, position: object, **body: Any) -> Reply:
    return await call("PUT", f"/status/{transfer_id}/tracks/{position}/match", json=body)


async def test_a_candidate_is_chosen_by_its_number(connected: Caller, transfer_id: str) -> None:
    before = await connected("GET", f"/status/{transfer_id}")

    reply = await decide(connected, transfer_id, REVIEW, candidate=2)

    after = await connected("GET", f"/status/{transfer_id}")
    assert reply.status == 200
    assert (reply.json["outcome"], reply.json["target"]["id"]) == ("chosen_by_user", "t-b")
    assert (reply.json["score"], reply.json["evidence"]["title"]) == (0.5, 0.5)
    assert len(reply.json["alternatives"]) == 2
    assert after.json["revision"] == before.json["revision"] + 1
    assert (after.json["counts"]["review"], after.json["counts"]["ready"]) == (0, 2)


@pytest.mark.parametrize("position", [REVIEW, UNMATCHED, LOCAL])
async def test_any_track_of_the_target_can_be_named(
    connected: Caller, transfer_id: str, position: int
) -> None:
    named = "https://apple_music.example/track/t-named"

    reply = await decide(connected, transfer_id, position, track=named)

    assert (reply.json["outcome"], reply.json["target"]["id"]) == ("chosen_by_user", "t-named")
    assert (await connected("GET", "/rules")).json["items"] == []


async def test_an_item_is_left_out(connected: Caller, transfer_id: str) -> None:
    reply = await decide(connected, transfer_id, REVIEW, skip=True)
    again = await decide(connected, transfer_id, REVIEW, skip=True)

    assert (reply.json["outcome"], reply.json["target"]) == ("skipped_by_user", None)
    assert (reply.json["score"], reply.json["evidence"]["title"]) == (0.75, 0.75)
    assert (again.status, again.json) == (200, reply.json)


@pytest.mark.parametrize(("body", "target"), [({"candidate": 1}, "t-a"), ({"skip": True}, None)])
async def test_what_is_remembered_is_a_rule(
    connected: Caller, transfer_id: str, body: dict[str, Any], target: str | None
) -> None:
    await decide(connected, transfer_id, REVIEW, remember=True, **body)

    (rule,) = (await connected("GET", "/rules")).json["items"]
    assert rule["source"]["track"]["id"] == "t-s0"
    assert rule["target"]["absent"] is (target is None)
    assert (rule["target"]["track"] or {"id": None})["id"] == target


async def test_a_completed_transfer_goes_on(connected: Caller, transfer_id: str, pool: Pool) -> None:
    await change(pool, transfer_id, state="completed", phase="verify", target_playlist_id="p.1")

    await decide(connected, transfer_id, REVIEW, candidate=1)

    status = (await connected("GET", f"/status/{transfer_id}")).json
    assert (status["state"], status["phase"], status["outcome"]) == ("running", "write", None)
    job = await pool.fetchrow("SELECT platform, queued_at FROM jobs WHERE phase = 'write'")
    assert job is not None
    assert job["platform"] == "apple_music"
    assert job["queued_at"] is not None


@pytest.mark.parametrize(
    ("position", "body", "pointer"),
    [
        (REVIEW, {"candidate": 3}, "/candidate"),
        (UNMATCHED, {"candidate": 1}, "/candidate"),
        (REVIEW, {"candidate": 0}, "/candidate"),
        (REVIEW, {"candidate": 6}, "/candidate"),
        (REVIEW, {"track": "t-unknown"}, "/track"),
        (REVIEW, {"track": "some words"}, "/track"),
        (REVIEW, {}, ""),
        (REVIEW, {"skip": False}, ""),
        (REVIEW, {"candidate": 1, "skip": True}, ""),
        (REVIEW, {"candidate": 1, "note": "x"}, "/note"),
        (LOCAL, {"track": "t-named", "remember": True}, "/remember"),
    ],
)
async def test_what_cannot_be_decided_is_refused_at_its_field(
    connected: Caller, transfer_id: str, position: int, body: dict[str, Any], pointer: str
) -> None:
    before = await connected("GET", f"/status/{transfer_id}/tracks")

    reply = await decide(connected, transfer_id, position, **body)

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == [pointer]
    assert (await connected("GET", f"/status/{transfer_id}/tracks")).json == before.json


@pytest.mark.parametrize("position", [5, -1, "x", "1e1", "٣", 10**12, "%00", "1.0"])
async def test_an_unknown_position_is_not_found(
    connected: Caller, transfer_id: str, position: object
) -> None:
    reply = await decide(connected, transfer_id, position, skip=True)

    assert reply.problem() == (404, "not-found")


async def test_nobody_decides_for_others(connected: Caller, stranger: Caller, transfer_id: str) -> None:
    reply = await decide(stranger, transfer_id, REVIEW, candidate=1, remember=True)

    assert reply.problem() == (404, "not-found")
    shown = await connected("GET", f"/status/{transfer_id}/tracks?outcome=review")
    assert [one["position"] for one in shown.json["items"]] == [REVIEW]
    assert (await stranger("GET", "/rules")).json["items"] == []


@pytest.mark.parametrize(("position", "word"), [(MATCHED, "rule"), (PENDING, "looked up")])
async def test_what_comes_too_late_or_too_early_says_what_helps(
    connected: Caller, transfer_id: str, position: int, word: str
) -> None:
    reply = await decide(connected, transfer_id, position, track="t-named", remember=True)

    assert reply.problem() == (409, "state-conflict")
    assert word in reply.json["detail"]
    assert (await connected("GET", "/rules")).json["items"] == []

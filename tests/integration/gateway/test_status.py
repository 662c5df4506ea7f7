"""GET /status/{id} and its tracks: counts, tags, waiting, filters, and nothing for strangers."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway import keys
from shared.db import items, target_parts
from shared.db.items import Settled
from shared.db.pool import Pool
from shared.models import (
    Candidate,
    Evidence,
    IsrcAgreement,
    NotTransferable,
    Outcome,
    Platform,
    Playlist,
    PlaylistId,
    SourceItem,
    Track,
    TrackId,
    TransferId,
)
from tests.integration.gateway.conftest import Caller, transfer_body
from tests.waiting import until

pytestmark = pytest.mark.integration

UNKNOWN_ID = "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"


async def start(call: Caller) -> str:
    reply = await call("POST", "/transfer", json=transfer_body())
    assert reply.status == 202, reply.text
    return str(reply.json["id"])


def track(platform: Platform, number: int) -> Track:
    return Track(
        platform=platform,
        id=TrackId(f"{platform}-{number}"),
        title=f"Lantern {number}",
        artists=("The Paper Boats",),
        duration_ms=180_000 + number,
    )


async def fill(pool: Pool, transfer_id: str) -> None:
    """Give the transfer five items: written, ready, review, not transferable and pending."""
    source = [SourceItem(track=track(Platform.SPOTIFY, number)) for number in range(5)]
    source[3] = SourceItem(not_transferable=NotTransferable.LOCAL_FILE, title="Garage Tape")
    settled = [
        Settled(position=0, outcome=Outcome.EXACT, reason="", target=track(Platform.APPLE_MUSIC, 0)),
        Settled(position=1, outcome=Outcome.BEST_EFFORT, reason="", target=track(Platform.APPLE_MUSIC, 1)),
        Settled(
            position=2,
            outcome=Outcome.REVIEW,
            reason="Two are alike.",
            score=0.7,
            evidence=Evidence(title=0.9, apart_ms=2_000),
            alternatives=(
                Candidate(
                    track=track(Platform.APPLE_MUSIC, 2),
                    score=0.7,
                    reason="The title agrees.",
                    evidence=Evidence(title=0.9, artist=1.0, apart_ms=2_000, isrc=IsrcAgreement.OTHER),
                ),
            ),
        ),
    ]
    async with pool.acquire() as connection:
        await items.insert(connection, TransferId(transfer_id), first=0, items=source)
        await items.settle(connection, TransferId(transfer_id), settled)
        await connection.execute(
            "UPDATE items SET is_written = true WHERE transfer_id = $1 AND position = 0", transfer_id
        )
        await change(pool, transfer_id, state="running", phase="match")


async def split(pool: Pool, transfer_id: str) -> None:
    """Close the playlist of a transfer as full and let it go on in a second one."""
    own_id = TransferId(transfer_id)
    made = Playlist(id=PlaylistId("p.2"), name="Road Trip (2)", url="https://x.example/2")
    async with pool.acquire() as connection, connection.transaction():
        await target_parts.go_on(connection, own_id, part=1, name="Road Trip")
        await target_parts.made(connection, own_id, part=2, playlist=made)
    await change(
        pool, transfer_id, target_playlist_id="p.2", target_url=made.url, target_base_count=0, target_count=3
    )


async def change(pool: Pool, transfer_id: str, **values: Any) -> None:
    """Change a transfer's row as a worker would: its revision rises."""
    assignments = "".join(f"{name} = ${place}, " for place, name in enumerate(values, start=2))
    await pool.execute(
        f"UPDATE transfers SET {assignments} revision = revision + 1 WHERE id = $1",
        transfer_id,
        *values.values(),
    )


async def test_counts_are_disjoint_and_sum_to_the_total(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await fill(pool, transfer_id)

    reply = await connected("GET", f"/status/{transfer_id}")

    counts = reply.json["counts"]
    assert counts.pop("total") == sum(counts.values()) == 5
    assert {name for name, count in counts.items() if count} == {
        "written",
        "ready",
        "review",
        "not_transferable",
        "pending",
    }
    assert reply.json["summary"] == "Matched 4 of 5."
    assert reply.json["links"]["tracks"] == f"/status/{transfer_id}/tracks"


async def test_a_completed_transfer_says_how_complete_and_what_is_missing(
    connected: Caller, pool: Pool
) -> None:
    transfer_id = await start(connected)
    await fill(pool, transfer_id)
    await change(
        pool, transfer_id, state="completed", target_playlist_id="p.1", target_url="https://x.example"
    )

    reply = await connected("GET", f"/status/{transfer_id}")

    assert reply.json["outcome"] == "partial"
    assert reply.json["target_playlist"] == {"id": "p.1", "name": "Road Trip", "url": "https://x.example"}
    assert "Retry-After" not in reply.headers


async def test_a_transfer_that_was_split_names_all_its_playlists_and_stays_about_the_first(
    connected: Caller, pool: Pool
) -> None:
    transfer_id = await start(connected)
    await change(
        pool, transfer_id, target_playlist_id="p.1", target_url="https://x.example/1", target_count=9
    )
    whole = await connected("GET", f"/status/{transfer_id}")
    await split(pool, transfer_id)

    reply = await connected("GET", f"/status/{transfer_id}")
    (listed,) = (await connected("GET", "/transfers")).json["items"]

    first = {"id": "p.1", "name": "Road Trip", "url": "https://x.example/1"}
    assert whole.json["targets"] == [{**first, "track_count": 9}]
    assert reply.json["target_playlist"] == listed["target_playlist"] == first
    assert reply.json["target"]["playlist"] == "p.1"
    assert reply.json["targets"] == [
        {**first, "track_count": 9},
        {"id": "p.2", "name": "Road Trip (2)", "url": "https://x.example/2", "track_count": 3},
    ]


async def test_a_paused_transfer_says_why_until_when_and_where_to_act(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await change(
        pool, transfer_id, state="paused", pause_reason="reconnect_required", pause_platform="spotify"
    )

    reply = await connected("GET", f"/status/{transfer_id}")

    assert reply.json["paused"] == {
        "reason": "reconnect_required",
        "platform": "spotify",
        "text": None,
        "resume_at": None,
        "action_url": f"/connect/spotify?connection={reply.json['source']['connection']}",
    }
    assert reply.headers["Retry-After"] == "30"


async def test_a_failed_transfer_says_why(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await change(pool, transfer_id, state="failed", error_code="platform-rejected", error_text="No.")

    reply = await connected("GET", f"/status/{transfer_id}")

    assert reply.json["error"] == {"code": "platform-rejected", "text": "No."}


async def test_an_unchanged_transfer_is_a_304(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    first = await connected("GET", f"/status/{transfer_id}")
    headers = {"If-None-Match": first.headers["ETag"]}

    unchanged = await connected("GET", f"/status/{transfer_id}", headers=headers)
    await change(pool, transfer_id, state="running")
    changed = await connected("GET", f"/status/{transfer_id}", headers=headers)

    assert first.headers["ETag"] == f'W/"{first.json["revision"]}"'
    assert (unchanged.status, unchanged.text) == (304, "")
    assert unchanged.headers["ETag"] == first.headers["ETag"]
    assert (changed.status, changed.json["state"]) == (200, "running")


async def test_a_foreign_tag_is_ignored(connected: Caller) -> None:
    transfer_id = await start(connected)

    reply = await connected("GET", f"/status/{transfer_id}", headers={"If-None-Match": '"abc", W/"x"'})

    assert reply.status == 200


async def test_waiting_ends_with_the_next_revision(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    waiting = asyncio.create_task(
        connected("GET", f"/status/{transfer_id}", headers={"Prefer": "respond-async, wait=55"})
    )
    await waiters(connected, count=1)

    await change(pool, transfer_id, state="running")
    reply = await asyncio.wait_for(waiting, 10)

    assert reply.json["state"] == "running"
    assert reply.headers["Preference-Applied"] == "wait=55"


async def test_waiting_without_news_ends_with_a_304(connected: Caller) -> None:
    transfer_id = await start(connected)
    headers = {"Prefer": "wait=1", "If-None-Match": 'W/"1"'}

    reply = await connected("GET", f"/status/{transfer_id}", headers=headers)

    assert reply.status == 304


async def test_nobody_waits_for_what_is_over_or_news_already(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await change(pool, transfer_id, state="running")
    news = await connected(
        "GET", f"/status/{transfer_id}", headers={"Prefer": "wait=55", "If-None-Match": 'W/"1"'}
    )
    await change(pool, transfer_id, state="cancelled")

    over = await connected("GET", f"/status/{transfer_id}", headers={"Prefer": "wait=55"})

    assert (news.status, over.status) == (200, 200)
    assert "Preference-Applied" not in over.headers


async def test_waiting_ends_when_the_gateway_stops(connected: Caller) -> None:
    transfer_id = await start(connected)
    waiting = asyncio.create_task(connected("GET", f"/status/{transfer_id}", headers={"Prefer": "wait=55"}))
    await waiters(connected, count=1)

    connected.client.server.app[keys.CLOSING].set()  # type: ignore[attr-defined]  # a TestServer has one
    reply = await asyncio.wait_for(waiting, 10)

    assert reply.status == 200


async def waiters(call: Caller, *, count: int) -> None:
    """Wait until so many requests wait inside the gateway."""
    read = call.client.server.app[keys.READ_TRANSFER]  # type: ignore[attr-defined]  # a TestServer has one
    await until(lambda: read._waiter_count >= count)


@pytest.mark.parametrize("path", ["/status/{id}", "/status/{id}/tracks", "/v1/status/{id}"])
async def test_foreign_unknown_and_malformed_ids_are_the_same_404(
    connected: Caller, stranger: Caller, path: str
) -> None:
    foreign = await start(connected)
    odd = [foreign, UNKNOWN_ID, "1", "%00", "%ff", "' or 1=1", UNKNOWN_ID.replace("-", ""), UNKNOWN_ID * 2]

    replies = [await stranger("GET", path.replace("{id}", one)) for one in odd]

    assert {reply.problem() for reply in replies} == {(404, "not-found")}
    assert len({reply.json["detail"] for reply in replies}) == 1


async def test_tracks_are_listed_in_order_with_what_became_of_them(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await fill(pool, transfer_id)

    first = await connected("GET", f"/status/{transfer_id}/tracks?limit=3")
    last = await connected("GET", first.headers["Link"].split(">")[0].removeprefix("<"))

    assert [one["position"] for one in first.json["items"]] == [0, 1, 2]
    assert [one["position"] for one in last.json["items"]] == [3, 4]
    written, _, review = first.json["items"]
    assert written["written"] is True
    assert written["source"]["artists"] == ["The Paper Boats"]
    assert written["target"]["id"] == "apple_music-0"
    assert (review["outcome"], review["score"], len(review["alternatives"])) == (
        "review",
        pytest.approx(0.7),
        1,
    )
    assert (review["evidence"]["title"], review["evidence"]["apart_ms"]) == (0.9, 2_000)
    (alternative,) = review["alternatives"]
    assert alternative["track"]["id"] == "apple_music-2"
    assert (alternative["score"], alternative["reason"]) == (0.7, "The title agrees.")
    assert alternative["evidence"] == {
        "title": 0.9,
        "artist": 1.0,
        "album": None,
        "duration": None,
        "apart_ms": 2_000,
        "isrc": "other",
        "conflicts": [],
        "doubts": [],
        "notes": [],
        "gap": None,
    }
    local = last.json["items"][0]
    assert (local["source"]["title"], local["reason"]) == ("Garage Tape", "local_file")
    assert last.json["next_cursor"] is None


@pytest.mark.parametrize(
    ("outcome", "positions"),
    [("review", [2]), ("exact,pending", [0, 4]), ("unmatched", []), ("not_transferable, review", [2, 3])],
)
async def test_tracks_are_filtered_by_outcome(
    connected: Caller, pool: Pool, outcome: str, positions: list[int]
) -> None:
    transfer_id = await start(connected)
    await fill(pool, transfer_id)

    reply = await connected("GET", f"/status/{transfer_id}/tracks", params={"outcome": outcome})

    assert [one["position"] for one in reply.json["items"]] == positions


@pytest.mark.parametrize("query", ["outcome=lost", "limit=201", "cursor=bm9wZQ", "order=up"])
async def test_a_track_query_of_another_form_is_refused(connected: Caller, query: str) -> None:
    transfer_id = await start(connected)

    reply = await connected("GET", f"/status/{transfer_id}/tracks?{query}")

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == ["/query/" + query.partition("=")[0]]


async def test_reconnecting_lets_paused_transfers_go_on(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)
    await change(
        pool, transfer_id, state="paused", pause_reason="reconnect_required", pause_platform="apple_music"
    )

    await connected.connect_apple_music()
    reply = await connected("GET", f"/status/{transfer_id}")

    assert reply.json["state"] == "queued"  # no worker has begun it
    assert reply.json["paused"] is None
    assert msgspec.json.decode(reply.text)["revision"] == 3


async def test_only_the_fields_that_are_named_are_sent(connected: Caller) -> None:
    transfer_id = await start(connected)
    whole = await connected("GET", f"/status/{transfer_id}")

    part = await connected("GET", f"/status/{transfer_id}?fields=state,counts,state")

    tag = part.headers["ETag"]
    same = await connected("GET", f"/status/{transfer_id}?fields=state", headers={"If-None-Match": tag})
    assert part.json == {name: whole.json[name] for name in ("state", "counts")}
    assert tag == whole.headers["ETag"]
    assert same.status == 304


@pytest.mark.parametrize("fields", ["nonsense", "state,", ",", "state,counts.total", "STATE", "state;id"])
async def test_a_field_that_there_is_not_is_refused_with_those_that_there_are(
    connected: Caller, fields: str
) -> None:
    reply = await connected("GET", f"/status/{UNKNOWN_ID}?fields={fields}")

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == ["/query/fields"]
    assert "revision, state" in reply.json["errors"][0]["detail"]

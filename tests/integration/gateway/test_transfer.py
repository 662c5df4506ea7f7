"""POST /transfer and GET /transfers: what is accepted, what is refused, and what a repeated key does."""

from typing import Any

import pytest

from shared.db.pool import Pool
from shared.errors import PlatformUnavailable, RateLimited
from shared.models import Platform
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, transfer_body

pytestmark = pytest.mark.integration

JSON = {"Content-Type": "application/json"}


async def test_a_transfer_is_accepted_with_its_place_and_status(connected: Caller) -> None:
    reply = await connected("POST", "/transfer", json=transfer_body())

    assert reply.status == 202
    assert reply.headers["Location"] == f"/status/{reply.json['id']}"
    assert reply.headers["Retry-After"] == "2"
    assert reply.json["state"] == "queued"
    assert reply.json["counts"]["total"] == 0
    assert reply.json["source"]["name"] == "Road Trip"
    assert reply.json["target"]["name"] == "Road Trip"
    assert reply.json["target_playlist"] is None
    assert (reply.json["policy"], reply.json["explicit"]) == ("same_recording", "as_source")
    assert reply.json["on_duplicate"] == "skip"


async def test_a_new_transfer_has_a_job_and_wakes_a_worker(
    connected: Caller, pool: Pool, redis_url: str
) -> None:
    reply = await connected("POST", "/transfer", json=transfer_body())

    job = await pool.fetchrow("SELECT * FROM jobs WHERE transfer_id = $1", reply.json["id"])
    assert job is not None
    assert (job["platform"], job["phase"], job["batch"]) == ("spotify", "read", 0)
    assert job["queued_at"] is not None


async def test_the_trace_of_the_caller_goes_on_in_the_transfer(connected: Caller, pool: Pool) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01", "X-Request-Id": "abc-1"}

    reply = await connected("POST", "/transfer", json=transfer_body(), headers=headers)

    stored = await pool.fetchval("SELECT trace FROM transfers WHERE id = $1", reply.json["id"])
    assert trace_id in stored["traceparent"]
    assert trace_id in reply.headers["traceparent"]
    assert reply.headers["X-Request-Id"] == "abc-1"
    assert reply.json["trace_id"] == trace_id
    assert reply.json["trace_url"] == f"https://traces.example/{trace_id}"


@pytest.mark.parametrize(
    "playlist",
    ["id-road", "https://spotify.example/playlist/id-road", "Road Trip", "  road trip "],
)
async def test_a_source_is_found_by_id_link_or_name(connected: Caller, playlist: str) -> None:
    body = transfer_body(source={"platform": "spotify", "playlist": playlist})

    reply = await connected("POST", "/transfer", json=body)

    assert reply.status == 202
    assert reply.json["source"]["playlist"] == "id-road"


async def test_an_existing_target_is_named_and_linked_at_once(
    connected: Caller, platforms: FakePlatforms
) -> None:
    platforms.accounts[Platform.APPLE_MUSIC].add("id-own", "Mine", url="https://apple_music.example/x")

    body = transfer_body(target={"platform": "apple_music", "playlist": "Mine"}, on_duplicate="keep")
    reply = await connected("POST", "/transfer", json=body)

    assert reply.status == 202
    assert reply.json["target_playlist"] == {
        "id": "id-own",
        "name": "Mine",
        "url": "https://apple_music.example/x",
    }


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/source"),
        (transfer_body(colour="red"), "/colour"),
        (transfer_body(source={"platform": "spotify", "playlist": 7}), "/source/playlist"),
        (transfer_body(source={"platform": "spotify", "playlist": ""}), "/source/playlist"),
        (transfer_body(source={"platform": "spotify", "playlist": "a\0b"}), "/source/playlist"),
        (transfer_body(source={"platform": "spotify"}), "/source/playlist"),
        (transfer_body(source={"playlist": "id-road"}), "/source"),
        (
            transfer_body(source={"platform": "spotify", "connection": "x", "playlist": "id-road"}),
            "/source",
        ),
        (transfer_body(source={"platform": "gramophone", "playlist": "id-road"}), "/source/platform"),
        (transfer_body(target={"platform": "apple_music", "a/b~c": 1}), "/target/a~1b~0c"),
        (transfer_body(target={"platform": "apple_music", "name": "a", "playlist": "b"}), "/target"),
        (transfer_body(target={"platform": "apple_music", "name": "x" * 101}), "/target/name"),
        (transfer_body(target=[]), "/target"),
        (transfer_body(policy="lucky"), "/policy"),
        (transfer_body(on_duplicate=True), "/on_duplicate"),
        ([], ""),
    ],
)
async def test_a_body_of_another_form_is_refused_with_a_pointer(
    connected: Caller, body: Any, pointer: str
) -> None:
    reply = await connected("POST", "/transfer", json=body)

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == [pointer]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"source"', b'{"a":"\\ud800"}', b"[" * 9000])
async def test_what_is_no_json_is_a_bad_request(connected: Caller, content: bytes) -> None:
    reply = await connected("POST", "/transfer", data=content, headers=JSON)

    assert reply.problem()[1] == "validation"
    assert reply.status in (400, 422)


async def test_a_giant_body_is_refused(connected: Caller) -> None:
    reply = await connected("POST", "/transfer", data=b" " * (256 * 1024 + 1), headers=JSON)

    assert reply.problem() == (413, "body-too-large")


@pytest.mark.parametrize(
    ("playlist", "slug"),
    [
        ("id-none", "playlist-not-readable"),
        ("id-chart", "playlist-not-readable"),
        ("No Such Name", "playlist-not-readable"),
        ("https://apple_music.example/playlist/id-road", "playlist-not-readable"),
        ("https://spotify.example/playlist/id-gone", "playlist-not-readable"),
    ],
)
async def test_a_source_that_cannot_be_read_is_refused(connected: Caller, playlist: str, slug: str) -> None:
    body = transfer_body(source={"platform": "spotify", "playlist": playlist})

    reply = await connected("POST", "/transfer", json=body)

    assert reply.problem() == (422, slug)


async def test_a_name_that_two_playlists_have_is_refused_with_their_ids(
    connected: Caller, platforms: FakePlatforms
) -> None:
    platforms.accounts[Platform.SPOTIFY].add("id-road-2", "Road Trip")

    body = transfer_body(source={"platform": "spotify", "playlist": "Road Trip"})
    reply = await connected("POST", "/transfer", json=body)

    assert reply.problem() == (422, "playlist-not-readable")
    assert "id-road, id-road-2" in reply.json["detail"]


@pytest.mark.parametrize("playlist", ["id-locked", "id-none"])
async def test_a_target_that_cannot_be_written_is_refused(
    connected: Caller, platforms: FakePlatforms, playlist: str
) -> None:
    platforms.accounts[Platform.APPLE_MUSIC].add("id-locked", "Locked", writable=False)

    body = transfer_body(target={"platform": "apple_music", "playlist": playlist})
    reply = await connected("POST", "/transfer", json=body)

    assert reply.problem() == (422, "target-not-writable")


async def test_a_playlist_is_not_moved_onto_itself(connected: Caller) -> None:
    body = transfer_body(target={"platform": "spotify", "playlist": "id-road"})

    reply = await connected("POST", "/transfer", json=body)

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == ["/target/playlist"]


@pytest.mark.parametrize(("limit", "codes"), [(11, ["target_split"]), (12, []), (None, [])])
async def test_a_source_longer_than_the_target_platform_takes_is_told_to_be_split(
    connected: Caller, platforms: FakePlatforms, limit: int | None, codes: list[str]
) -> None:
    platforms.playlist_limit = limit

    reply = await connected("POST", "/transfer", json=transfer_body())

    assert reply.status == 202
    assert [one["code"] for one in reply.json["warnings"]] == codes


async def test_without_a_connection_the_answer_says_where_to_make_one(call: Caller) -> None:
    reply = await call("POST", "/transfer", json=transfer_body())

    assert reply.problem() == (409, "connection-missing")
    assert reply.json["connect_url"] == "/connect/spotify"


@pytest.mark.parametrize("kind", ["foreign", "unknown", "malformed"])
async def test_foreign_unknown_and_malformed_connections_are_the_same(
    connected: Caller, stranger: Caller, kind: str
) -> None:
    foreign = await stranger.connect_apple_music()
    ids = {
        "foreign": foreign,
        "unknown": "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001",
        "malformed": "'; drop table users",
    }
    body = transfer_body(target={"connection": ids[kind]})

    reply = await connected("POST", "/transfer", json=body)

    assert reply.problem() == (409, "connection-missing")
    assert reply.json["detail"] == "You have no such connection."


async def test_a_platform_that_is_not_set_up_is_named_with_its_setting(
    connected: Caller, platforms: FakePlatforms
) -> None:
    platforms.unconfigured.add(Platform.APPLE_MUSIC)

    reply = await connected("POST", "/transfer", json=transfer_body())

    assert reply.problem() == (409, "platform-not-configured")
    assert "CROSSPLAY_" in reply.json["detail"]


async def test_a_dead_connection_asks_to_connect_again_and_stays_marked(
    connected: Caller, platforms: FakePlatforms
) -> None:
    platforms.accounts[Platform.SPOTIFY].accepted_tokens = set()

    first = await connected("POST", "/transfer", json=transfer_body())
    second = await connected("POST", "/transfer", json=transfer_body())
    listed = await connected("GET", "/connections")

    assert first.problem() == (409, "reconnect-required")
    assert first.json["action_url"] == f"/connect/spotify?connection={first.json['connection']}"
    assert second.problem() == (409, "reconnect-required")
    spotify = next(one for one in listed.json["items"] if one["platform"] == "spotify")
    assert (spotify["state"], spotify["action_url"]) == ("reconnect_required", first.json["action_url"])
    assert len(platforms.sign_in.refreshes) == 1


async def test_a_platform_without_an_answer_is_a_503_to_be_repeated(
    connected: Caller, platforms: FakePlatforms
) -> None:
    platforms.accounts[Platform.SPOTIFY].error = PlatformUnavailable(
        "Spotify cannot be reached.", platform="spotify", operation="get_playlist"
    )

    reply = await connected("POST", "/transfer", json=transfer_body())

    assert reply.problem() == (503, "upstream-unavailable")
    assert int(reply.headers["Retry-After"]) > 0


async def test_a_platform_that_wants_us_to_wait_says_how_long(
    connected: Caller, platforms: FakePlatforms
) -> None:
    platforms.accounts[Platform.SPOTIFY].error = RateLimited(
        "Spotify asks to wait.", platform="spotify", operation="get_playlist", retry_after_s=41.2
    )

    reply = await connected("POST", "/transfer", json=transfer_body())

    assert reply.problem() == (429, "quota-exceeded")
    assert reply.headers["Retry-After"] == "42"


async def test_an_unexpected_fault_shows_nothing_of_itself(
    connected: Caller, platforms: FakePlatforms
) -> None:
    platforms.accounts[Platform.SPOTIFY].error = ValueError("canary-secret")

    reply = await connected("POST", "/transfer", json=transfer_body())

    assert reply.problem() == (500, "internal")
    assert "canary" not in reply.text


async def test_transfers_are_listed_newest_first_page_by_page(connected: Caller, stranger: Caller) -> None:
    made = [(await connected("POST", "/v1/transfer", json=transfer_body())).json["id"] for _ in range(3)]

    first = await connected("GET", "/v1/transfers?limit=2")
    last = await connected("GET", first.headers["Link"].split(">")[0].removeprefix("<"))
    theirs = await stranger("GET", "/transfers")

    assert [one["id"] for one in first.json["items"]] == made[:0:-1]
    assert first.json["next_cursor"]
    assert [one["id"] for one in last.json["items"]] == made[:1]
    assert last.json["next_cursor"] is None
    assert theirs.json["items"] == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/query/limit"),
        ("limit=many", "/query/limit"),
        ("cursor=abc", "/query/cursor"),
        ("cursor=%00", "/query/cursor"),
        ("page=2", "/query/page"),
    ],
)
async def test_a_query_of_another_form_is_refused(connected: Caller, query: str, pointer: str) -> None:
    reply = await connected("GET", f"/transfers?{query}")

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == [pointer]


@pytest.mark.parametrize("explicit", ["as_source", "prefer", "avoid"])
async def test_the_wished_release_is_kept_and_told(connected: Caller, explicit: str) -> None:
    reply = await connected("POST", "/transfer", json=transfer_body(explicit=explicit))

    shown = await connected("GET", reply.headers["Location"])
    assert shown.json["explicit"] == explicit


async def test_an_unknown_wish_for_a_release_names_the_choices(connected: Caller) -> None:
    reply = await connected("POST", "/transfer", json=transfer_body(explicit="clean"))

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == ["/explicit"]
    assert "as_source, prefer, avoid" in reply.json["errors"][0]["detail"]

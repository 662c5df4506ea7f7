"""Simulated Deezer keeps to what others saw of the real one."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from openapi_schema_validator import OAS30Validator
from yarl import URL

from deploy.sandbox.options import RateLimit
from tests.integration.sandbox.harness import Caller, Json, Starter, playlist, track

SPEC = Path(__file__).resolve().parents[3] / "../shared/specs/deezer-openapi.community-partial.yaml"
REDIRECT = "http://127.0.0.1:9876/callback"
WORLD = {
    "playlists": [
        playlist("Long", [track(n) for n in range(60)], source_platform="deezer"),
        playlist(
            "Odd",
            [track(1), track(61, kind="unplayable"), {"kind": "local", "title": "Demo", "artists": ["Us"]}],
            source_platform="deezer",
        ),
    ]
}


async def signed_in(caller: Caller, **query: str) -> str:
    """Go through the sign-in and return the token."""
    asked = {"app_id": "1", "redirect_uri": REDIRECT, "perms": PERMS, "state": "s", **query}
    async with await caller.send("GET", "/oauth/auth.php", params=asked, allow_redirects=False) as answer:
        code = URL(answer.headers["Location"]).query["code"]
    swapped = await caller.json("GET", f"/oauth/access_token.php?app_id=1&secret=x&code={code}&output=json")
    token: str = swapped["access_token"]
    return token


PERMS = "basic_access,offline_access,manage_library,delete_library"


@pytest.fixture
async def deezer(starter: Starter) -> Caller:
    return await starter("deezer", world=WORLD, is_signed_in=False)


async def code_of(caller: Caller, method: str, path: str) -> int:
    """Return the code of an error, which comes with status 200."""
    answer = await caller.json(method, path)
    code: int = answer["error"]["code"]
    return code


async def first_tracks(caller: Caller, count: int) -> list[str]:
    own_id = await caller.playlist_id("Long")
    page = await caller.json("GET", f"/playlist/{own_id}/tracks?limit={count}")
    return [str(row["id"]) for row in page["data"]]


async def made(caller: Caller, token: str) -> int:
    answer = await caller.json("POST", f"/user/me/playlists?title=New&access_token={token}")
    own_id: int = answer["id"]
    return own_id


async def test_errors_come_with_status_200_and_a_wrong_path_does_not(deezer: Caller) -> None:
    own_id = await deezer.playlist_id("Long")

    codes = {
        "/track/999999999999": 800,
        "/track/isrc:QZXX19999999": 800,
        "/playlist/1": 800,
        "/user/me": 200,
        f"/playlist/{own_id}/tracks?access_token=dead": 300,
        f"/playlist/{own_id}/tracks?index=-1": 500,
        "/search/track": 501,
    }
    assert {path: await code_of(deezer, "GET", path) for path in codes} == codes
    assert await deezer.json("GET", "/nowhere", status=404) == {"error": "Not Found"}


async def test_public_playlist_is_paged_by_index_for_anybody(deezer: Caller) -> None:
    own_id = await deezer.playlist_id("Long")

    first = await deezer.json("GET", f"/playlist/{own_id}/tracks")
    second = await deezer.json("GET", first["next"].removeprefix(deezer.url))

    assert (len(first["data"]), first["total"]) == (25, 60)
    assert "index=25" in first["next"]
    assert second["prev"].endswith("index=0")
    assert second["data"][0]["title"] == "Paper Lantern No 25"
    assert "prev" not in first


async def test_rows_that_cannot_be_played_stay_and_uploads_have_ids_below_zero(deezer: Caller) -> None:
    own_id = await deezer.playlist_id("Odd")

    rows = (await deezer.json("GET", f"/playlist/{own_id}/tracks"))["data"]

    assert [row["readable"] for row in rows] == [True, False, True]
    assert rows[2]["id"] < 0


async def test_what_cannot_be_played_names_the_release_that_can(starter: Starter) -> None:
    lines = [
        {**track(1), "platform": "deezer", "platform_id": "501"},
        {**track(1), "platform": "deezer", "platform_id": "502"},
    ]
    gone = {**lines[0], "kind": "unplayable"}
    world = {"catalog": lines, "playlists": [playlist("Gone", [gone], source_platform="deezer")]}
    deezer = await starter("deezer", world=world, is_signed_in=False)

    by_id = await deezer.json("GET", "/track/501")
    by_isrc = await deezer.json("GET", f"/track/isrc:{track(1)['isrc']}")

    assert (by_id["readable"], by_id["alternative"]["id"]) == (False, 502)
    assert by_isrc["id"] == 502


async def test_track_that_the_market_does_not_play_is_told_so_everywhere(starter: Starter) -> None:
    world = {"catalog": [track(1, kind="unplayable"), track(2)]}
    deezer = await starter("deezer", world=world, is_signed_in=False)

    by_isrc = await deezer.json("GET", f"/track/isrc:{track(1)['isrc']}")
    found = await deezer.json("GET", "/search/track?q=paper lantern")

    assert (by_isrc["readable"], by_isrc["available_countries"]) == (False, [])
    assert {row["title"]: row["readable"] for row in found["data"]} == {
        track(1)["title"]: False,
        track(2)["title"]: True,
    }


async def test_only_look_ups_name_guests_and_dates(deezer: Caller) -> None:
    (own_id,) = await first_tracks(deezer, 1)

    whole = await deezer.json("GET", f"/track/{own_id}")
    found = (await deezer.json("GET", '/search/track?q=track:"Paper Lantern No 0"'))["data"][0]

    assert {"contributors", "release_date", "track_position", "available_countries"} <= whole.keys()
    assert not {"contributors", "release_date", "track_position"} & found.keys()
    assert whole["isrc"] == found["isrc"] == track(0)["isrc"]


async def test_rows_of_the_old_days_lack_their_isrc(starter: Starter) -> None:
    deezer = await starter("deezer", world=WORLD, is_signed_in=False, has_row_isrcs=False)
    own_id = await deezer.playlist_id("Long")

    rows = (await deezer.json("GET", f"/playlist/{own_id}/tracks"))["data"]

    assert not any("isrc" in row for row in rows)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ('artist:"quiet harbour" track:"lantern no 7"', 1),
        ('artist:"somebody else" track:"lantern no 7"', 0),
        ('album:"tides of tin"', 61),
        ('track:"lantern" dur_min:230', 11),
        ("paper lantern quiet harbour", 61),
    ],
)
async def test_search_has_fields(deezer: Caller, query: str, count: int) -> None:
    answer = await deezer.json("GET", "/search/track", params={"q": query})

    assert answer["total"] == count


async def test_tracks_are_added_in_order_and_a_repeat_refuses_the_whole_list(deezer: Caller) -> None:
    token, ids = await signed_in(deezer), await first_tracks(deezer, 4)
    own_id = await made(deezer, token)
    path = f"/playlist/{own_id}/tracks?access_token={token}&songs="

    assert await deezer.json("POST", path + ",".join(ids[:2])) is True
    in_list = await deezer.json("POST", path + ",".join([ids[2], ids[0]]))
    in_request = await deezer.json("POST", path + ",".join([ids[2], ids[2]]))

    assert in_list == in_request
    assert in_list["error"]["message"] == "This song already exists in this playlist"
    assert [row["id"] for row in await deezer.truth(str(own_id))] == ids[:2]


async def test_order_and_removal_go_by_track_ids(deezer: Caller) -> None:
    token, ids = await signed_in(deezer), await first_tracks(deezer, 3)
    own_id = await made(deezer, token)
    path = f"/playlist/{own_id}/tracks?access_token={token}"
    await deezer.json("POST", f"{path}&songs={','.join(ids)}")

    assert await deezer.json("POST", f"{path}&order={','.join(reversed(ids))}") is True
    assert await deezer.json("DELETE", f"{path}&songs={ids[1]},77") is True

    assert [row["id"] for row in await deezer.truth(str(own_id))] == [ids[2], ids[0]]
    assert await code_of(deezer, "POST", f"{path}&order={ids[0]}") == 500


async def test_new_playlist_has_a_title_only_and_learns_the_rest_by_a_second_call(deezer: Caller) -> None:
    token = await signed_in(deezer)
    own_id = await made(deezer, token)
    auth = f"access_token={token}"

    before = await deezer.json("GET", f"/playlist/{own_id}")
    await deezer.json("POST", f"/playlist/{own_id}?title=Named&description=Words&public=false&{auth}")
    after = await deezer.json("GET", f"/playlist/{own_id}?{auth}")
    rows = (await deezer.json("GET", f"/user/me/playlists?{auth}"))["data"]

    assert (before["title"], before["description"], before["public"]) == ("New", "", True)
    assert (after["title"], after["description"], after["public"]) == ("Named", "Words", False)
    assert await code_of(deezer, "GET", f"/playlist/{own_id}") == 200  # private now
    assert "description" not in next(row for row in rows if row["id"] == own_id)


async def test_deleted_playlist_is_gone(deezer: Caller) -> None:
    token = await signed_in(deezer)
    own_id = await made(deezer, token)

    assert await deezer.json("DELETE", f"/playlist/{own_id}?access_token={token}") is True

    assert await code_of(deezer, "GET", f"/playlist/{own_id}") == 800


async def test_favorites_are_added_by_one_id_or_several_and_stand_there_oldest_first(deezer: Caller) -> None:
    token, ids = await signed_in(deezer), await first_tracks(deezer, 4)
    path = f"/user/me/tracks?access_token={token}"

    assert await deezer.json("POST", f"{path}&track_id={ids[2]}") is True
    await deezer.advance(5)
    for _ in range(2):
        assert await deezer.json("POST", f"{path}&track_ids={ids[0]},{ids[2]},{ids[3]}") is True

    page = await deezer.json("GET", path)
    assert [str(row["id"]) for row in page["data"]] == [ids[2], ids[0], ids[3]]
    first, *others = [row["time_add"] for row in page["data"]]
    assert first < others[0] == others[1]
    assert (page["total"], page["data"][0]["isrc"]) == (3, track(2)["isrc"])
    assert len((await deezer.json("GET", f"{path}&index=1&limit=1"))["data"]) == 1


async def test_one_favorite_is_removed_by_a_call_and_need_not_be_there(deezer: Caller) -> None:
    token, ids = await signed_in(deezer), await first_tracks(deezer, 3)
    path = f"/user/me/tracks?access_token={token}"
    await deezer.json("POST", f"{path}&track_ids={','.join(ids)}")

    for _ in range(2):
        assert await deezer.json("DELETE", f"{path}&track_id={ids[1]}") is True

    assert [str(row["id"]) for row in (await deezer.json("GET", path))["data"]] == [ids[0], ids[2]]
    assert await code_of(deezer, "DELETE", f"{path}&track_ids={ids[0]}") == 501


async def test_albums_and_artists_are_favorites_as_well(deezer: Caller) -> None:
    token, (track_id,) = await signed_in(deezer), await first_tracks(deezer, 1)
    known = await deezer.json("GET", f"/track/{track_id}")
    user = (await deezer.json("GET", f"/user/me?access_token={token}"))["id"]
    auth = f"access_token={token}"

    await deezer.json("POST", f"/user/me/albums?album_id={known['album']['id']}&{auth}")
    await deezer.json("POST", f"/user/{user}/artists?artist_id={known['artist']['id']}&{auth}")

    (album,) = (await deezer.json("GET", f"/user/me/albums?{auth}"))["data"]
    (artist,) = (await deezer.json("GET", f"/user/{user}/artists?{auth}"))["data"]
    assert (album["title"], album["release_date"], album["nb_tracks"]) == ("Tides of Tin", "2021-03-04", 61)
    assert artist["name"] == "The Quiet Harbour"
    assert await code_of(deezer, "GET", f"/user/1/artists?{auth}") == 200


async def test_favorites_that_cannot_be_are_refused(deezer: Caller) -> None:
    token, (track_id,) = await signed_in(deezer), await first_tracks(deezer, 1)
    reader = await signed_in(deezer, perms="basic_access,manage_library")
    path = "/user/me/tracks?access_token="

    assert await code_of(deezer, "POST", f"{path}{token}") == 501
    assert await code_of(deezer, "POST", f"{path}{token}&track_ids={track_id},77") == 800
    assert await code_of(deezer, "GET", "/user/me/tracks") == 200
    assert await deezer.json("POST", f"{path}{reader}&track_id={track_id}") is True
    assert await code_of(deezer, "DELETE", f"{path}{reader}&track_id={track_id}") == 200


async def test_favorite_tracks_are_the_last_of_the_playlists_too(deezer: Caller) -> None:
    token, ids = await signed_in(deezer), await first_tracks(deezer, 2)
    auth = f"access_token={token}"
    await deezer.json("POST", f"/user/me/tracks?track_ids={','.join(ids)}&{auth}")

    loved = (await deezer.json("GET", f"/user/me/playlists?{auth}"))["data"][-1]
    rows = (await deezer.json("GET", f"/playlist/{loved['id']}/tracks?{auth}"))["data"]

    assert (loved["title"], loved["is_loved_track"], loved["nb_tracks"]) == ("Loved Tracks", True, 2)
    assert [str(row["id"]) for row in rows] == ids
    assert await code_of(deezer, "POST", f"/playlist/{loved['id']}/tracks?songs={ids[0]}&{auth}") == 800
    assert await code_of(deezer, "DELETE", f"/playlist/{loved['id']}?{auth}") == 800


@pytest.mark.parametrize("query", ["quiet harbour", 'artist:"The Quiet Harbour"'])
async def test_artists_are_found_by_their_names(deezer: Caller, query: str) -> None:
    found = await deezer.json("GET", "/search/artist", params={"q": query})
    whole = await deezer.json("GET", f"/artist/{found['data'][0]['id']}")

    assert (found["total"], whole["name"]) == (1, "The Quiet Harbour")
    assert whole == found["data"][0]


async def test_write_needs_the_permission_that_was_asked_for(deezer: Caller) -> None:
    token = await signed_in(deezer, perms="basic_access")

    assert await code_of(deezer, "POST", f"/user/me/playlists?title=New&access_token={token}") == 200


async def test_playlist_takes_two_thousand_tracks(starter: Starter) -> None:
    full = playlist("Full", [track(n) for n in range(2000)], source_platform="deezer")
    deezer = await starter(
        "deezer", world={"catalog": [track(2000)], "playlists": [full]}, is_signed_in=False
    )
    token, own_id = await signed_in(deezer), await deezer.playlist_id("Full")
    found = await deezer.json("GET", f"/track/isrc:{track(2000)['isrc']}")

    path = f"/playlist/{own_id}/tracks?songs={found['id']}&access_token={token}"

    assert await code_of(deezer, "POST", path) == 100


async def test_ten_thousand_tracks_are_the_most_favorites(starter: Starter) -> None:
    deezer = await starter("deezer", world={"catalog": [track(n) for n in range(10_001)]}, is_signed_in=False)
    token = await signed_in(deezer)
    ids = [row["id"] for row in await deezer.json("GET", "/_sandbox/catalog/track")]
    await deezer.json("POST", "/_sandbox/kept", status=204, json={"kind": "track", "ids": ids[:10_000]})
    path = f"/user/me/tracks?access_token={token}&track_id="

    assert await deezer.json("POST", f"{path}{ids[0]}") is True
    assert await code_of(deezer, "POST", f"{path}{ids[10_000]}") == 100


async def test_limit_counts_each_address_for_itself_and_tells_no_wait(starter: Starter) -> None:
    deezer = await starter(
        "deezer", world=WORLD, is_signed_in=False, rate_limit=RateLimit(request_count=2, window_s=5)
    )
    own_id = await deezer.playlist_id("Long")
    answers = []

    for address in ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2"):
        connector = aiohttp.TCPConnector(local_addr=(address, 0))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"{deezer.url}/playlist/{own_id}") as answer,
        ):
            answers.append((answer.status, "Retry-After" in answer.headers, "error" in await answer.json()))

    assert answers == [(200, False, False), (200, False, False), (200, False, True), (200, False, False)]
    await deezer.advance(6)
    assert "error" not in await deezer.json("GET", f"/playlist/{own_id}")


async def test_sign_in_gives_an_endless_token_where_that_was_asked(deezer: Caller) -> None:
    await signed_in(deezer)
    token = await signed_in(deezer, perms="basic_access")
    endless = await signed_in(deezer)

    await deezer.advance(30 * 86400)

    assert await code_of(deezer, "GET", f"/user/me?access_token={token}") == 300
    assert "id" in await deezer.json("GET", f"/user/me?access_token={endless}")


async def test_code_works_once_and_refusals_are_bare_words(deezer: Caller) -> None:
    async with await deezer.send("GET", "/oauth/access_token.php?app_id=1&secret=x&code=never") as answer:
        said = (answer.status, await answer.text())
    query = {"app_id": "1", "redirect_uri": REDIRECT, "sandbox_deny": "1", "state": "s"}
    async with await deezer.send("GET", "/oauth/auth.php", params=query, allow_redirects=False) as answer:
        back = answer.headers["Location"]

    assert said == (200, "wrong code")
    assert back == f"{REDIRECT}?error_reason=user_denied&state=s"


async def test_sign_in_page_asks_a_person(starter: Starter) -> None:
    deezer = await starter("deezer", world=WORLD, is_signed_in=False, auto_approve=False)
    query = {"app_id": "1", "redirect_uri": REDIRECT, "perms": "basic_access", "state": "s"}

    async with await deezer.send("GET", "/oauth/auth.php", params=query) as answer:
        page = await answer.text()

    assert answer.status == 200
    assert "Agree" in page
    assert "basic_access" in page


@pytest.mark.skipif(not SPEC.exists(), reason="the reference shelf is not beside the checkout")
async def test_answers_fit_the_schema_that_others_wrote(deezer: Caller) -> None:
    spec: dict[str, Any] = yaml.load(SPEC.read_text(), Loader=yaml.CSafeLoader)
    own_id = await deezer.playlist_id("Long")
    (track_id,) = await first_tracks(deezer, 1)
    album = (await deezer.json("GET", f"/track/{track_id}"))["album"]
    calls = {
        "/playlist/{id}": f"/playlist/{own_id}",
        "/playlist/{id}/tracks": f"/playlist/{own_id}/tracks",
        "/album/{id}": f"/album/{album['id']}",
    }

    found = []
    for template, path in calls.items():
        answer: Json = await deezer.json("GET", path)
        schema = spec["paths"][template]["get"]["responses"][200]["content"]["application/json"]["schema"]
        validator = OAS30Validator({**schema, "components": spec["components"]})
        found += [
            f"{template} {list(e.absolute_path)}: {e.message[:200]}" for e in validator.iter_errors(answer)
        ]

    assert found == []

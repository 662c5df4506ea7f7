"""Simulated ListenBrainz keeps to the real one's reference and code."""

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator

from deploy.sandbox.options import RateLimit
from tests.integration.sandbox.harness import Caller, Json, Starter, playlist, track

SPEC = Path(__file__).resolve().parents[3] / "../shared/specs/listenbrainz-openapi.community.bundled.json"
PLAYLIST = "https://musicbrainz.org/doc/jspf#playlist"
RECORDING = "https://musicbrainz.org/recording/"
WORLD = {
    "catalog": [track(n) for n in range(130)],
    "playlists": [playlist("Long", [track(n) for n in range(30)], source_platform="listenbrainz")],
}


@pytest.fixture
async def listenbrainz(starter: Starter) -> Caller:
    caller = await starter("listenbrainz", world=WORLD, is_signed_in=False)
    await sign_in(caller)
    return caller


async def sign_in(caller: Caller) -> str:
    token = (await caller.json("POST", "/_sandbox/user-tokens", status=201))["music_user_token"]
    caller.headers = {"Authorization": f"Token {token}"}
    return str(token)


def jspf(*mbids: str, **fields: Any) -> Json:
    rows = [{"identifier": [f"{RECORDING}{mbid}"]} for mbid in mbids]
    return {"playlist": {"track": rows, **fields}}


async def created(caller: Caller, *, is_public: bool = True, **fields: Any) -> str:
    extension = {PLAYLIST: {"public": is_public}}
    wanted = jspf(title="New", extension=extension, **fields)
    answer = await caller.json("POST", "/1/playlist/create", json=wanted)
    return str(answer["playlist_mbid"])


async def mbids(caller: Caller, *numbers: int) -> list[str]:
    asked = [{"recording_name": track(n)["title"], "artist_name": track(n)["artists"][0]} for n in numbers]
    answer = await caller.json("POST", "/1/metadata/lookup/", json={"recordings": asked})
    return [one["recording_mbid"] for one in answer]


async def test_token_is_checked_without_an_error(listenbrainz: Caller) -> None:
    good = await listenbrainz.json("GET", "/1/validate-token")
    bad = await listenbrainz.json("GET", "/1/validate-token", headers={"Authorization": "Token no"})

    assert (good["valid"], good["user_name"]) == (True, "sandbox")
    assert bad["valid"] is False


async def test_playlist_comes_whole_and_its_words_can_be_left_out(listenbrainz: Caller) -> None:
    own_id = await listenbrainz.playlist_id("Long")

    whole = (await listenbrainz.json("GET", f"/1/playlist/{own_id}"))["playlist"]
    bare = (await listenbrainz.json("GET", f"/1/playlist/{own_id}?fetch_metadata=false"))["playlist"]

    assert [row["title"] for row in whole["track"]] == [track(n)["title"] for n in range(30)]
    assert [row["identifier"] for row in bare["track"]] == [row["identifier"] for row in whole["track"]]
    assert not any("title" in row for row in bare["track"])


async def test_lists_of_a_user_are_paged_by_offset_and_count(listenbrainz: Caller) -> None:
    for _ in range(3):
        await created(listenbrainz)

    page = await listenbrainz.json("GET", "/1/user/sandbox/playlists?count=2&offset=1")

    assert (page["count"], page["offset"], page["playlist_count"]) == (2, 1, 4)
    assert [one["playlist"]["track"] for one in page["playlists"]] == [[], []]


async def test_private_playlist_is_there_for_its_owner_alone(listenbrainz: Caller) -> None:
    own_id = await created(listenbrainz, is_public=False)

    await listenbrainz.json("GET", f"/1/playlist/{own_id}")
    refused = await listenbrainz.json("GET", f"/1/playlist/{own_id}", headers={}, status=404)
    listed = await listenbrainz.json("GET", "/1/user/sandbox/playlists", headers={})

    assert refused == {"code": 404, "error": f"Cannot find playlist: {own_id}"}
    assert listed["playlist_count"] == 1


async def test_tags_are_taken_out_of_descriptions(listenbrainz: Caller) -> None:
    own_id = await created(listenbrainz, annotation="<b>By</b> <tr_1> &lt;us&gt; & them")

    whole = (await listenbrainz.json("GET", f"/1/playlist/{own_id}"))["playlist"]

    assert whole["annotation"] == "<b>By</b>  &lt;us&gt; &amp; them"


async def test_recordings_are_added_at_the_end_or_at_a_place_and_may_repeat(listenbrainz: Caller) -> None:
    first, second = await mbids(listenbrainz, 1, 2)
    own_id = await created(listenbrainz)
    path = f"/1/playlist/{own_id}/item/add"

    await listenbrainz.json("POST", path, json=jspf(first, first))
    await listenbrainz.json("POST", f"{path}/1", json=jspf(second))

    assert [row["id"] for row in await listenbrainz.truth(own_id)] == [first, second, first]


async def test_rows_are_removed_by_their_places(listenbrainz: Caller) -> None:
    ids = await mbids(listenbrainz, 1, 2, 3, 4)
    own_id = await created(listenbrainz)
    await listenbrainz.json("POST", f"/1/playlist/{own_id}/item/add", json=jspf(*ids))

    await listenbrainz.json("POST", f"/1/playlist/{own_id}/item/delete", json={"index": 1, "count": 2})
    refused = await listenbrainz.json("POST", f"/1/playlist/{own_id}/item/delete", json={}, status=400)

    assert [row["id"] for row in await listenbrainz.truth(own_id)] == [ids[0], ids[3]]
    assert refused["code"] == 400


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (jspf(*["0" * 8 + "-1111-4222-8333-" + f"{n:012}" for n in range(101)]), "max 100 recordings"),
        (jspf("no-mbid"), "valid identifier"),
        ({}, "requires 'playlist'"),
    ],
)
async def test_what_cannot_be_added_is_refused_with_a_reason(
    listenbrainz: Caller, wanted: Json, words: str
) -> None:
    own_id = await created(listenbrainz)

    refused = await listenbrainz.json("POST", f"/1/playlist/{own_id}/item/add", json=wanted, status=400)

    assert words in refused["error"]
    assert await listenbrainz.truth(own_id) == []


async def test_look_up_answers_each_question_and_takes_fifty(listenbrainz: Caller) -> None:
    known = {"recording_name": track(3)["title"], "artist_name": track(3)["artists"][0]}
    unknown = {"recording_name": "Nothing", "artist_name": "Nobody"}

    answer = await listenbrainz.json("POST", "/1/metadata/lookup/", json={"recordings": [unknown, known]})
    refused = await listenbrainz.json(
        "POST", "/1/metadata/lookup/", json={"recordings": [known] * 51}, status=400
    )
    stranger = await listenbrainz.json(
        "POST", "/1/metadata/lookup/", json={"recordings": [known]}, headers={}, status=401
    )

    assert answer[0] == {"index": 0, "artist_credit_arg": "Nobody", "recording_name_arg": "Nothing"}
    assert (answer[1]["index"], answer[1]["recording_name"]) == (1, track(3)["title"])
    assert (refused["code"], stranger["code"]) == (400, 401)


async def test_recordings_are_told_with_their_isrcs_and_unknown_ones_left_out(listenbrainz: Caller) -> None:
    (mbid,) = await mbids(listenbrainz, 5)
    lost = "00000000-1111-4222-8333-444444444444"

    answer = await listenbrainz.json(
        "GET", f"/1/metadata/recording/?recording_mbids={mbid},{lost}&inc=artist release"
    )

    assert list(answer) == [mbid]
    assert answer[mbid]["recording"]["isrcs"] == [track(5)["isrc"]]
    assert answer[mbid]["artist"]["artists"][0]["name"] == "The Quiet Harbour"
    assert answer[mbid]["release"]["year"] == 2021


async def love(caller: Caller, mbid: str, *, score: int = 1, status: int = 200, **other: Any) -> Any:
    wanted = {"recording_mbid": mbid, "score": score, **other}
    return await caller.json("POST", "/1/feedback/recording-feedback", json=wanted, status=status)


async def loved(caller: Caller, query: str = "score=1", *, status: int = 200) -> Any:
    return await caller.json("GET", f"/1/feedback/user/sandbox/get-feedback?{query}", status=status)


async def test_loved_recordings_are_listed_newest_first_and_dated_anew(listenbrainz: Caller) -> None:
    first, second, third = await mbids(listenbrainz, 1, 2, 3)
    for mbid in (first, second, third, first):
        await love(listenbrainz, mbid)
        await listenbrainz.advance(1)
    await love(listenbrainz, second, score=0)
    await love(listenbrainz, second, score=0)

    page = await loved(listenbrainz)
    rest = await loved(listenbrainz, "score=1&metadata=true&count=1&offset=1")
    hated = await loved(listenbrainz, "score=-1")

    assert [row["recording_mbid"] for row in page["feedback"]] == [first, third]
    assert [row["track_metadata"] for row in page["feedback"]] == [None, None]
    assert (rest["count"], rest["offset"], rest["total_count"]) == (1, 1, 2)
    assert rest["feedback"][0]["track_metadata"]["track_name"] == track(3)["title"]
    assert hated["feedback"] == []


async def test_what_only_a_listen_named_has_no_mbid(listenbrainz: Caller) -> None:
    (mbid,) = await mbids(listenbrainz, 1)
    await love(listenbrainz, mbid)
    await listenbrainz.fault(kind="dead_ids", operation="list_feedback", ids=[mbid])

    (row,) = (await loved(listenbrainz, "score=1&metadata=true"))["feedback"]

    assert (row["recording_mbid"], len(row["recording_msid"])) == (None, 36)
    assert row["track_metadata"]["track_name"] == track(1)["title"]


async def test_feedback_that_is_none_is_refused(listenbrainz: Caller) -> None:
    (mbid,) = await mbids(listenbrainz, 1)

    refused = [
        await love(listenbrainz, mbid, score=2, status=400),
        await love(listenbrainz, mbid, note="x", status=400),
        await love(listenbrainz, "no-mbid", status=400),
        await love(listenbrainz, mbid, recording_mbid=None, status=400),
    ]
    stranger = await listenbrainz.json(
        "POST", "/1/feedback/recording-feedback", json={}, headers={}, status=401
    )
    nobody = await listenbrainz.json("GET", "/1/feedback/user/nobody/get-feedback", status=404)
    await loved(listenbrainz, "score=3", status=400)

    assert {one["code"] for one in refused} == {400}
    assert (stranger["code"], nobody["code"]) == (401, 404)
    assert (await loved(listenbrainz))["total_count"] == 0


async def test_each_answer_says_how_far_the_window_is_used(starter: Starter) -> None:
    limit = RateLimit(request_count=2, window_s=10)
    caller = await starter("listenbrainz", world=WORLD, is_signed_in=False, rate_limit=limit)
    told = []

    for _ in range(3):
        async with await caller.send("GET", "/1/user/sandbox/playlists") as answer:
            headers = answer.headers
            told.append((answer.status, headers["X-RateLimit-Remaining"], "Retry-After" in headers))

    assert told == [(200, "1", False), (200, "0", False), (429, "0", False)]
    assert int(headers["X-RateLimit-Reset-In"]) in {9, 10}


@pytest.mark.skipif(not SPEC.exists(), reason="the reference shelf is not beside the checkout")
async def test_answers_fit_the_schema_that_others_wrote(listenbrainz: Caller) -> None:
    spec: Json = json.loads(SPEC.read_text())
    own_id = await listenbrainz.playlist_id("Long")
    (mbid,) = await mbids(listenbrainz, 5)
    look_up = f"recording_name={track(5)['title']}&artist_name={track(5)['artists'][0]}"
    await love(listenbrainz, mbid)
    calls = {
        "/1/validate-token": "/1/validate-token",
        "/1/user/{playlist_user_name}/playlists": "/1/user/sandbox/playlists",
        "/1/playlist/{playlist_mbid}": f"/1/playlist/{own_id}",
        "/1/metadata/recording/": f"/1/metadata/recording/?recording_mbids={mbid}&inc=artist release tag",
        "/1/metadata/lookup/": f"/1/metadata/lookup/?{look_up}",
        "/1/feedback/user/{user_name}/get-feedback": "/1/feedback/user/sandbox/get-feedback?metadata=true",
    }

    found = []
    for template, path in calls.items():
        answer = await listenbrainz.json("GET", path)
        schema = spec["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        validator = OAS30Validator({**schema, "components": spec["components"]})
        found += [
            f"{template} {list(e.absolute_path)}: {e.message[:200]}"
            for e in validator.iter_errors(answer)
            # The server's own code says None of the one id that a row has not.
            if list(e.absolute_path)[-1:] != ["recording_msid"]
        ]

    assert found == []

"""Simulated TIDAL keeps the contract of the real one."""

import asyncio
import base64
from typing import Any

import pytest
from yarl import URL

from deploy.sandbox.options import TokenBucket
from tests.integration.sandbox.harness import REDIRECT, Caller, ConnectionCut, Json, Starter, track

MEDIA_TYPE = "application/vnd.api+json"
SCOPE = "user.read playlists.read playlists.write collection.read collection.write search.read"
TOKEN = "/v1/oauth2/token"
WORLD: Json = {
    "catalog": [
        *(track(n, platform="tidal") for n in range(1, 46)),
        track(50, isrc="QZABC2600001", album="The Best", title="Paper Lantern No 1 again", platform="tidal"),
        track(51, platform="tidal", countries=["US"]),
    ],
    "playlists": [
        {
            "source_platform": "tidal",
            "playlist_name": "Long",
            "tracks": [*(track(n) for n in range(1, 46)), {"kind": "video", "title": "Lantern, filmed"}],
        }
    ],
}


async def tidal(starter: Starter, **knobs: Any) -> Caller:
    """Start it and sign in."""
    caller = await starter("tidal", world=WORLD, is_signed_in=False, country="DE", **knobs)
    await caller.log_in(scope=SCOPE, token_route=TOKEN)
    return caller


async def found(caller: Caller, *numbers: int) -> list[str]:
    """Look the ids of numbered tracks up, one by one."""
    ids = []
    for number in numbers:
        answer = await caller.json("GET", f"/v2/tracks?filter[isrc]=QZABC26{number:05d}")
        ids.append(str(answer["data"][0]["id"]))
    return ids


async def write(
    caller: Caller, method: str, path: str, body: Json, *, status: int = 200, key: str = ""
) -> Any:
    headers = {**caller.headers, "Content-Type": MEDIA_TYPE, **({"Idempotency-Key": key} if key else {})}
    return await caller.json(method, path, status=status, json=body, headers=headers)


async def add(caller: Caller, own_id: str, ids: list[str], *, status: int = 200, key: str = "") -> Any:
    body = {"data": [{"type": "tracks", "id": one} for one in ids]}
    path = f"/v2/playlists/{own_id}/relationships/items"
    return await write(caller, "POST", path, body, status=status, key=key)


async def created(caller: Caller, **attributes: str) -> str:
    body = {"data": {"type": "playlists", "attributes": {"name": "New", **attributes}}}
    answer = await write(caller, "POST", "/v2/playlists", body, status=201)
    return str(answer["data"]["id"])


async def standing(caller: Caller, own_id: str) -> list[Json]:
    """Follow the links through a playlist."""
    rows: list[Json] = []
    path: str | None = f"/playlists/{own_id}/relationships/items"
    while path:
        page = await caller.json("GET", f"/v2{path}")
        rows += page["data"]
        path = page["links"].get("next")
    return rows


async def test_playlist_comes_in_pages_of_20_that_are_chained_by_cursors(starter: Starter) -> None:
    caller = await tidal(starter)
    own_id = await caller.playlist_id("Long")

    first = await caller.json("GET", f"/v2/playlists/{own_id}/relationships/items?include=items.artists")
    rows = await standing(caller, own_id)

    assert len(first["data"]) == 20
    following = URL(first["links"]["next"])
    assert following.query["page[cursor]"] == first["links"]["meta"]["nextCursor"]
    assert (following.path, following.query["include"]) == (
        f"/playlists/{own_id}/relationships/items",
        "items.artists",
    )
    assert [row["type"] for row in rows] == ["tracks"] * 45 + ["videos"]
    assert len({row["meta"]["itemId"] for row in rows}) == 46
    assert [row["meta"]["itemId"] for row in rows[:20]] == [row["meta"]["itemId"] for row in first["data"]]
    kinds = {one["type"] for one in first["included"]}
    assert kinds == {"tracks", "artists"}


async def test_what_comes_along_is_what_was_asked_for(starter: Starter) -> None:
    caller = await tidal(starter)
    (own_id,) = await found(caller, 7)

    bare = await caller.json("GET", f"/v2/tracks?filter[id]={own_id}")
    rich = await caller.json("GET", f"/v2/tracks?filter[id]={own_id}&include=artists,albums")

    assert (bare["included"], bare["data"][0]["relationships"]) == ([], {})
    assert {one["type"] for one in rich["included"]} == {"artists", "albums"}
    assert rich["data"][0]["attributes"]["duration"] == "PT3M7S"


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/v2/tracks?filter[id]=1&include=nothing", "include"),
        ("/v2/tracks?filter[id]=1&include=albums.artists.albums.artists", "include"),
        ("/v2/tracks?filter[id]=" + ",".join(map(str, range(21))), "filter[id]"),
        ("/v2/tracks?filter[isrc]=qzabc2600001", "filter[isrc]"),
        ("/v2/tracks", "filter[id]"),
        ("/v2/tracks?filter[name]=x", "filter[name]"),
        ("/v2/searchResults?filter[query]=" + "a" * 257, "filter[query]"),
        ("/v2/playlists?filter[owners.id]=me&page[cursor]=%21", "page[cursor]"),
        ("/v2/playlists", "filter[owners.id]"),
    ],
)
async def test_wrong_parameter_is_named(starter: Starter, path: str, parameter: str) -> None:
    caller = await tidal(starter)

    answer = await caller.json("GET", path, status=400)

    assert answer["errors"][0]["status"] == "400"
    assert answer["errors"][0]["source"] == {"parameter": parameter}


async def test_one_isrc_brings_all_its_tracks_and_several_bring_one_each(starter: Starter) -> None:
    caller = await tidal(starter)

    alone = await caller.json("GET", "/v2/tracks?filter[isrc]=QZABC2600001")
    several = await caller.json("GET", "/v2/tracks?filter[isrc]=QZABC2600001,QZABC2600002,QZZZZ9999999")

    assert [row["attributes"]["isrc"] for row in alone["data"]] == ["QZABC2600001"] * 2
    assert sorted(row["attributes"]["isrc"] for row in several["data"]) == ["QZABC2600001", "QZABC2600002"]


async def test_what_a_country_does_not_have_is_left_out(starter: Starter) -> None:
    caller = await tidal(starter)

    at_home = await caller.json("GET", "/v2/tracks?filter[isrc]=QZABC2600051")
    abroad = await caller.json("GET", "/v2/tracks?filter[isrc]=QZABC2600051&countryCode=US")

    assert at_home["data"] == []
    assert len(abroad["data"]) == 1


async def test_id_that_died_is_skipped_and_repaired_by_its_isrc(starter: Starter) -> None:
    caller = await tidal(starter)
    dead, alive = await found(caller, 3, 4)
    own_id = await created(caller)
    await caller.fault(kind="churned_ids", ids=[dead])

    gone = await caller.json("GET", f"/v2/tracks?filter[id]={dead}")
    told = await add(caller, own_id, [dead, alive])
    (reborn,) = await found(caller, 3)
    again = await add(caller, own_id, [reborn])

    assert gone["data"] == []
    assert told["meta"]["skipped"] == [{"id": dead, "type": "tracks", "reason": "NOT_FOUND"}]
    assert [row["id"] for row in told["data"]] == [alive]
    assert reborn != dead
    assert again["meta"]["skipped"] == []
    assert [row["id"] for row in await caller.truth(own_id)] == [alive, reborn]


@pytest.mark.parametrize(("repeats", "count"), [("keep", 3), ("skip", 1)])
async def test_repeats_are_kept_or_skipped(starter: Starter, repeats: str, count: int) -> None:
    caller = await tidal(starter, repeats=repeats)
    (own,) = await found(caller, 3)
    own_id = await created(caller)

    await add(caller, own_id, [own])
    told = await add(caller, own_id, [own, own])

    reasons = [row["reason"] for row in told["meta"]["skipped"]]
    assert reasons == ["ALREADY_PRESENT"] * (3 - count)
    assert len(await caller.truth(own_id)) == count


@pytest.mark.parametrize("count", [0, 51])
async def test_batch_of_a_wrong_size_is_refused(starter: Starter, count: int) -> None:
    caller = await tidal(starter)
    (own,) = await found(caller, 3)
    own_id = await created(caller)

    answer = await add(caller, own_id, [own] * count, status=400)

    assert answer["errors"][0]["source"] == {"pointer": "/data"}
    assert await caller.truth(own_id) == []


async def test_media_types_are_negotiated(starter: Starter) -> None:
    caller = await tidal(starter)
    body = {"data": {"type": "playlists", "attributes": {"name": "New"}}}

    await caller.json("POST", "/v2/playlists", status=415, json=body)
    await caller.json("GET", "/v2/users/me", status=406, headers={**caller.headers, "Accept": "text/html"})
    async with await caller.send("GET", "/v2/users/me") as answer:
        assert answer.content_type == MEDIA_TYPE


async def test_mutation_under_a_key_is_done_once_and_answered_again(starter: Starter) -> None:
    caller = await tidal(starter)
    own = await found(caller, 3, 4)
    own_id = await created(caller)

    first = await add(caller, own_id, own, key="k1")
    again = await add(caller, own_id, own, key="k1")
    other = await add(caller, own_id, own[:1], key="k1", status=422)

    assert again == first
    assert other["errors"][0]["code"] == "IDEMPOTENT_REQUEST_PAYLOAD_MISMATCH"
    assert len(await caller.truth(own_id)) == 2
    await caller.advance(3601)
    await add(caller, own_id, own, key="k1")
    assert len(await caller.truth(own_id)) == 4
    await add(caller, own_id, own, key="k" * 129, status=400)


async def test_mutation_whose_answer_was_lost_is_answered_under_its_key(starter: Starter) -> None:
    caller = await tidal(starter)
    own = await found(caller, 3, 4)
    own_id = await created(caller)
    await caller.fault(kind="applied_then_lost", operation="add_items", count=1)

    with pytest.raises(ConnectionCut):
        await add(caller, own_id, own, key="k1")
    told = await add(caller, own_id, own, key="k1")

    assert [row["id"] for row in told["data"]] == own
    assert len(await caller.truth(own_id)) == 2


async def test_mutation_that_is_still_at_work_is_not_begun_again(starter: Starter) -> None:
    caller = await tidal(starter, write_hold_ms=500)
    (own,) = await found(caller, 3)
    own_id = await created(caller)

    first, second = await asyncio.gather(
        *(
            caller.send(
                "POST",
                f"/v2/playlists/{own_id}/relationships/items",
                json={"data": [{"type": "tracks", "id": own}]},
                headers={**caller.headers, "Content-Type": MEDIA_TYPE, "Idempotency-Key": "k1"},
            )
            for _ in range(2)
        )
    )

    refused = first if first.status == 409 else second
    assert sorted((first.status, second.status)) == [200, 409]
    assert (await refused.json())["errors"][0]["code"] == "IDEMPOTENT_REQUEST_IN_PROGRESS"
    assert len(await caller.truth(own_id)) == 1


async def test_items_are_placed_moved_and_removed_by_their_occurrence(starter: Starter) -> None:
    caller = await tidal(starter)
    one, two, three = await found(caller, 1, 2, 3)
    own_id = await created(caller)
    path = f"/v2/playlists/{own_id}/relationships/items"
    told = await add(caller, own_id, [one, two, one])
    first, _, last = (row["meta"]["itemId"] for row in told["data"])

    await write(
        caller,
        "POST",
        path,
        {"data": [{"type": "tracks", "id": three}], "meta": {"positionBefore": last}},
    )
    named = {"type": "tracks", "id": one, "meta": {"itemId": last}}
    await write(caller, "PATCH", path, {"data": [named], "meta": {"positionBefore": first}})
    moved = [row["id"] for row in await caller.truth(own_id)]
    await write(caller, "DELETE", path, {"data": [{**named, "meta": {"itemId": first}}]})

    assert moved == [one, one, two, three]
    rows = await standing(caller, own_id)
    assert [row["id"] for row in rows] == [one, two, three]
    assert rows[0]["meta"]["itemId"] == last


async def test_deleted_playlist_is_gone(starter: Starter) -> None:
    caller = await tidal(starter)
    own_id = await created(caller, description="[cp_1]", accessType="UNLISTED")
    listed = await caller.json("GET", "/v2/playlists?filter[owners.id]=me")

    await write(caller, "DELETE", f"/v2/playlists/{own_id}", {})

    attributes = listed["data"][0]["attributes"]
    assert (attributes["description"], attributes["accessType"]) == ("[cp_1]", "UNLISTED")
    await caller.json("GET", f"/v2/playlists/{own_id}", status=404)
    left = await caller.json("GET", "/v2/playlists?filter[owners.id]=me")
    assert own_id not in [row["id"] for row in left["data"]]


async def test_bucket_of_tokens_tells_its_prices_and_when_to_come_back(starter: Starter) -> None:
    caller = await tidal(starter, token_bucket=TokenBucket(capacity=10, per_s=1))
    path = "/v2/tracks?filter[id]=1&include=artists,albums"

    headers = []
    for _ in range(4):
        async with await caller.send("GET", path) as answer:
            headers.append((answer.status, answer.headers))
    await caller.advance(2)
    async with await caller.send("GET", path) as answer:
        after = answer.status

    assert [status for status, _ in headers] == [200, 200, 200, 429]
    assert headers[0][1]["X-RateLimit-Requested-Tokens"] == "3"
    assert headers[0][1]["X-RateLimit-Remaining"] == "7"
    assert headers[3][1]["Retry-After"] == "2"
    assert after == 200


async def test_search_has_its_new_and_its_old_shape(starter: Starter) -> None:
    caller = await tidal(starter)

    new = await caller.json("GET", "/v2/searchResults?filter[query]=paper lantern&include=tracks.artists")
    old = await caller.json("GET", "/v2/searchResults/paper lantern?include=tracks")
    (result,) = new["data"]
    page = await caller.json("GET", f"/v2/searchResults/{result['id']}/relationships/tracks?include=tracks")
    behind = await caller.json("GET", f"/v2{page['links']['next']}")

    rows = result["relationships"]["tracks"]["data"]
    assert len(rows) == 20
    assert old["data"]["id"] == "paper lantern"
    assert old["data"]["relationships"]["tracks"]["data"] == rows == page["data"]
    assert not {row["id"] for row in behind["data"]} & {row["id"] for row in rows}


async def test_scopes_keep_a_users_playlists_and_a_client_alone_reads_the_catalog(starter: Starter) -> None:
    caller = await starter("tidal", world=WORLD, is_signed_in=False)
    pair = base64.b64encode(b"app:secret").decode()
    form = {"grant_type": "client_credentials"}
    told = await caller.json("POST", TOKEN, data=form, headers={"Authorization": f"Basic {pair}"})
    caller.headers = {"Authorization": f"Bearer {told['access_token']}"}

    await caller.json("GET", "/v2/tracks?filter[isrc]=QZABC2600001")
    await caller.json("GET", "/v2/playlists?filter[owners.id]=me", status=403)
    await caller.log_in(scope="playlists.read", token_route=TOKEN)
    await caller.json("GET", "/v2/playlists?filter[owners.id]=me")
    await caller.json("GET", "/v2/users/me", status=403)


async def test_token_that_ended_is_refused_with_the_code_that_asks_for_a_refresh(starter: Starter) -> None:
    caller = await starter("tidal", world=WORLD, is_signed_in=False)
    tokens = await caller.log_in(scope=SCOPE, token_route=TOKEN)
    await caller.advance(tokens["expires_in"] + 1)

    refused = await caller.json("GET", "/v2/users/me", status=401)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "app"}
    fresh = await caller.json("POST", TOKEN, data=form, headers={})

    assert refused["subStatus"] == 11003
    assert "refresh_token" not in fresh
    caller.headers = {"Authorization": f"Bearer {fresh['access_token']}"}
    me = await caller.json("GET", "/v2/users/me")
    assert me["data"]["attributes"]["username"] == "sandbox"


@pytest.mark.parametrize(
    "wrong",
    [{"scope": "r_usr"}, {"code_challenge": ""}, {"code_challenge_method": "plain"}, {"redirect_uri": ""}],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_sign_in_that_cannot_be_fails_on_its_page(starter: Starter, wrong: Json) -> None:
    caller = await starter("tidal", is_signed_in=False)
    asked = {
        "client_id": "app",
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": SCOPE,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
        **wrong,
    }

    async with await caller.send("GET", "/authorize", params=asked, allow_redirects=False) as answer:
        assert answer.status == 400
        assert "Location" not in answer.headers


async def test_code_needs_its_verifier_and_works_once(starter: Starter) -> None:
    caller = await starter("tidal", is_signed_in=False)
    asked = {
        "client_id": "app",
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": SCOPE,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    async with await caller.send("GET", "/authorize", params=asked, allow_redirects=False) as answer:
        code = URL(answer.headers["Location"]).query["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "client_id": "app",
        "code_verifier": "v" * 43,
    }

    refused = await caller.json("POST", TOKEN, status=400, data=form, headers={})

    assert refused["error"] == "invalid_grant"


async def test_person_is_asked_where_nobody_agrees_for_them(starter: Starter) -> None:
    caller = await starter("tidal", is_signed_in=False, auto_approve=False)
    asked = {
        "client_id": "app",
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": "user.read",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }

    async with await caller.send("GET", "/authorize", params=asked, allow_redirects=False) as answer:
        text = await answer.text()
    more = {**asked, "sandbox_user": "mira", "sandbox_allow": "1"}
    async with await caller.send("GET", "/authorize", params=more, allow_redirects=False) as agreed:
        location = URL(agreed.headers["Location"])
    denied = {**asked, "sandbox_deny": "1"}
    async with await caller.send("GET", "/authorize", params=denied, allow_redirects=False) as refused:
        error = URL(refused.headers["Location"]).query["error"]

    assert "user.read" in text
    assert location.query["code"]
    assert error == "access_denied"

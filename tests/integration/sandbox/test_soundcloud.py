"""Simulated SoundCloud: tokens that work once, lists that are replaced, rows that are hidden."""

import base64
import hashlib
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.sandbox.harness import REDIRECT, VERIFIER, Caller, Json, Starter, playlist, track

ASKED = {
    "client_id": "app",
    "response_type": "code",
    "redirect_uri": REDIRECT,
    "state": "s1",
    "code_challenge_method": "S256",
    "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    .rstrip(b"=")
    .decode(),
}
APP = {"client_id": "app", "client_secret": "hush"}
ROWS = [track(1), track(2, kind="unplayable"), {"kind": "removed"}, track(3), track(1)]
WORLD = {
    "playlists": [
        playlist("Odd", ROWS, source_platform="soundcloud"),
        playlist("Long", [track(n) for n in range(120)], source_platform="soundcloud"),
    ]
}
LINKED = "linked_partitioning=true"


async def back(soundcloud: Caller, **changed: str) -> Json:
    params = {**ASKED, **changed}
    async with await soundcloud.send("GET", "/authorize", params=params, allow_redirects=False) as answer:
        return parse_qs(urlsplit(answer.headers["Location"]).query)


async def code_of(soundcloud: Caller) -> str:
    return str((await back(soundcloud))["code"][0])


async def swap(soundcloud: Caller, *, status: int = 200, **form: str) -> Json:
    wanted = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    answer: Json = await soundcloud.json(
        "POST", "/oauth/token", status=status, data={**wanted, **APP, **form}, headers={}
    )
    return answer


async def refreshed(soundcloud: Caller, token: str, *, status: int = 200) -> Json:
    return await swap(soundcloud, status=status, grant_type="refresh_token", refresh_token=token)


@pytest.fixture
async def soundcloud(starter: Starter) -> Caller:
    """A sandbox with an account that is signed in."""
    caller = await starter("soundcloud", world=WORLD, is_signed_in=False)
    tokens = await swap(caller, code=await code_of(caller))
    caller.headers = {"Authorization": f"OAuth {tokens['access_token']}"}
    return caller


async def put(soundcloud: Caller, own_id: str, *urns: str, status: int = 200) -> Json:
    body = {"playlist": {"tracks": [{"urn": urn} for urn in urns]}}
    answer: Json = await soundcloud.json("PUT", f"/playlists/{own_id}", status=status, json=body)
    return answer


async def urns_in(soundcloud: Caller, own_id: str) -> list[Any]:
    return [row["id"] for row in await soundcloud.truth(own_id)]


async def test_code_works_once_with_its_verifier_and_the_secret_in_the_form(starter: Starter) -> None:
    soundcloud = await starter("soundcloud", is_signed_in=False, clients={"app": "hush"})
    code = await code_of(soundcloud)

    no_secret = await swap(soundcloud, code=code, client_secret="", status=401)
    tokens = await swap(soundcloud, code=code)
    again = await swap(soundcloud, code=code, status=400)
    other = await swap(soundcloud, code=await code_of(soundcloud), code_verifier="w" * 43, status=400)

    assert (no_secret["message"], again["message"], other["message"]) == (
        "invalid_client",
        "invalid_grant",
        "invalid_grant",
    )
    assert (tokens["expires_in"], tokens["scope"], bool(tokens["refresh_token"])) == (3599, "", True)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"sandbox_deny": "1"}, "access_denied"),
    ],
)
async def test_sign_in_without_pkce_or_consent_is_refused(
    starter: Starter, changed: dict[str, str], error: str
) -> None:
    soundcloud = await starter("soundcloud", is_signed_in=False)

    assert await back(soundcloud, **changed) == {"error": [error], "state": ["s1"]}


async def test_page_asks_where_nobody_agrees_beforehand(starter: Starter) -> None:
    soundcloud = await starter("soundcloud", is_signed_in=False, auto_approve=False)

    async with await soundcloud.send("GET", "/authorize", params=ASKED) as answer:
        page = await answer.text()
    agreed = await back(soundcloud, sandbox_allow="1", sandbox_user="mira")

    assert "<b>app</b>" in page
    assert "code" in agreed


async def test_refresh_token_works_once_even_if_its_answer_is_lost(starter: Starter) -> None:
    soundcloud = await starter("soundcloud", is_signed_in=False)
    first = await swap(soundcloud, code=await code_of(soundcloud))
    second = await refreshed(soundcloud, first["refresh_token"])
    reused = await refreshed(soundcloud, first["refresh_token"], status=400)
    await soundcloud.fault(operation="token", kind="applied_then_error", count=1)

    lost = await refreshed(soundcloud, second["refresh_token"], status=502)
    after = await refreshed(soundcloud, second["refresh_token"], status=400)

    assert second["refresh_token"] != first["refresh_token"]
    assert (reused["message"], lost["code"], after["message"]) == ("invalid_grant", 502, "invalid_grant")


async def test_app_gets_fifty_tokens_without_a_user_in_twelve_hours(starter: Starter) -> None:
    soundcloud = await starter("soundcloud", is_signed_in=False)
    headers = {"Authorization": f"Basic {base64.b64encode(b'app:hush').decode()}"}
    form = {"grant_type": "client_credentials"}

    for _ in range(50):
        await soundcloud.json("POST", "/oauth/token", data=form, headers=headers)
    refused = await soundcloud.json("POST", "/oauth/token", status=429, data=form, headers=headers)
    await soundcloud.advance(12 * 3600)
    after = await soundcloud.json("POST", "/oauth/token", data=form, headers=headers)
    soundcloud.headers = {"Authorization": f"OAuth {after['access_token']}"}

    assert refused["message"] == "rate_limit_exceeded"
    await soundcloud.json("GET", f"/tracks?q=none&{LINKED}")
    await soundcloud.json("GET", "/me", status=401)


@pytest.mark.parametrize(("scheme", "status"), [("OAuth", 200), ("Bearer", 200), ("Token", 401)])
async def test_call_is_signed_as_documented_or_as_seen(soundcloud: Caller, scheme: str, status: int) -> None:
    token = soundcloud.headers["Authorization"].partition(" ")[2]

    await soundcloud.json("GET", "/me", status=status, headers={"Authorization": f"{scheme} {token}"})


@pytest.mark.parametrize(
    ("access", "titles"),
    [
        ("", [1, 3, 1]),
        ("&access=playable,preview,blocked", [1, 2, 3, 1]),
        ("&access=blocked", [2]),
    ],
)
async def test_rows_are_left_out_by_access_and_hidden_ones_always(
    soundcloud: Caller, access: str, titles: list[int]
) -> None:
    own_id = await soundcloud.playlist_id("Odd")

    rows = await soundcloud.json("GET", f"/playlists/{own_id}/tracks?{LINKED}{access}")
    head = await soundcloud.json("GET", f"/playlists/{own_id}?show_tracks=false")

    assert [row["title"] for row in rows["collection"]] == [f"Paper Lantern No {n}" for n in titles]
    assert (head["track_count"], "tracks" in head) == (5, False)


async def test_put_replaces_the_list_and_loses_what_it_does_not_name(soundcloud: Caller) -> None:
    own_id = await soundcloud.playlist_id("Odd")
    rows = await soundcloud.json("GET", f"/playlists/{own_id}/tracks?{LINKED}")
    shown = [row["urn"] for row in rows["collection"]]

    answer = await put(soundcloud, own_id, *shown[::-1])

    assert answer["track_count"] == 3
    assert await urns_in(soundcloud, own_id) == shown[::-1]


async def test_one_bad_urn_a_number_or_too_many_tracks_refuse_the_whole_list(soundcloud: Caller) -> None:
    own_id, other_id = await soundcloud.playlist_id("Odd"), await soundcloud.playlist_id("Long")
    before, (good, *_) = await urns_in(soundcloud, own_id), await urns_in(soundcloud, other_id)
    by_number = {"playlist": {"tracks": [{"id": int(good.rpartition(":")[2])}]}}
    await soundcloud.fault(operation="replace_playlist", kind="poison", poison_ids=[good], count=1)

    poisoned = await put(soundcloud, own_id, good, status=422)
    await put(soundcloud, own_id, good, "soundcloud:tracks:1", status=422)
    await put(soundcloud, own_id, *[good] * 501, status=422)
    await soundcloud.json("PUT", f"/playlists/{own_id}", status=422, json=by_number)
    after = await urns_in(soundcloud, own_id)
    await put(soundcloud, own_id, *[good] * 500)

    assert (poisoned["code"], after) == (422, before)
    assert await urns_in(soundcloud, own_id) == [good] * 500


async def test_late_and_partial_writes_mean_what_is_new_in_the_list(soundcloud: Caller) -> None:
    own_id, other_id = await soundcloud.playlist_id("Odd"), await soundcloud.playlist_id("Long")
    old = (await urns_in(soundcloud, other_id))[:2]
    new = (await urns_in(soundcloud, other_id))[50:53]
    await put(soundcloud, own_id, *old)
    await soundcloud.fault(
        operation="replace_playlist", kind="visibility_delay", visibility_delay_s=60, count=1
    )
    await soundcloud.fault(operation="replace_playlist", kind="applied_then_error", partial=2, count=1)

    await put(soundcloud, own_id, old[0], *new, old[1], status=502)
    at_once = await soundcloud.json("GET", f"/playlists/{own_id}/tracks?{LINKED}")
    await soundcloud.advance(61)
    later = await soundcloud.json("GET", f"/playlists/{own_id}/tracks?{LINKED}")

    assert [row["urn"] for row in at_once["collection"]] == old
    assert [row["urn"] for row in later["collection"]] == [old[0], *new[:2], old[1]]


async def test_lists_go_on_by_their_links_until_there_is_none(soundcloud: Caller) -> None:
    own_id = await soundcloud.playlist_id("Long")
    path, lengths = f"/playlists/{own_id}/tracks?{LINKED}&limit=200", []

    while path:
        page = await soundcloud.json("GET", path)
        lengths.append(len(page["collection"]))
        path = page.get("next_href", "").removeprefix(soundcloud.url)

    assert lengths == [50, 50, 20]
    await soundcloud.json("GET", f"/playlists/{own_id}/tracks?{LINKED}&cursor=nonsense", status=400)
    await soundcloud.json("GET", f"/me/playlists?{LINKED}&limit=201", status=400)
    assert len(await soundcloud.json("GET", "/me/playlists")) == 2  # a bare list, as in former times


async def test_deleted_playlist_is_not_there_any_more(soundcloud: Caller) -> None:
    own_id = await soundcloud.playlist_id("Odd")

    await soundcloud.json("DELETE", f"/playlists/{own_id}")

    await soundcloud.json("DELETE", f"/playlists/{own_id}", status=404)
    await soundcloud.json("GET", f"/playlists/{own_id}", status=404)
    listed = await soundcloud.json("GET", f"/me/playlists?{LINKED}")
    assert [row["title"] for row in listed["collection"]] == ["Long"]


async def test_private_playlist_is_its_owners_alone(soundcloud: Caller) -> None:
    body = {"playlist": {"title": "Mine", "sharing": "private"}}
    made = await soundcloud.json("POST", "/playlists", status=201, json=body)
    tokens = await swap(soundcloud, code=(await back(soundcloud, sandbox_user="mira"))["code"][0])
    mira = {"Authorization": f"OAuth {tokens['access_token']}"}

    await soundcloud.json("GET", f"/playlists/{made['urn']}", status=404, headers=mira)
    public_id = await soundcloud.playlist_id("Long")
    await soundcloud.json("GET", f"/playlists/{public_id}", headers=mira)
    await soundcloud.json("DELETE", f"/playlists/{public_id}", status=403, headers=mira)


@pytest.mark.parametrize("number_alone", [False, True])
async def test_things_are_found_by_urn_and_still_by_number(soundcloud: Caller, *, number_alone: bool) -> None:
    own_id = await soundcloud.playlist_id("Long")
    (urn, *_) = await urns_in(soundcloud, own_id)
    names = [each.rpartition(":")[2] if number_alone else each for each in (own_id, urn)]

    assert (await soundcloud.json("GET", f"/playlists/{names[0]}"))["urn"] == own_id
    assert (await soundcloud.json("GET", f"/tracks/{names[1]}"))["urn"] == urn


async def test_addresses_of_the_site_are_resolved_by_a_redirect(soundcloud: Caller) -> None:
    own_id = await soundcloud.playlist_id("Long")
    (urn, *_) = await urns_in(soundcloud, own_id)
    addresses = [
        (await soundcloud.json("GET", path))["permalink_url"]
        for path in (f"/playlists/{own_id}", f"/tracks/{urn}")
    ]

    places = []
    for url in addresses:
        async with await soundcloud.send(
            "GET", "/resolve", params={"url": url}, allow_redirects=False
        ) as answer:
            places.append((answer.status, answer.headers["Location"], (await answer.json())["location"]))

    api = "https://api.soundcloud.com"
    assert places == [(302, place, place) for place in (f"{api}/playlists/{own_id}", f"{api}/tracks/{urn}")]
    await soundcloud.json("GET", "/resolve?url=https://soundcloud.com/nobody/nothing", status=404)


async def test_likes_stand_newest_first_and_each_once(soundcloud: Caller) -> None:
    urns = (await urns_in(soundcloud, await soundcloud.playlist_id("Long")))[:3]

    for urn in (*urns, urns[0]):
        await soundcloud.json("POST", f"/likes/tracks/{urn}")
    await soundcloud.json("DELETE", f"/likes/tracks/{urns[1]}")
    liked = await soundcloud.json("GET", f"/me/likes/tracks?{LINKED}")

    assert [row["urn"] for row in liked["collection"]] == [urns[2], urns[0]]


async def test_users_are_found_and_followed_once_each(soundcloud: Caller) -> None:
    (user,) = (await soundcloud.json("GET", f"/users?q=the+quiet+harbour&{LINKED}"))["collection"]
    path = f"/me/followings/{user['urn']}"

    new = await soundcloud.json("PUT", path, status=201)
    await soundcloud.json("PUT", path)
    followed = await soundcloud.json("GET", "/me/followings")
    await soundcloud.json("DELETE", path)
    await soundcloud.json("DELETE", path, status=404)
    nobody = await soundcloud.json("GET", "/me/followings")

    assert (user["username"], user["kind"], user["track_count"] > 0) == ("The Quiet Harbour", "user", True)
    assert (new, followed["collection"], nobody["collection"]) == (user, [user], [])
    await soundcloud.json("PUT", "/me/followings/soundcloud:users:1", status=404)


async def test_nobody_follows_more_than_two_thousand(starter: Starter) -> None:
    rows = [track(n, artists=[f"Solo {n}"]) for n in range(2001)]
    soundcloud = await starter("soundcloud", world={"catalog": rows}, is_signed_in=False)
    tokens = await swap(soundcloud, code=await code_of(soundcloud))
    soundcloud.headers = {"Authorization": f"OAuth {tokens['access_token']}"}
    artists = await soundcloud.json("GET", "/_sandbox/catalog/artist")
    ids = [artist["id"] for artist in artists]
    await soundcloud.json("POST", "/_sandbox/kept", status=204, json={"kind": "artist", "ids": ids[:2000]})

    refused = await soundcloud.json("PUT", f"/me/followings/{ids[2000]}", status=422)

    assert "2000" in refused["message"]


async def test_429_tells_its_end_in_the_body_and_has_no_retry_after(soundcloud: Caller) -> None:
    await soundcloud.fault(operation="me", kind="rate_limit", retry_after_s=90, count=1)
    await soundcloud.fault(operation="me", kind="rate_limit")

    async with await soundcloud.send("GET", "/me") as answer:
        body, headers = await answer.json(), answer.headers
    untold = await soundcloud.json("GET", "/me", status=429)

    ends_at = datetime.strptime(body["errors"][0]["meta"]["reset_time"], "%Y/%m/%d %H:%M:%S %z")
    assert (ends_at - parsedate_to_datetime(headers["Date"])).total_seconds() == 90
    assert "Retry-After" not in headers
    assert untold["errors"] == [{"error_message": "Too many requests"}]

"""Simulated TIDAL keeps tracks, albums and artists as the real one does."""

from typing import Any

import pytest
from yarl import URL

from tests.integration.sandbox.harness import Caller, Json, Starter, track
from tests.integration.sandbox.test_tidal import SCOPE, TOKEN, found, write

WORLD: Json = {
    "catalog": [
        *(track(n, platform="tidal") for n in range(1, 46)),
        track(50, album="Harbour Songs", artists=["Ada Quill"], platform="tidal"),
        track(51, platform="tidal", countries=["US"]),
    ]
}
LISTS = pytest.mark.parametrize("kind", ["tracks", "albums", "artists"])


async def tidal(starter: Starter, *, scope: str = SCOPE, **knobs: Any) -> Caller:
    """Start it and sign in."""
    caller = await starter("tidal", world=WORLD, is_signed_in=False, country="DE", **knobs)
    await caller.log_in(scope=scope, token_route=TOKEN)
    return caller


def items_of(kind: str) -> str:
    return f"/v2/userCollection{kind.capitalize()}/me/relationships/items"


def rows_of(kind: str, ids: list[str], *dates: str) -> Json:
    rows: list[Json] = [{"type": kind, "id": own_id} for own_id in ids]
    for row, date in zip(rows, dates, strict=False):
        row["meta"] = {"addedAt": date}
    return {"data": rows}


async def known(caller: Caller, kind: str, count: int) -> list[str]:
    rows = await caller.json("GET", f"/_sandbox/catalog/{kind.removesuffix('s')}")
    return [row["id"] for row in rows[:count]]


async def standing(caller: Caller, kind: str, *, query: str = "") -> list[str]:
    """Follow the links through a collection."""
    ids: list[str] = []
    path: str | None = f"{items_of(kind)}{query}"
    while path:
        page = await caller.json("GET", path)
        ids += [row["id"] for row in page["data"]]
        following = page["links"].get("next")
        path = f"/v2{following}" if following else None
    return ids


@LISTS
async def test_rows_have_the_dates_that_they_were_added_with(starter: Starter, kind: str) -> None:
    caller = await tidal(starter)
    one, two = await known(caller, kind, 2)
    dates = ("2026-01-02T03:04:05.006Z", "2026-01-02T03:04:05.007Z")

    told = await write(caller, "POST", items_of(kind), rows_of(kind, [two, one], *dates))
    page = await caller.json("GET", items_of(kind))
    head = await caller.json("GET", items_of(kind).removesuffix("/relationships/items"))

    added = [
        {"id": own_id, "type": kind, "meta": {"addedAt": date}}
        for own_id, date in zip((two, one), dates, strict=True)
    ]
    assert (told["data"], told["meta"]) == (added, {"skipped": []})
    assert page["data"] == added[::-1]
    assert await standing(caller, kind, query="?sort=addedAt") == [two, one]
    assert head["data"]["attributes"] == {"numberOfItems": 2, "lastModifiedAt": dates[1]}


async def test_date_that_is_still_to_come_is_now(starter: Starter) -> None:
    caller = await tidal(starter)
    ids = await known(caller, "tracks", 2)

    body = rows_of("tracks", ids, "2199-01-01T00:00:00Z", "2199-01-01T00:00:00Z")
    told = await write(caller, "POST", items_of("tracks"), body)

    assert all(row["meta"]["addedAt"] < "2199" for row in told["data"])
    assert await standing(caller, "tracks") == ids[::-1]


async def test_pages_have_20_rows_and_bring_along_what_is_asked_for(starter: Starter) -> None:
    caller = await tidal(starter)
    ids = await known(caller, "tracks", 45)
    await write(caller, "POST", items_of("tracks"), rows_of("tracks", ids))

    page = await caller.json("GET", f"{items_of('tracks')}?include=items.artists,items.albums")

    assert len(page["data"]) == 20
    assert {one["type"] for one in page["included"]} == {"tracks", "artists", "albums"}
    assert URL(page["links"]["next"]).query["include"] == "items.artists,items.albums"
    assert sorted(await standing(caller, "tracks")) == sorted(ids)


async def test_what_one_country_lacks_is_named_and_does_not_come_along(starter: Starter) -> None:
    caller = await tidal(starter)
    answer = await caller.json("GET", "/v2/tracks?filter[isrc]=QZABC2600051&countryCode=US")
    abroad = answer["data"][0]["id"]
    (here,) = await found(caller, 1)
    order = {"kind": "track", "ids": [abroad, here]}
    await caller.send("POST", "/_sandbox/kept", json=order)

    page = await caller.json("GET", f"{items_of('tracks')}?include=items")

    assert [row["id"] for row in page["data"]] == [here, abroad]
    assert [one["id"] for one in page["included"]] == [here]


@LISTS
async def test_one_that_stands_there_refuses_all_or_is_skipped(starter: Starter, kind: str) -> None:
    for repeats, status, code in (("keep", 409, "DUPLICATE_ITEMS_IN_COLLECTION"), ("skip", 200, "")):
        caller = await tidal(starter, repeats=repeats)
        one, two = await known(caller, kind, 2)
        await write(caller, "POST", items_of(kind), rows_of(kind, [one]))

        told = await write(caller, "POST", items_of(kind), rows_of(kind, [one, two]), status=status)

        assert [error["code"] for error in told.get("errors", [])] == ([code] if code else [])
        assert await standing(caller, kind) == ([one] if code else [two, one])
        skipped = told["meta"]["skipped"] if not code else []
        assert [row["reason"] for row in skipped] == ([] if code else ["ALREADY_PRESENT"])


@LISTS
async def test_id_that_there_is_not_is_skipped(starter: Starter, kind: str) -> None:
    caller = await tidal(starter)
    (one,) = await known(caller, kind, 1)

    told = await write(caller, "POST", items_of(kind), rows_of(kind, ["1", one]))

    assert told["meta"]["skipped"] == [{"id": "1", "type": kind, "reason": "NOT_FOUND"}]
    assert await standing(caller, kind) == [one]


@LISTS
async def test_what_is_removed_is_gone_and_may_be_gone_already(starter: Starter, kind: str) -> None:
    caller = await tidal(starter)
    one, two = await known(caller, kind, 2)
    await write(caller, "POST", items_of(kind), rows_of(kind, [one, two]))

    for _ in range(2):
        await write(caller, "DELETE", items_of(kind), rows_of(kind, [one]))

    assert await standing(caller, kind) == [two]


@pytest.mark.parametrize(
    "body",
    [
        {"data": []},
        rows_of("tracks", ["1"] * 51),
        rows_of("albums", ["1"]),
        rows_of("tracks", ["1"], "yesterday"),
    ],
    ids=["nothing", "too many", "another kind", "no date"],
)
async def test_wrong_order_is_refused_with_its_place(starter: Starter, body: Json) -> None:
    caller = await tidal(starter)

    answer = await write(caller, "POST", items_of("tracks"), body, status=400)

    assert answer["errors"][0]["source"]["pointer"].startswith("/data")


@pytest.mark.parametrize("query", ["sort=name", "include=items.nothing", "include=artists"])
async def test_wrong_parameter_is_named(starter: Starter, query: str) -> None:
    caller = await tidal(starter)

    answer = await caller.json("GET", f"{items_of('albums')}?{query}", status=400)

    assert answer["errors"][0]["source"] == {"parameter": query.partition("=")[0]}


async def test_nobody_sees_or_changes_what_they_were_not_allowed_or_what_is_not_theirs(
    starter: Starter,
) -> None:
    caller = await tidal(starter, scope="collection.read")
    (one,) = await known(caller, "tracks", 1)

    refused = await write(caller, "POST", items_of("tracks"), rows_of("tracks", [one]), status=403)
    other = items_of("tracks").replace("/me/", "/1/")
    await caller.json("GET", other, status=404)
    await caller.log_in(scope="playlists.read", token_route=TOKEN)
    await caller.json("GET", items_of("tracks"), status=403)

    assert refused["errors"][0]["code"] == "INSUFFICIENT_SCOPE"


@pytest.mark.parametrize(
    ("include", "kind", "names"),
    [
        ("albums.artists", "albums", ["Harbour Songs"]),
        ("artists", "artists", ["Ada Quill"]),
    ],
)
async def test_albums_and_artists_are_found_by_text(
    starter: Starter, include: str, kind: str, names: list[str]
) -> None:
    caller = await tidal(starter)

    answer = await caller.json("GET", f"/v2/searchResults?filter[query]=ada quill&include={include}")

    (result,) = answer["data"]
    shelf = {(one["type"], one["id"]): one["attributes"] for one in answer["included"]}
    named = [shelf[kind, row["id"]] for row in result["relationships"][kind]["data"]]
    assert [one.get("title") or one["name"] for one in named] == names

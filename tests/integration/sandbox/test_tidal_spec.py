"""Answers of simulated TIDAL against TIDAL's published schema."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_schema_validator import OAS30Validator

from tests.integration.sandbox.harness import Caller, Json, Starter
from tests.integration.sandbox.test_tidal import MEDIA_TYPE, created, found, tidal

SPEC = Path(__file__).resolve().parents[3] / "../shared/specs/tidal-api-oas-1.10.104.json"
ITEMS = "/playlists/{id}/relationships/items"
DATE = "2026-01-02T03:04:05.006Z"
Calls = tuple[tuple[str, str, str, int, Json | None], ...]
"""Method, path as it is declared, path as it is asked for, status, body."""

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="the reference shelf is not beside the checkout")


class Published:
    """The schema; its discriminated unions are taken apart by the type that a resource names."""

    def __init__(self) -> None:
        self._spec: Json = msgspec.json.decode(SPEC.read_bytes())
        union = self._spec["components"]["schemas"]["Included"]["items"]
        self._kinds: dict[str, str] = union["discriminator"]["mapping"]
        self._spec["components"]["schemas"]["Included"]["items"] = {"type": "object"}

    def faults_of(self, answer: Any, *, method: str, path: str, status: int) -> list[str]:
        declared = self._spec["paths"][path][method.lower()]["responses"][str(status)]
        while "$ref" in declared:
            declared = self._spec["components"]["responses"][declared["$ref"].rpartition("/")[2]]
        faults = self._faults(declared["content"][MEDIA_TYPE]["schema"], answer)
        for resource in answer.get("included", []):
            faults += self._faults({"$ref": self._kinds[resource["type"]]}, resource)
        return [f"{method} {path} {status}: {fault}" for fault in faults]

    def _faults(self, schema: Json, value: Any) -> list[str]:
        validator = OAS30Validator({**schema, "components": self._spec["components"]})
        return [f"{list(one.absolute_path)}: {one.message[-200:]}" for one in validator.iter_errors(value)]

    def undeclared(self, answer: Any, *, method: str, path: str, status: int) -> set[str]:
        """Return the members of an answer that the schema does not know; unions are not looked into."""
        declared = self._spec["paths"][path][method.lower()]["responses"][str(status)]
        schema = declared["content"][MEDIA_TYPE]["schema"]
        return self._unknown(schema, answer, at="")

    def _unknown(self, schema: Json, value: Any, *, at: str) -> set[str]:
        while "$ref" in schema:
            schema = self._spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if isinstance(value, list):
            return {one for row in value for one in self._unknown(schema.get("items", {}), row, at=at)}
        known = schema.get("properties")
        if not isinstance(value, dict) or known is None:
            return set()
        names = {f"{at}/{name}" for name in value.keys() - known.keys()}
        parts = (
            self._unknown(known[name], part, at=f"{at}/{name}")
            for name, part in value.items()
            if name in known
        )
        return names.union(*parts)


async def asked(caller: Caller, method: str, path: str, *, status: int, body: Json | None) -> Any:
    headers = {**caller.headers, **({"Content-Type": MEDIA_TYPE} if body is not None else {})}
    return await caller.json(method, f"/v2{path}", status=status, json=body, headers=headers)


async def faults(caller: Caller, calls: Calls) -> list[str]:
    """Say what in the answers to calls does not fit, and what good ones say beyond the schema."""
    published = Published()
    found_faults: list[str] = []
    for method, template, path, status, body in calls:
        answer = await asked(caller, method, path, status=status, body=body)
        found_faults += published.faults_of(answer, method=method, path=template, status=status)
        if status < 300:
            unknown = published.undeclared(answer, method=method, path=template, status=status)
            found_faults += [f"{method} {template} also says {name}" for name in sorted(unknown)]
    return found_faults


async def test_answers_fit_the_published_schema_and_say_no_more(starter: Starter) -> None:
    caller = await tidal(starter)
    long_id, own_id = await caller.playlist_id("Long"), await created(caller)
    one, two = await found(caller, 1, 2)
    album = await asked(caller, "GET", f"/tracks?filter[id]={one}&include=albums", status=200, body=None)
    album_id = album["included"][0]["id"]
    items = f"/playlists/{own_id}/relationships/items"
    rows = {
        "data": [{"type": "tracks", "id": one}, {"type": "tracks", "id": two}, {"type": "tracks", "id": "1"}]
    }
    added = await asked(caller, "POST", items, status=200, body=rows)
    first, second = added["data"]
    moved = {"data": [second], "meta": {"positionBefore": first["meta"]["itemId"]}}
    playlist = {"data": {"type": "playlists", "attributes": {"name": "New"}}}
    renamed = {"data": {"type": "playlists", "id": own_id, "attributes": {"name": "Newer"}}}
    rich = "include=items.artists,items.albums"
    calls: Calls = (
        ("GET", "/users/{id}", "/users/me", 200, None),
        ("GET", "/playlists", "/playlists?filter[owners.id]=me&include=owners,items", 200, None),
        ("GET", "/playlists/{id}", f"/playlists/{long_id}?include=owners,items.artists,coverArt", 200, None),
        ("GET", ITEMS, f"/playlists/{long_id}/relationships/items", 200, None),
        ("GET", ITEMS, f"/playlists/{long_id}/relationships/items?{rich}", 200, None),
        ("GET", "/tracks", f"/tracks?filter[id]={one},{two}&include=artists,albums.artists", 200, None),
        ("GET", "/tracks", "/tracks?filter[isrc]=QZABC2600001&include=artists", 200, None),
        ("GET", "/tracks/{id}", f"/tracks/{one}?include=albums", 200, None),
        ("GET", "/albums/{id}", f"/albums/{album_id}?include=artists,items", 200, None),
        (
            "GET",
            "/albums/{id}/relationships/items",
            f"/albums/{album_id}/relationships/items?include=items",
            200,
            None,
        ),
        ("GET", "/searchResults", "/searchResults?filter[query]=lantern&include=tracks.albums", 200, None),
        (
            "GET",
            "/searchResults/{id}/relationships/tracks",
            "/searchResults/lantern/relationships/tracks?include=tracks",
            200,
            None,
        ),
        ("POST", ITEMS, items, 200, rows),
        ("PATCH", ITEMS, items, 200, moved),
        ("DELETE", ITEMS, items, 200, {"data": [first]}),
        ("POST", "/playlists", "/playlists", 201, playlist),
        ("PATCH", "/playlists/{id}", f"/playlists/{own_id}", 200, renamed),
        ("DELETE", "/playlists/{id}", f"/playlists/{own_id}", 200, {}),
        ("GET", "/playlists/{id}", f"/playlists/{own_id}", 404, None),
        ("GET", "/tracks", "/tracks", 400, None),
        ("POST", ITEMS, f"/playlists/{long_id}/relationships/items", 400, {"data": []}),
        ("GET", "/users/{id}", "/users/999999999", 404, None),
    )

    assert await faults(caller, calls) == []


@pytest.mark.parametrize("kind", ["tracks", "albums", "artists"])
async def test_answers_about_collections_fit_the_published_schema(starter: Starter, kind: str) -> None:
    caller = await tidal(starter)
    name = f"userCollection{kind.capitalize()}"
    template, path = f"/{name}/{{id}}/relationships/items", f"/{name}/me/relationships/items"
    known = await caller.json("GET", f"/_sandbox/catalog/{kind.removesuffix('s')}")
    own_id = known[0]["id"]
    rows: Json = {"data": [{"type": kind, "id": one, "meta": {"addedAt": DATE}} for one in (own_id, "1")]}
    along = {"tracks": "items.artists,items.albums", "albums": "items.artists", "artists": "items"}[kind]
    calls: Calls = (
        ("POST", template, path, 200, rows),
        ("POST", template, path, 409, rows),
        ("GET", f"/{name}/{{id}}", f"/{name}/me", 200, None),
        ("GET", template, path, 200, None),
        ("GET", template, f"{path}?include={along}&sort=addedAt", 200, None),
        ("GET", template, f"{path}?sort=nothing", 400, None),
        ("DELETE", template, path, 200, {"data": [{"type": kind, "id": own_id}]}),
        ("GET", template, path.replace("me", "1"), 404, None),
        ("GET", "/searchResults", f"/searchResults?filter[query]=lantern&include={kind}", 200, None),
    )

    assert await faults(caller, calls) == []


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_ordered_failures_fit_the_published_schema(starter: Starter, status: int) -> None:
    caller, published = await tidal(starter), Published()
    await caller.fault(
        kind="rate_limit" if status == 429 else "status", status=status, operation="get_tracks"
    )

    answer = await asked(caller, "GET", "/tracks?filter[id]=1", status=status, body=None)

    assert published.faults_of(answer, method="GET", path="/tracks", status=status) == []
    assert answer["errors"][0]["status"] == str(status)


async def test_refused_keys_fit_the_published_schema(starter: Starter) -> None:
    caller, published = await tidal(starter), Published()
    headers = {**caller.headers, "Content-Type": MEDIA_TYPE, "Idempotency-Key": "k1"}
    bodies = [{"data": {"type": "playlists", "attributes": {"name": name}}} for name in ("New", "Newer")]

    await caller.json("POST", "/v2/playlists", status=201, json=bodies[0], headers=headers)
    answer = await caller.json("POST", "/v2/playlists", status=422, json=bodies[1], headers=headers)

    assert published.faults_of(answer, method="POST", path="/playlists", status=422) == []

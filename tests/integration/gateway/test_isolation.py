"""Nobody sees what is not theirs: a foreign id is answered like one that does not exist, byte for byte."""

import re
import secrets
import uuid
from typing import Any

import msgspec
import pytest

from gateway.app import OPERATIONS
from shared.db.pool import Pool
from shared.models import Platform
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, Json, Reply, transfer_body

pytestmark = pytest.mark.integration

METHODS = ("GET", "PUT", "POST", "DELETE")
# Operations without a key belong to no tenant: the id of a connect session is what its page is opened with.
PATHS = sorted({one.path for one in OPERATIONS if not one.is_open and re.search(r"{\w*id}", one.path)})
EXAMPLES = {(one.method, one.path): one.example for one in OPERATIONS}
# What a client may send along to be told less, or later.
CONDITIONS: tuple[Json, ...] = (
    {},
    {"If-None-Match": 'W/"1"'},
    {"If-None-Match": 'W/"1"', "Prefer": "wait=5"},
    {"Last-Event-ID": "1"},
)
# They name the request, or the moment, or count on; an answer may differ in nothing else.
PASSING_HEADERS = {"x-request-id", "traceparent", "date", "ratelimit"}
PASSING_FIELDS = {"request_id", "trace_id"}


class Belongings(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of what a user has, by the path below which each kind of thing is."""

    ids: dict[str, str]

    def id_for(self, path: str) -> str:
        """Return the id of the thing that a path leads to."""
        kinds = [kind for kind in self.ids if path.startswith(f"{kind}/{{")]
        assert kinds, f"say in `belongings` how one of what {path} leads to is made"
        return self.ids[kinds[0]]


@pytest.fixture
async def belongings(connected: Caller, pool: Pool, platforms: FakePlatforms) -> Belongings:
    """One of everything that can belong to a user."""
    platforms.accounts[Platform.SPOTIFY].know("t-s1", "Lantern 1")
    transfer = await connected("POST", "/transfer", json=transfer_body())
    await pool.execute(
        "INSERT INTO items (transfer_id, position, source, outcome) VALUES ($1, 0, $2, 'review')",
        transfer.json["id"],
        {"title": "Lantern 1"},
    )
    rule_body = {
        "source": {"platform": "spotify", "track": "t-s1"},
        "target": {"platform": "apple_music", "absent": True},
    }
    rule = await connected("PUT", "/rules", json=rule_body)
    session = await connected("POST", "/connect/spotify")
    key = await connected("POST", "/keys", json={"name": "spare"})
    webhook = await connected("POST", "/webhooks", json={"url": "https://hooks.example/crossplay"})
    file = await connected("POST", "/files", data="title\nLantern 1\n")
    connections = (await connected("GET", "/connections")).json["items"]
    return Belongings(
        ids={
            "/status": transfer.json["id"],
            "/transfer": transfer.json["id"],
            "/rules": rule.json["id"],
            "/connect/sessions": session.json["id"],
            "/connections": connections[0]["id"],
            "/files": file.json["items"][0]["id"],
            "/keys": key.json["id"],
            "/webhooks": webhook.json["id"],
            "/users": str(connected.user_id),
        }
    )


def filled(path: str, thing_id: str) -> str:
    """Return a path with an id; what else it asks for is the first of what there is."""
    return re.sub(r"{\w+}", "0", re.sub(r"{id}", thing_id, path))


def likeness(reply: Reply) -> tuple[int, Json, Any]:
    """Return what of an answer may tell something about the thing that was asked for."""
    headers = {name.lower(): value for name, value in reply.headers.items()}
    told = {name: value for name, value in headers.items() if name not in PASSING_HEADERS}
    told["content-length"] = "of the body"  # which is compared itself
    if not reply.json:
        return reply.status, told, reply.text
    body = {name: value for name, value in reply.json.items() if name not in PASSING_FIELDS}
    return reply.status, told, body


async def contents(pool: Pool) -> dict[str, str]:
    """Return a digest of each table but that in which gateways say that they are alive."""
    names = await pool.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'gateways'"
    )
    digest = "SELECT md5(string_agg(one::text, '|' ORDER BY one::text)) FROM {} AS one"
    return {name: await pool.fetchval(digest.format(name)) for (name,) in names}


def random_like(thing_id: str) -> str:
    return str(uuid.uuid4()) if "-" in thing_id else secrets.token_hex(len(thing_id) // 2)


async def test_a_foreign_id_is_answered_like_one_that_does_not_exist_and_nothing_changes(
    belongings: Belongings, stranger: Caller, pool: Pool
) -> None:
    await stranger("GET", "/connections")  # from now on its key is in use
    before = await contents(pool)
    differing = []

    for path in PATHS:
        thing_id = belongings.id_for(path)
        for method in METHODS:
            options = {"json": EXAMPLES[method, path]} if EXAMPLES.get((method, path)) else {}
            for headers in CONDITIONS if method == "GET" else ({},):
                foreign = await stranger(method, filled(path, thing_id), headers=headers, **options)
                none = await stranger(method, filled(path, random_like(thing_id)), headers=headers, **options)
                if likeness(foreign) != likeness(none) or "ETag" in foreign.headers:
                    differing.append((method, path, headers, likeness(foreign), likeness(none)))

    assert differing == []
    assert await contents(pool) == before


async def test_the_same_ids_are_real_for_their_owner(
    belongings: Belongings, connected: Caller, stranger: Caller
) -> None:
    readable = [one.path for one in OPERATIONS if one.method == "GET" and one.path in PATHS]

    for path in [path for path in readable if not path.startswith("/users") and "events" not in path]:
        shown = await connected("GET", filled(path, belongings.id_for(path)))
        hidden = await stranger("GET", filled(path, belongings.id_for(path)))
        assert (path, shown.status, hidden.status) == (path, 200, 404)


async def test_nothing_is_removed_or_changed_but_by_its_owner(
    belongings: Belongings, connected: Caller, stranger: Caller, pool: Pool
) -> None:
    rule, key = f"/rules/{belongings.ids['/rules']}", f"/keys/{belongings.ids['/keys']}"

    refused = [(await stranger("DELETE", path)).problem() for path in (rule, key)]
    done = [(await connected("DELETE", path)).status for path in (rule, key)]

    assert refused == [(404, "not-found")] * 2
    assert done == [204, 204]


@pytest.mark.parametrize("end", ["source", "target"])
async def test_a_foreign_connection_in_a_body_is_like_none(
    belongings: Belongings, stranger: Caller, end: str
) -> None:
    async def ask(method: str, path: str, connection: str) -> list[tuple[int, Json, Any]]:
        transfer, rule = transfer_body(), {"source": {"track": "t-s1"}, "target": {"track": "t-a1"}}
        ends: dict[str, Json] = {"source": {"platform": "spotify"}, "target": {"platform": "apple_music"}}
        ends[end] = {"connection": connection}
        transfer |= {
            "source": {"playlist": "id-road", **ends["source"]},
            "target": ends["target"],
        }
        rules = {name: {**rule[name], **ends[name]} for name in ends}
        bodies = {"/transfer": transfer, "/rules": rules}
        listed = await stranger("GET", f"/playlists?connection={connection}")
        renewed = await stranger("POST", f"/connect/spotify?connection={connection}")
        made = await stranger(method, path, json=bodies[path])
        return [likeness(made), likeness(listed), likeness(renewed)]

    for method, path in (("POST", "/transfer"), ("PUT", "/rules")):
        foreign = await ask(method, path, belongings.ids["/connections"])
        none = await ask(method, path, str(uuid.uuid4()))
        assert foreign == none
        assert {status for status, *_ in foreign} == {409}


async def test_lists_hold_ones_own_alone(belongings: Belongings, stranger: Caller) -> None:
    paths = ("/transfers", "/rules", "/connections", "/files")
    lists = [await stranger("GET", path) for path in paths]
    keys = await stranger("GET", "/keys")
    platforms = await stranger("GET", "/platforms")

    assert [one.json["items"] for one in lists] == [[], [], [], []]
    assert [one["id"] for one in keys.json["items"]] == [stranger.key.split("_")[2]]
    assert {len(one["connections"]) for one in platforms.json["items"]} == {0}


async def test_an_idempotency_key_is_ones_own(
    belongings: Belongings, connected: Caller, stranger: Caller
) -> None:
    headers = {"Idempotency-Key": "one-key"}
    await connected("POST", "/transfer", json=transfer_body(), headers=headers)

    reply = await stranger("POST", "/transfer", json=transfer_body(), headers=headers)

    assert reply.problem() == (409, "connection-missing")

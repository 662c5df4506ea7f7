"""Liked songs, saved albums and followed artists, from each platform that has them to the next one."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from deploy.dev.sandboxes import USES
from shared.models import Platform
from shared.platforms.collections import Collection, Keeping
from shared.platforms.registry import declarations
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

KINDS = {Collection.LIKED: "track", Collection.ALBUMS: "album", Collection.ARTISTS: "artist"}
OWN_COUNT = 3
"""What each account keeps at first, of its own; one more is kept by all of them."""
PATIENCE_S = 90.0


def keeping(platform: str, collection: Collection) -> Keeping | None:
    return declarations()[Platform(platform)].capabilities.collections.get(collection)


def ring(collection: Collection) -> list[tuple[str, str]]:
    """Pair each platform that can be added to with one before it that can be read."""
    readable = [platform for platform in USES if keeping(platform, collection)]
    pairs = zip(readable, [*readable[1:], readable[0]], strict=True)
    return [
        (source, target)
        for source, target in pairs
        if (kept := keeping(target, collection)) and kept.add_batch
    ]


def names(platform: str, collection: Collection) -> list[str]:
    """Return what an account keeps at first, the oldest first."""
    first = {Collection.LIKED: "Song", Collection.ALBUMS: "Record", Collection.ARTISTS: "Singer"}[collection]
    own = [f"{first} {platform} {number}" for number in range(OWN_COUNT)]
    return [*own[:2], f"{first} everybody 0", *own[2:]]


def write_catalog(directory: Path) -> Path:
    """Write two songs for each record: where one is liked, its record is not there as a whole."""
    sides = ((side, owner) for side in ("Song", "Flip Side") for owner in (*USES, "everybody"))
    numbered = enumerate((*of, number) for of in sides for number in range(OWN_COUNT))
    lines = [
        {
            "title": f"{side} {owner} {number}",
            "artists": [f"Singer {owner} {number}"],
            "album": f"Record {owner} {number}",
            "duration_ms": 180_000 + 3_000 * line,
            "isrc": f"QZKPT26{line:05}",
            "release_date": "2020-03-04",
        }
        for line, (side, owner, number) in numbered
    ]
    path = directory / "catalog.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    directory = tmp_path_factory.mktemp("kept")
    worlds = [write_catalog(directory)]
    async with Stack.run(directory / "stack", worlds=worlds, platforms=tuple(USES)) as running:
        yield running


async def kept(stack: Stack, platform: str, collection: Collection) -> list[str]:
    """Return the names of what an account really keeps, the oldest first."""
    return [row["name"] for row in await stack.control(platform, f"kept/{KINDS[collection]}")]


async def keep(stack: Stack, platform: str, collection: Collection) -> None:
    kind = KINDS[collection]
    ids = {row["name"]: row["id"] for row in await stack.control(platform, f"catalog/{kind}")}
    body = {"kind": kind, "ids": [ids[name] for name in names(platform, collection)]}
    await stack.control(platform, "kept", method="POST", body=body)


@pytest.mark.parametrize("collection", Collection)
async def test_collection_goes_round_all_platforms_that_have_it(stack: Stack, collection: Collection) -> None:
    assert len(ring(collection)) >= 2
    for platform in {platform for pair in ring(collection) for platform in pair}:
        await keep(stack, platform, collection)

    for source, target in ring(collection):
        wanted, before = await kept(stack, source, collection), await kept(stack, target, collection)
        body = {
            "source": {"platform": source, "playlist": collection},
            "target": {"platform": target, "playlist": collection},
        }
        started = await stack.user.post("/transfer", body)

        status = await stack.user.end(started["id"], patience_s=PATIENCE_S)

        told = f"{collection} of {source} to {target}"
        assert status["state"] == "completed", (told, status)
        assert status["warnings"] == [], told
        new = [name for name in wanted if name not in before]
        after = await kept(stack, target, collection)
        assert sorted(after) == sorted([*before, *new]), told
        ends = [keeping(platform, collection) for platform in (source, target)]
        if all(end and end.is_dated for end in ends):
            assert after == [*before, *new], told
        counts = status["counts"]
        assert (counts["written"], counts["already_present"]) == (len(new), len(wanted) - len(new)), told

"""From every platform to every other one, files too: repeats, what one side lacks, locks, a size limit."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from deploy.dev.sandboxes import USES
from shared.models import Platform
from shared.platforms.registry import declarations
from tests.e2e.stack import Stack
from tests.e2e.users import Json, patiently

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LIMIT = 6
"""Tracks of one playlist, so that each target is split in two."""
NAME = "Any to Any"
WITHOUT_REGIONS = {"spotify", "subsonic", "listenbrainz", "file"}
"""In development mode Spotify tells no country; the others play what they have, or nothing at all."""
HIDES_LOCKED = {"tidal"}
"""Its playlists show a track that is not of the country as one that is gone."""
PATIENCE_S = 60.0
AT_ONCE = 12
ALL = (*USES, "file")
PAIRS = [(source, target) for source in ALL for target in ALL]


def song(title: str, number: int, **more: Any) -> Json:
    return {
        "title": title,
        "artists": ["Quiet Engine"],
        "album": "Tides",
        "duration_ms": 180_000 + 7_000 * number,
        "isrc": f"QZANY26{number:05}",
        "release_date": "2020-03-04",
        **more,
    }


_TITLES = "Anchor Beacon Cable Dredger Ebb Foghorn Gangway Hawser"
COMMON = [song(title, number) for number, title in enumerate(_TITLES.split())]
LOCKED = song("Quarantine Flag", 50, kind="unplayable")


def own(platform: str) -> Json:
    """A song that one platform alone has; one that stands in a file alone has no platform at all."""
    number = 60 + ALL.index(platform)
    return song(f"Stowaway No {number}", number, **({"platform": platform} if platform in USES else {}))


def rows_of(platform: str) -> list[Json]:
    """The list as it stands on a platform: the third song again in the middle, the first one at the end."""
    locked = {name: value for name, value in LOCKED.items() if name != "kind"}
    return [*COMMON[:5], COMMON[2], own(platform), *COMMON[5:], locked, COMMON[0]]


def as_file(rows: Sequence[Json]) -> Json:
    """Return the list as a file of our own."""
    items = [{name: value for name, value in row.items() if name != "platform"} for row in rows]
    return {"crossplay": 1, "playlists": [{"name": NAME, "items": items}]}


def write_files(directory: Path) -> list[Path]:
    catalog = directory / "catalog.jsonl"
    lines = [*COMMON, LOCKED, *map(own, USES)]
    catalog.write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
    lists = []
    for platform in USES:
        path = directory / f"{platform}.json"
        content = {"source_platform": platform, "playlist_name": NAME, "tracks": rows_of(platform)}
        path.write_bytes(msgspec.json.encode(content))
        lists.append(path)
    return [catalog, *lists]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def moved(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mapping[tuple[str, str], Json]]:
    """Every pair's transfer, many at once: its status, its items, and what stands in its targets."""
    directory = tmp_path_factory.mktemp("any")
    environ = {"CROSSPLAY_PLAYLIST_LIMIT": str(LIMIT)}
    async with Stack.run(
        directory / "stack", worlds=write_files(directory), platforms=tuple(USES), environ=environ
    ) as stack:
        await stack.user.post("/files?name=any.json", as_file(rows_of("file")))

        async def rows_in(target: str, playlist_id: str) -> list[str]:
            if target == "file":
                content = await stack.user.get(f"/files/{playlist_id}/content?format=json")
                return [row["title"] for row in content["playlists"][0]["items"]]
            return [title for title, _ in await stack.rows(target, playlist_id)]

        slots = asyncio.Semaphore(AT_ONCE)

        async def move(source: str, target: str) -> Json:
            async with slots:
                # A platform may ask for patience while many begin at once.
                started = await patiently(lambda: stack.user.start(source, NAME, target))
                status = await stack.user.end(started, patience_s=PATIENCE_S)
            rows = [await rows_in(target, part["id"]) for part in status["targets"]]
            return {**status, "items": await stack.user.tracks(status["id"]), "rows": rows}

        results = await asyncio.gather(*(move(*pair) for pair in PAIRS))
        yield dict(zip(PAIRS, results, strict=True))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0]}-to-{pair[1]}")
async def test_playlist_arrives_from_any_platform_on_any_other(
    moved: Mapping[tuple[str, str], Json], pair: tuple[str, str]
) -> None:
    source, target = pair
    transfer = moved[pair]

    assert transfer["state"] == "completed", transfer
    told = {item["source"]["title"]: item["outcome"] for item in transfer["items"] if item["source"]["title"]}
    is_shown, is_played = source not in HIDES_LOCKED, target in WITHOUT_REGIONS
    has_own = target in (source, "file")
    assert told[own(source)["title"]] in ({"exact", "same_recording"} if has_own else {"no_candidate"})
    if is_shown and not is_played:
        assert told[LOCKED["title"]] in {"not_transferable", "no_candidate"}, told
    gone = {
        *(() if has_own else (own(source)["title"],)),
        *(() if is_shown and is_played else (LOCKED["title"],)),
    }
    titles = [row["title"] for row in rows_of(source) if row["title"] not in gone]
    expected = parts_of(titles, keeps_repeats=declarations()[Platform(target)].capabilities.keeps_repeats)
    assert transfer["rows"] == expected
    first, second = (part["name"] for part in transfer["targets"])
    assert second == f"{first} (2)"
    counts = transfer["counts"]
    assert counts["total"] == len(rows_of(source)) == sum(counts.values()) - counts["total"]
    assert counts["written"] == sum(map(len, expected))


def parts_of(titles: Sequence[str], *, keeps_repeats: bool) -> list[list[str]]:
    """Fill playlists to their limit, one after the other; some hold nothing twice."""
    parts: list[list[str]] = [[]]
    for title in titles:
        if title in parts[-1] and not keeps_repeats:
            continue
        if len(parts[-1]) == LIMIT:
            parts.append([])
        parts[-1].append(title)
    return parts

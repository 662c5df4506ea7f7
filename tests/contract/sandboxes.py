"""One platform as the contract suite meets it: its sandbox on a socket, and our adapter in front of it."""

import importlib
import json
import os
import pkgutil
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp.test_utils import TestServer
from yarl import URL

from deploy.sandbox.server import build_app
from deploy.sandbox.world import Catalog, World
from shared.models import Isrc, Platform, Playlist, PlaylistId, TrackId
from shared.platforms.base import Adapter, Added, Capabilities, Gate
from shared.platforms.registry import Platforms
from shared.settings import Settings
from tests.contract import flavors as flavors_package
from tests.contract.flavor import Flavor
from tests.fakes.budget import FakeBudget, FakeBudgets
from tests.fakes.session import FakeSession


def _known() -> dict[str, Flavor]:
    """Read the flavors of the modules that CONTRACT_FLAVORS names, by default of all beside this one."""
    named = list(filter(None, os.environ.get("CONTRACT_FLAVORS", "").split(",")))
    own = (one.name for one in pkgutil.iter_modules(flavors_package.__path__, "tests.contract.flavors."))
    found: dict[str, Flavor] = {}
    for name in named or own:
        found.update(importlib.import_module(name).FLAVORS)
    return found


FLAVORS = _known()


def flavors(is_fit: Callable[[Capabilities], bool], *, over_http: bool = True) -> list[str]:
    """Name the flavors whose platform can do something: tests of it run on those, and are not skipped.

    over_http: those alone that are reached so, where a test counts calls or makes faults; else all.
    """
    platforms = Platforms(Settings(), budgets=FakeBudgets())
    return [
        flavor
        for flavor, known in sorted(FLAVORS.items())
        if is_fit(platforms.capabilities(known.platform)) and (known.has_http or not over_http)
    ]


def open_gate() -> None:
    """The lease is ours."""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What a test of the suite has at hand."""

    flavor: Flavor
    platforms: Platforms
    adapter: Adapter
    session: FakeSession
    url: URL
    budgets: FakeBudgets
    known: Catalog | None = None

    @property
    def catalog(self) -> Catalog:
        """The sandbox's catalog of this platform."""
        assert self.known is not None
        return self.known

    @property
    def platform(self) -> Platform:
        return self.flavor.platform

    @property
    def capabilities(self) -> Capabilities:
        return self.adapter.capabilities

    @property
    def budget(self) -> FakeBudget:
        key = self.platforms.limit_key(self.platform)
        if not self.platforms.profile(self.platform).counted_by:  # each server counts for itself
            key += f"{self.url.host}:{self.url.port}"
        return self.budgets.by_key[key]

    def most(self, batch: int) -> int:
        """How much of a full batch fits into a playlist beside two more tracks."""
        limit = self.capabilities.playlist_limit
        return batch if limit is None else min(batch, limit - 2)

    def track_id(self, number: int) -> TrackId:
        """Return the platform's id of a catalog line."""
        (position,) = self.catalog.with_isrc(line(number)["isrc"])
        return TrackId(self.catalog.recordings[position].ids[self.platform])

    def isrc(self, number: int) -> Isrc | None:
        """Return the ISRC of a catalog line, as far as the platform tells it."""
        return Isrc(line(number)["isrc"]) if self.flavor.has_isrcs else None

    async def create(self, name: str, *, description: str, gate: Gate = open_gate) -> Playlist:
        """Create a playlist, under a key of its own."""
        return await self.adapter.create_playlist(
            name, description=description, key=secrets.token_hex(8), gate=gate
        )

    async def add(
        self,
        playlist_id: PlaylistId,
        track_ids: Sequence[TrackId],
        *,
        position: int = 0,
        gate: Gate = open_gate,
    ) -> Added:
        """Add tracks, under a key of their own."""
        return await self.adapter.add_tracks(
            playlist_id, track_ids=track_ids, position=position, key=secrets.token_hex(8), gate=gate
        )

    def is_length(self, told: int | None, length: int) -> bool:
        """Say whether a page tells the length of its list, or nothing where it need not."""
        return told == length or (told is None and not self.flavor.tells_length)

    async def order(self, method: str, path: str, body: Any = None) -> Any:
        """Give an order to the sandbox, behind the platform's back."""
        async with (
            aiohttp.ClientSession() as client,
            client.request(method, self.url / "_sandbox" / path, json=body) as response,
        ):
            assert response.ok, await response.text()
            return await response.json() if response.content_type == "application/json" else None

    async def fault(self, kind: str, **fields: Any) -> None:
        await self.order("POST", "faults", {"kind": kind, **fields})

    async def calls(self, operation: str) -> list[dict[str, Any]]:
        """Every call of an operation that reached the platform."""
        async with (
            aiohttp.ClientSession() as client,
            client.get(self.url / "_sandbox/requests", params={"calls": "1"}) as response,
        ):
            summary = await response.json()
        return [call for call in summary["calls"] if call["operation"] == operation]

    async def truth(self, playlist_id: PlaylistId) -> list[str]:
        """The track ids that really stand in a playlist, visible or not."""
        playlist = await self.order("GET", f"playlists/{playlist_id}")
        return [track["id"] for track in playlist["tracks"]]

    async def playlist_named(self, name: str) -> PlaylistId:
        for playlist in await self.order("GET", "playlists"):
            if playlist["name"] == name:
                return PlaylistId(playlist["id"])
        raise LookupError(name)


@asynccontextmanager
async def staged(world: World, flavor: Flavor, *, timeout_s: float = 10.0) -> AsyncIterator[Stage]:
    """Start the sandbox, open the platforms, connect the account as a user would."""
    budgets = FakeBudgets()
    async with TestServer(build_app(world, options=flavor.options)) as server:
        settings = settings_for(flavor, server.make_url("/"), timeout_s=timeout_s)
        async with Platforms(settings, budgets=budgets) as platforms:
            session = await flavor.connect(platforms, flavor.platform, server.make_url("/"))
            yield Stage(
                flavor=flavor,
                platforms=platforms,
                adapter=platforms.adapter(flavor.platform, session=session),
                session=session,
                url=server.make_url("/"),
                budgets=budgets,
                known=world.catalog(flavor.platform),
            )


def settings_for(flavor: Flavor, url: URL, *, timeout_s: float) -> Settings:
    return Settings(read_timeout_s=timeout_s, send_timeout_s=timeout_s, **flavor.settings(url))


def write_world(directory: Path, flavor: Flavor, *, can: Capabilities) -> list[Path]:
    """Write a catalog and the account's playlists: empty, one page with odd rows, three pages, and many."""
    page = can.read_page
    catalog = directory / "catalog.jsonl"
    lines = [
        *map(line, range(max(2 * page + 40, can.add_batch + 2))),
        *map(album_line, range(album_length(page))),
        *map(record_line, range(2 * page + 10)),
    ]
    catalog.write_text("\n".join(map(json.dumps, lines)))
    odd_rows = [
        line(0),
        {"title": "Demo Tape", "artists": ["The Attic"], "kind": "local", "duration_ms": 61_000},
        line(1),
        {"title": "Talk Talk Talk", "kind": flavor.odd_kind},
        line(0),
    ]
    lists = {
        "Empty Shelf": [],
        "Odd Rows": odd_rows,
        # The first track stands again on the second and the last page.
        "Long Way": [line(n if n % (page + 5) else 0) for n in range(long_length(page))],
        **{f"List {number:03}": [] for number in range(2 * page + 3)},
    }
    return [
        catalog,
        *(_write_list(directory, flavor.options.platform, name, rows) for name, rows in lists.items()),
    ]


def line(number: int) -> dict[str, Any]:
    """A catalog line; the ISRC and the title follow from its number."""
    return {
        "title": f"Harbour Light {number}",
        "artists": [f"Quiet Engine {number % 7}"],
        "album": "Tides",
        "duration_ms": 180_000 + number * 500,
        "isrc": f"QZXX1{number:07}",
    }


def long_length(page: int) -> int:
    """How many rows the long playlist has: three pages, the last one not full."""
    return 2 * page + min(30, page - 5)


def album_length(page: int) -> int:
    """How many tracks the long album has: more than any platform shows at once."""
    return 2 * page + 7


def album_line(number: int) -> dict[str, Any]:
    """A track of the long album."""
    return {
        "title": f"Verse {number}",
        "artists": ["Night Ferry", f"Guest {number}"],
        "album": "The Long Player",
        "duration_ms": 90_000 + number * 500,
        "isrc": f"QZXX2{number:07}",
        "release_date": "2019-05-06",
        "disc_number": 1 + number // 60,
        "track_number": 1 + number % 60,
    }


def record_line(number: int) -> dict[str, Any]:
    """A track of an album and an artist of its own."""
    return {
        "title": f"Side {number}",
        "artists": [f"Solo {number}"],
        "album": f"Record {number}",
        "duration_ms": 150_000 + number * 500,
        "isrc": f"QZXX3{number:07}",
        "release_date": "2021-02-03",
    }


def _write_list(directory: Path, platform: str, name: str, rows: list[dict[str, Any]]) -> Path:
    path = directory / f"{name}.json"
    path.write_text(json.dumps({"source_platform": platform, "playlist_name": name, "tracks": rows}))
    return path

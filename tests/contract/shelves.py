"""Files as the contract suite meets them: no sandbox and no HTTP, but the real shelf on a real Postgres."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from yarl import URL

from shared.db import files, users
from shared.db.pool import Pool, open_pool
from shared.db.shelf import PostgresShelf
from shared.formats.entries import Entry, to_item
from shared.formats.imported import FileFormat, Imported, ImportedList
from shared.models import NotTransferable, PlaylistId, SourceItem, TokenSet, TrackId, UserId
from shared.platforms.base import Adopter
from shared.platforms.registry import Platforms
from shared.secret import Secret
from shared.settings import Settings
from tests.contract.flavor import Flavor
from tests.contract.sandboxes import Stage, line, long_length, open_gate
from tests.fakes.budget import FakeBudgets
from tests.fakes.session import FakeSession

TRACKS = "SELECT track_id FROM shelf_items WHERE playlist_id = $1 ORDER BY position"
NAMED = "SELECT id FROM shelf_playlists WHERE user_id = $1 AND name = $2"


class ShelfStage(Stage, frozen=True, kw_only=True):
    """A stage whose truth stands in Postgres."""

    pool: Pool
    owner: UserId

    def track_id(self, number: int) -> TrackId:
        track = _item(number).track
        assert track is not None
        return track.id

    async def order(self, method: str, path: str, body: Any = None) -> Any:
        """Do those orders that make sense here: forget calls, add tracks behind the adapter's back."""
        if (method, path) == ("DELETE", "requests"):
            return
        playlist_id = re.fullmatch(r"playlists/(.+)/items", path)
        assert (method, bool(playlist_id)) == ("POST", True)
        await PostgresShelf(self.pool).insert(
            self.owner,
            PlaylistId(path.split("/")[1]),
            track_ids=[TrackId(one["track_id"]) for one in body["items"]],
            position=1_000_000,
            gate=open_gate,
        )

    async def truth(self, playlist_id: PlaylistId) -> list[str]:
        return [row["track_id"] for row in await self.pool.fetch(TRACKS, playlist_id)]

    async def playlist_named(self, name: str) -> PlaylistId:
        return PlaylistId(str(await self.pool.fetchval(NAMED, self.owner, name)))


@asynccontextmanager
async def shelved(flavor: Flavor, database_url: str) -> AsyncIterator[Stage]:
    """Open the shelf, with the lists that write_world writes, and with every track of its catalog."""
    budgets = FakeBudgets()
    async with (
        await open_pool(Secret(database_url), size=4) as pool,
        Platforms(Settings(), budgets=budgets, shelf=PostgresShelf(pool)) as platforms,
    ):
        can = platforms.capabilities(flavor.platform)
        owner = await users.ensure(pool, name="mira")
        session = FakeSession(TokenSet(access_token=owner))
        adapter = platforms.adapter(flavor.platform, session=session)
        assert isinstance(adapter, Adopter)
        tracks = [_item(number).track for number in range(can.add_batch + 2)]
        await adapter.adopt([track for track in tracks if track])
        await files.store(pool, owner, _lists(can.read_page))
        yield ShelfStage(
            flavor=flavor,
            platforms=platforms,
            adapter=adapter,
            session=session,
            url=URL(),
            budgets=budgets,
            pool=pool,
            owner=owner,
        )


def _lists(page: int) -> Imported:
    odd_rows = (
        _item(0),
        _made(Entry(title="Demo Tape", artists=("The Attic",), duration_ms=61_000)),
        _item(1),
        _made(Entry(title="Talk Talk Talk", kind=NotTransferable.VIDEO)),
        _item(0),
    )
    long_rows = tuple(_item(n if n % (page + 5) else 0) for n in range(long_length(page)))
    lists: dict[str, Sequence[SourceItem]] = {"Empty Shelf": (), "Odd Rows": odd_rows, "Long Way": long_rows}
    return Imported(
        format=FileFormat.CSV,
        lists=tuple(ImportedList(name=name, items=tuple(items)) for name, items in lists.items()),
    )


def _item(number: int) -> SourceItem:
    return _made(Entry(**line(number)))


def _made(entry: Entry) -> SourceItem:
    item = to_item(entry)
    assert isinstance(item, SourceItem)
    return item

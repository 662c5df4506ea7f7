"""Finds the albums and artists that an account keeps at another platform, by their names."""

import asyncio
from collections.abc import Collection as Container
from collections.abc import Mapping
from datetime import datetime

from shared.errors import CrossplayError
from shared.models import Policy, Track, TrackId
from shared.platforms.collections import Collection, as_track, collection_of
from worker.candidates import Finder
from worker.context import Context
from worker.matching.considered import Considered
from worker.matching.kept import decide_album, decide_artist
from worker.matching.query import main_artist
from worker.matching.titles import read_title


class KeptFinder:
    """The same for a collection's items as candidates.Finder is for tracks; its parameters are those."""

    def __init__(
        self,
        context: Context,
        collection: Collection,
        *,
        refused_ids: Container[TrackId] = (),
        since: datetime | None = None,
    ) -> None:
        self._adapter = context.adapter
        self._lookups = context.lookups if since is None else context.lookups.since(since)
        self._market = context.market
        self._policy: Policy = context.transfer.policy
        self._collection = collection
        self._refused_ids = refused_ids

    async def find(self, sources: Mapping[int, Track]) -> dict[int, Considered | CrossplayError]:
        """Search for each by its name; an error where that failed."""
        slots = asyncio.Semaphore(self._adapter.capabilities.search_parallel)

        async def run(source: Track) -> Considered | CrossplayError:
            async with slots:
                try:
                    return await self._find(source)
                except CrossplayError as error:
                    return error

        async with asyncio.TaskGroup() as group:
            tasks = {position: group.create_task(run(source)) for position, source in sources.items()}
        return {position: task.result() for position, task in tasks.items()}

    async def _find(self, source: Track) -> Considered:
        decide = decide_artist if self._collection is Collection.ARTISTS else decide_album
        found = tuple(track for track in await self._search(source) if track.id not in self._refused_ids)
        return Considered(candidates=found, decision=decide(source, found, policy=self._policy))

    async def _search(self, source: Track) -> tuple[Track, ...]:
        if self._collection is Collection.ARTISTS:
            artists = await self._lookups.artists(self._adapter, source.title, market=self._market)
            return tuple(map(as_track, artists))
        title = read_title(source.title)
        name = " ".join((title.written, *title.version_words))
        albums = await self._lookups.albums(
            self._adapter, name, artist=main_artist(source), market=self._market
        )
        return tuple(map(as_track, albums))


def named_only(context: Context) -> Collection | None:
    """Return the collection whose items are no tracks, and are found by their names alone."""
    collection = collection_of(context.transfer.source_playlist_id)
    return None if collection is Collection.LIKED else collection


def finder_of(
    context: Context, *, refused_ids: Container[TrackId], since: datetime | None = None
) -> Finder | KeptFinder:
    """Return what finds the items of this transfer."""
    collection = named_only(context)
    if collection is None:
        return Finder(context, refused_ids=refused_ids, since=since)
    return KeptFinder(context, collection, refused_ids=refused_ids, since=since)

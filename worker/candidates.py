"""The search plan: ISRCs in batches, then shared albums, then texts, until a track is surely found."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from shared.db.items import Settled
from shared.errors import CrossplayError, Remedy
from shared.models import Outcome, Policy, Track, TrackId
from worker.context import Context
from worker.evidence import alternatives_of, evidence_of
from worker.lookups import Found
from worker.matching.albums import Shared, likely_albums, plausible_tracks, shared_albums
from worker.matching.considered import Considered, begin, conclude, consider
from worker.matching.decide import decide
from worker.matching.query import Query, text_queries

T = TypeVar("T")

Finds = dict[int, Considered | CrossplayError]
"""What the plan brought for each position; an error where a look-up failed: not answered is not missed."""

_LEAST_LEFT = 2  # tracks for whose sake an album is read; a single one is searched for by text


class Finder:
    """Finds the candidates of one batch's tracks with as few look-ups as it can.

    refused_ids: tracks that the platform offers and does not take; they are no candidates. since: what was
    answered before is asked again.
    """

    def __init__(
        self, context: Context, *, refused_ids: Collection[TrackId] = (), since: datetime | None = None
    ) -> None:
        self._adapter = context.adapter
        self._lookups = context.lookups if since is None else context.lookups.since(since)
        self._market = context.market
        # Only an equal ISRC is exact, and the ISRCs have been looked up by then.
        self._reads_albums = (
            context.adapter.capabilities.has_albums and context.transfer.policy is not Policy.EXACT
        )
        self._refused_ids = refused_ids
        self._judge = partial(decide, policy=context.transfer.policy, explicit=context.transfer.explicit)

    async def find(self, sources: Mapping[int, Track]) -> Finds:
        """Go through the plan for tracks by their position; each step sees only what is not sure by then."""
        finds = await self._by_isrc(sources)
        if self._reads_albums:
            finds.update(await self._by_album(sources, _unsure(finds)))
        finds.update(await self._by_text(sources, _unsure(finds)))
        return {position: self._concluded(sources[position], find) for position, find in finds.items()}

    def _concluded(self, source: Track, find: Considered | CrossplayError) -> Considered | CrossplayError:
        return find if isinstance(find, CrossplayError) else conclude(source, find, judge=self._judge)

    async def _by_isrc(self, sources: Mapping[int, Track]) -> Finds:
        isrcs = dict.fromkeys(track.isrc for track in sources.values() if track.isrc)
        found = await self._lookups.by_isrc(self._adapter, list(isrcs), market=self._market)
        return {position: self._named(track, found) for position, track in sources.items()}

    def _named(self, source: Track, found: Found[Track]) -> Considered | CrossplayError:
        """Return what the ISRC named, or the look-up's failure where it was not answered.

        One that the platform refuses for good, maybe for another ISRC of the batch, is left to the next step.
        """
        candidates = found.answers.get(source.isrc) if source.isrc else ()
        if candidates is None and found.failure is not None and found.failure.remedy is not Remedy.NONE:
            return found.failure
        return begin(source, self._offered(candidates or ()), judge=self._judge)

    def _offered(self, found: Sequence[Track]) -> tuple[Track, ...]:
        return tuple(track for track in found if track.id not in self._refused_ids)

    async def _by_album(self, sources: Mapping[int, Track], unsure: Mapping[int, Considered]) -> Finds:
        albums = shared_albums({position: sources[position] for position in unsure})
        parts = await self._each(partial(self._on_album, shared, unsure) for shared in albums)
        return {position: find for part in parts for position, find in part.items()}

    async def _on_album(self, shared: Shared, unsure: Mapping[int, Considered]) -> Finds:
        """Find an album and read it; one that the platform refuses for good is left to the text search."""
        known = {position: unsure[position] for position in shared.tracks}
        try:
            found = await self._lookups.albums(
                self._adapter, shared.searched, artist=shared.artist, market=self._market
            )
            for album in likely_albums(shared, found):
                if len(_unsure(known)) < _LEAST_LEFT:
                    break
                tracks = self._offered(
                    await self._lookups.album_tracks(self._adapter, album, market=self._market)
                )
                for position in _unsure(known):
                    source = shared.tracks[position]
                    known[position] = consider(
                        source, known[position], plausible_tracks(source, tracks), judge=self._judge
                    )
        except CrossplayError as error:
            if error.remedy is not Remedy.NONE:
                return {position: find if find.is_sure else error for position, find in known.items()}
        return dict(known)

    async def _by_text(self, sources: Mapping[int, Track], unsure: Mapping[int, Considered]) -> Finds:
        finds = await self._each(
            partial(self._on_texts, sources[position], known) for position, known in unsure.items()
        )
        return dict(zip(unsure, finds, strict=True))

    async def _on_texts(self, source: Track, known: Considered) -> Considered | CrossplayError:
        try:
            for query in text_queries(source):
                if self._is_worth_asking(query, known):
                    found = await self._lookups.by_text(self._adapter, query, market=self._market)
                    known = consider(
                        source, known, self._offered(found), judge=self._judge, is_loose=query.loose
                    )
        except CrossplayError as error:
            return error
        return known

    def _is_worth_asking(self, query: Query, known: Considered) -> bool:
        """Ask on while nothing sure is found; cut-down texts only where nothing at all was."""
        if query.title is not None and not self._adapter.capabilities.has_fielded_search:
            return False
        return known.is_vain if query.loose else not known.is_sure

    async def _each(self, calls: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
        """Make calls, as many at once as the platform bears; return what they brought, in order."""
        slots = asyncio.Semaphore(self._adapter.capabilities.search_parallel)

        async def run(call: Callable[[], Awaitable[T]]) -> T:
            async with slots:
                return await call()

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(call)) for call in calls]
        return [task.result() for task in tasks]


def _unsure(finds: Mapping[int, Considered | CrossplayError]) -> dict[int, Considered]:
    return {
        position: find
        for position, find in finds.items()
        if isinstance(find, Considered) and not find.is_sure
    }


def settled(position: int, find: Considered | CrossplayError) -> Settled:
    """Say what becomes of a position; one whose look-up failed is deferred, or has failed for good."""
    if isinstance(find, CrossplayError):
        if find.remedy is Remedy.NONE:
            return Settled(position=position, outcome=Outcome.FAILED, reason=str(find))
        return Settled(position=position, outcome=Outcome.DEFERRED, reason=find.code)
    decision, candidates = find.decision, find.candidates
    return Settled(
        position=position,
        outcome=decision.outcome,
        reason=decision.reason,
        score=decision.score,
        target=None if decision.choice is None else candidates[decision.choice],
        evidence=None if decision.evidence is None else evidence_of(decision.evidence, gap=decision.gap),
        alternatives=alternatives_of(decision, candidates=candidates),
    )

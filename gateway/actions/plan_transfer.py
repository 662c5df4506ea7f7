"""Say what a transfer would cost and how long it would take, and store nothing."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from gateway.actions.accounts import Accounts, PlatformsPort
from gateway.actions.check_transfer import Checked, CheckTransfer, Wish
from gateway.actions.find_source import Source
from gateway.actions.foretell_sign_in import ends_within_a_day
from gateway.actions.show_platforms import ShowPlatforms
from shared.clock import Clock
from shared.db import platform_pauses
from shared.db.connections import Connection
from shared.db.pool import Pool
from shared.forecast import Forecast, Shape, Side, Standing, forecast
from shared.models import Platform, Policy, SourceItem, UserId
from shared.platforms.base import Adapter
from shared.platforms.collections import Collection, collection_of

MOST_PAGES = 20  # that are read to learn how long a list is whose platform does not tell


_SEARCHES: dict[Collection | None, str] = {
    Collection.ALBUMS: "search_albums",
    Collection.ARTISTS: "search_artists",
}
"""How what stands in a collection is found, where it is no track."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of a source. row_count: its length, or what was read of it where is_open."""

    items: tuple[SourceItem, ...]
    row_count: int
    is_open: bool = False

    def share(self, count: int) -> int:
        """Return how many of all rows are like so many of those that were read."""
        return round(self.row_count * count / len(self.items)) if self.items else 0


class TransferPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer as it would be. warnings: what is worth knowing before it starts, by code."""

    checked: Checked
    shape: Shape
    forecast: Forecast
    warnings: tuple[dict[str, str], ...]


class PlanTransfer:
    """Plans transfers. It reads the first page of the source, as much as the platform tells its length by."""

    def __init__(
        self,
        *,
        pool: Pool,
        check: CheckTransfer,
        accounts: Accounts,
        platforms: PlatformsPort,
        show: ShowPlatforms,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._check = check
        self._accounts = accounts
        self._platforms = platforms
        self._show = show
        self._clock = clock

    async def __call__(self, user_id: UserId, wish: Wish) -> TransferPlan:
        """Raises what CheckTransfer raises, and what the reading of the source raises."""
        checked = await self._check(user_id, wish)
        sample = await self._sample(checked.source)
        shape = _shape(sample, checked=checked, policy=wish.policy)
        told = forecast(
            shape,
            source=self._source_side(checked.source),
            target=self._target_side(checked),
            standings=await self._standings(checked),
            now=self._clock.now(),
        )
        warnings = (
            *checked.warnings,
            *self._on_sign_ins(checked, ends_at=told.ends_at[1]),
            *self._on_source(checked, sample=sample),
            *self._on_target(checked),
            *await self._on_pauses(checked),
        )
        return TransferPlan(checked=checked, shape=shape, forecast=told, warnings=warnings)

    async def _sample(self, source: Source) -> Sample:
        if source.connection is None:
            speaking = self._accounts.speak_for_nobody(source.platform, market=source.market)
        else:
            speaking = self._accounts.speak_for(source.connection)
        async with speaking as adapter:
            return await _read(adapter, source)

    def _side(self, platform: Platform) -> Side:
        return Side(
            platform=platform,
            capabilities=self._platforms.capabilities(platform),
            profile=self._platforms.profile(platform),
        )

    def _source_side(self, source: Source) -> Side:
        side = self._side(source.platform)
        if source.connection is not None:
            return side
        beside = self._platforms.public_reads(source.platform).beside
        return msgspec.structs.replace(
            side, capabilities=msgspec.structs.replace(side.capabilities, beside=beside, beside_list=())
        )

    def _target_side(self, checked: Checked) -> Side:
        side, existing = self._side(checked.target.platform), checked.target_playlist
        if existing is None:
            return side
        return msgspec.structs.replace(side, capabilities=side.capabilities.of_target(existing.id))

    async def _standings(self, checked: Checked) -> dict[tuple[Platform, str], Standing]:
        return {
            (platform, budget.name): Standing(wait_s=budget.wait_s or 0.0, left=budget.left_count)
            for platform in {checked.source.platform, checked.target.platform}
            for budget in await self._show.budgets(platform)
        }

    def _on_sign_ins(self, checked: Checked, *, ends_at: datetime) -> Sequence[dict[str, str]]:
        """Tell of sign-ins that end before the transfer does, beside those that end within a day."""
        known = filter(None, (checked.source.connection, checked.target))
        ending = [one for one in known if one.sign_in_ends_at is not None and one.sign_in_ends_at < ends_at]
        return [self._sign_in_ends(one) for one in ending if not ends_within_a_day(one)]

    def _sign_in_ends(self, one: Connection) -> dict[str, str]:
        label = self._platforms.label(one.platform)
        detail = (
            f"{label} ({one.label}): the sign-in ends before the transfer does; it waits for a new one then."
        )
        return {"code": "sign_in_ends", "detail": detail}

    def _on_source(self, checked: Checked, *, sample: Sample) -> Sequence[dict[str, str]]:
        label = self._platforms.label(checked.source.platform)
        found = []
        if checked.source.connection is None:
            detail = f"Nobody's account reads it: {label} shows this playlist to everybody."
            found.append({"code": "public_source", "detail": detail})
        if sample.is_open:
            detail = f"{label} does not tell how long it is: it has {sample.row_count:,} rows at least."
            found.append({"code": "length_unknown", "detail": detail})
        return found

    def _on_target(self, checked: Checked) -> Sequence[dict[str, str]]:
        label = self._platforms.label(checked.target.platform)
        existing = checked.target_playlist
        can = self._platforms.capabilities(checked.target.platform)
        can = can.of_target(existing.id if existing else None)
        found = {}
        if not can.keeps_repeats:
            found["repeats"] = f"{label} keeps a track once in a playlist: a repeat is not added again."
        if not can.isrc_batch and collection_of(checked.source.playlist.id) not in _SEARCHES:
            found["no_isrc"] = f"{label} finds nothing by ISRC: each track is searched for by its words."
        return [{"code": code, "detail": detail} for code, detail in found.items()]

    async def _on_pauses(self, checked: Checked) -> Sequence[dict[str, str]]:
        touched = {checked.source.platform, checked.target.platform}
        return [
            {
                "code": "platform_paused",
                "detail": f"The operator of this server has paused {self._platforms.label(pause.platform)}.",
            }
            for pause in await platform_pauses.paused(self._pool)
            if pause.platform in touched
        ]


async def _read(adapter: Adapter, source: Source) -> Sample:
    """Read a page, and more only where nothing tells the length."""
    items: list[SourceItem] = []
    cursor = None
    for _ in range(MOST_PAGES):
        page = await adapter.read_items(source.playlist.id, cursor=cursor)
        items += page.items
        cursor = page.next_cursor
        length = len(items) if cursor is None else page.total or source.playlist.track_count
        if length is not None:
            return Sample(items=tuple(items), row_count=length)
    return Sample(items=tuple(items), row_count=len(items), is_open=True)


def _shape(sample: Sample, *, checked: Checked, policy: Policy) -> Shape:
    tracks = [item.track for item in sample.items if item.track is not None]
    existing = checked.target_playlist
    return Shape(
        row_count=sample.row_count,
        track_count=sample.share(len(tracks)),
        isrc_count=sample.share(sum(1 for track in tracks if track.isrc)),
        base_count=None if existing is None else existing.track_count or 0,
        reads_albums=policy is not Policy.EXACT,
        searched_by=_SEARCHES.get(collection_of(checked.source.playlist.id), ""),
    )

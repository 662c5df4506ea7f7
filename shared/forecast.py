"""What a transfer will cost and how long it will take, from what both platforms declare. Pure.

It counts what the phases ask for: worker/phases and worker/candidates.py are what it has to agree with. A
platform that fails, and writes whose answer is lost, cost more than it says.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from shared.lifecycle import Phase
from shared.models import Platform
from shared.platforms.base import Capabilities
from shared.platforms.profile import PlatformProfile, Pool

# Of the search plan: three tracks share an album at least, two albums are read for them, which have two pages
# as a rule; and the texts of a track beside the fielded one.
_LEAST_SHARING, _ALBUMS_READ, _ALBUM_PAGES, _PLAIN_TEXTS = 3, 2, 2, 3
_REGROWN = 8
LOOKS, PATIENT_LOOKS = 3, 14
"""How often a target is looked at in the end before something counts as missing, where reads lag and else."""


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """least: every look-up has been answered before. expected: everything that has an ISRC is found by it.

    most: nothing is found before the last text was tried, and what was written shows late.
    """

    least: float
    expected: float
    most: float

    def each(self, change: Callable[[float], float]) -> "Range":
        return Range(least=change(self.least), expected=change(self.expected), most=change(self.most))

    def plus(self, other: "Range") -> "Range":
        return Range(
            least=self.least + other.least,
            expected=self.expected + other.expected,
            most=self.most + other.most,
        )


NOTHING = Range(least=0, expected=0, most=0)


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be moved. row_count: positions of the source. track_count: those that are tracks.

    isrc_count: tracks with an ISRC; both may be estimates. base_count: rows of an existing target, None for
    a new one. reads_albums: tracks may be looked for on their albums. searched_by: the operation by which
    albums or artists are found, by their names alone; "" for a source of tracks.
    """

    row_count: int
    track_count: int
    isrc_count: int
    base_count: int | None = None
    reads_albums: bool = True
    searched_by: str = ""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One end of a transfer."""

    platform: Platform
    capabilities: Capabilities
    profile: PlatformProfile


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """So many calls of one operation."""

    phase: Phase
    platform: Platform
    operation: str
    requests: Range


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a pool stands now. wait_s: until a request may leave. left: units of its day, None: not known."""

    wait_s: float = 0.0
    left: float | None = None


class PoolNeed(msgspec.Struct, frozen=True, kw_only=True):
    """What a transfer takes out of one pool.

    seconds: how long its units take at its pace, others' bookings of now included. days: how many midnights
    pass where the pool counts days.
    """

    platform: Platform
    name: str
    pool: Pool
    wait_s: float
    units: Range
    seconds: Range
    days: Range


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a transfer takes that starts at begins_at. ends_at: its earliest, expected and latest end."""

    begins_at: datetime

    steps: tuple[Step, ...]
    needs: tuple[PoolNeed, ...]
    ends_at: tuple[datetime, datetime, datetime]

    def requests(self) -> Range:
        return total(step.requests for step in self.steps)


def total(parts: Iterable[Range]) -> Range:
    whole = NOTHING
    for part in parts:
        whole = whole.plus(part)
    return whole


def forecast(
    shape: Shape,
    *,
    source: Side,
    target: Side,
    standings: Mapping[tuple[Platform, str], Standing],
    now: datetime,
) -> Forecast:
    """Say what a transfer will take that starts now. standings: by platform and name of the pool."""
    asked = (
        _read(shape, source),
        *_match(shape, source, target),
        *_write(shape, target),
        *_verify(shape, target),
    )
    sides = {side.platform: side for side in (source, target)}
    steps = tuple(each for step in asked for each in _with_beside(step, sides[step.platform], shape))
    needs = _needs(steps, sides=sides, standings=standings)
    return Forecast(
        begins_at=now, steps=steps, needs=needs, ends_at=_ends_at(needs, apart=_apart(steps, target), now=now)
    )


def _pages(count: float, page: int) -> Range:
    """Pages of a list; where its length is not told, one more may be asked for behind a full one."""
    least = max(1, math.ceil(count / page))
    return Range(least=least, expected=least, most=math.floor(count / page) + 1)


def _read(shape: Shape, source: Side) -> Step:
    pages = _pages(shape.row_count, source.capabilities.read_page)
    return Step(phase=Phase.READ, platform=source.platform, operation="read_items", requests=pages)


def _match(shape: Shape, source: Side, target: Side) -> Iterable[Step]:
    """Count the look-ups: ISRCs in batches of a page of the source, then albums, then texts."""
    if shape.searched_by:
        yield _step(Phase.MATCH, target, shape.searched_by, _bounded(shape.track_count, shape.row_count))
        return
    can = target.capabilities
    tracks, named = shape.track_count, shape.isrc_count if can.isrc_batch else 0
    page = source.capabilities.read_page
    if can.isrc_batch:
        batches = Range(
            least=0,
            expected=_batched(named, of=tracks, page=page, batch=can.isrc_batch),
            most=_batched(shape.row_count, of=shape.row_count, page=page, batch=can.isrc_batch),
        )
        yield _step(Phase.MATCH, target, "find_by_isrc", batches)
    if can.has_albums and shape.reads_albums:
        shared = shape.row_count // _LEAST_SHARING
        reads = shared * _ALBUMS_READ * _ALBUM_PAGES
        yield _step(Phase.MATCH, target, "search_albums", Range(least=0, expected=0, most=shared))
        yield _step(Phase.MATCH, target, "read_album", Range(least=0, expected=0, most=reads))
    texts = _PLAIN_TEXTS + can.has_fielded_search
    searched = _batched(tracks - named, of=tracks, page=page, batch=can.search_batch)
    found = Range(least=0, expected=searched, most=shape.row_count * texts)
    yield _step(Phase.MATCH, target, "search", found)


def _batched(named: int, *, of: int, page: int, batch: int) -> int:
    """Count the batches of so many that are spread evenly over the pages of a list."""
    full, rest = divmod(of, page)
    share = named / of if of else 0.0
    return full * math.ceil(share * page / batch) + math.ceil(share * rest / batch)


def _parts(count: int, *, base_count: int, limit: int | None) -> list[int]:
    """Return how many tracks each playlist takes: where one is full, a further one goes on."""
    if limit is None:
        return [count]
    room = max(0, limit - base_count)
    further, rest = divmod(max(0, count - room), limit)
    return [min(count, room), *([limit] * further), *([rest] if rest else [])]


def _write(shape: Shape, target: Side) -> Iterable[Step]:
    can = target.capabilities
    of_tracks, of_rows = (
        _counted_parts(shape.track_count, shape, can),
        _counted_parts(shape.row_count, shape, can),
    )
    if shape.base_count is not None:
        yield _step(Phase.WRITE, target, "read_target", _pages(shape.base_count, can.read_page))
    is_new = shape.base_count is None
    made = [len(parts) - (not is_new) for parts in (of_tracks, of_rows)]
    if made[1]:
        yield _step(Phase.WRITE, target, "create_playlist", _bounded(*made))
    adds = [sum(math.ceil(part / can.add_batch) for part in parts) for parts in (of_tracks, of_rows)]
    # Behind a batch that was cut to fill a playlist the next ones grow to their full size again.
    yield _step(Phase.WRITE, target, "add_tracks", _bounded(adds[0], adds[1] + _REGROWN * (len(of_rows) - 1)))
    filled = bool(shape.base_count)  # the first of the playlists is not empty
    begun = [sum(part > 0 for part in parts[filled:]) for parts in (of_tracks, of_rows)]
    for operation in can.beside_first if begun[1] else ():
        yield _step(Phase.WRITE, target, operation, _bounded(*begun))


def _counted_parts(count: int, shape: Shape, can: Capabilities) -> list[int]:
    return _parts(count, base_count=shape.base_count or 0, limit=can.playlist_limit)


def _bounded(expected: float, most: float) -> Range:
    return Range(least=expected, expected=expected, most=most)


def _verify(shape: Shape, target: Side) -> Iterable[Step]:
    can = target.capabilities
    of_tracks, of_rows = (
        _counted_parts(shape.track_count, shape, can),
        _counted_parts(shape.row_count, shape, can),
    )
    looks = PATIENT_LOOKS if can.reads_lag else LOOKS
    read = [part for part in of_tracks if not _has_receipts(part, shape, can)]
    expected = sum(_pages(part, can.read_page).expected for part in read)
    most = sum(_pages(part, can.read_page).most for part in of_rows)
    yield _step(Phase.VERIFY, target, "read_target", _bounded(expected, looks * most))
    asked = looks * sum(_has_receipts(part, shape, can) for part in of_rows)
    if asked:
        yield _step(Phase.VERIFY, target, "get_playlist", _bounded(len(of_tracks) - len(read), asked))


def _has_receipts(part: int, shape: Shape, can: Capabilities) -> bool:
    """Say whether a playlist is not read in the end, because the answers to writes prove it."""
    return can.proves_adds and shape.base_count is None and part > can.read_page


def _step(phase: Phase, side: Side, operation: str, requests: Range) -> Step:
    return Step(phase=phase, platform=side.platform, operation=operation, requests=requests)


def _with_beside(step: Step, side: Side, shape: Shape) -> Iterable[Step]:
    """Add the calls that the adapter makes beside this one; those about rows only where there are some."""
    yield step
    if step.phase is Phase.READ:
        once = Range(least=1, expected=1, most=1)
        for operation in side.capabilities.beside_list:
            yield msgspec.structs.replace(step, operation=operation, requests=once)
        if not shape.row_count:
            return
    for operation in side.capabilities.beside.get(step.operation, ()):
        yield msgspec.structs.replace(step, operation=operation)


def _needs(
    steps: Sequence[Step],
    *,
    sides: Mapping[Platform, Side],
    standings: Mapping[tuple[Platform, str], Standing],
) -> tuple[PoolNeed, ...]:
    units: dict[tuple[Platform, str], Range] = {}
    for step in steps:
        price = sides[step.platform].profile.price(step.operation)
        spent = step.requests.each(lambda count, cost=price.cost: count * cost)  # type: ignore[misc]  # bound
        place = (step.platform, price.pool)
        units[place] = units.get(place, NOTHING).plus(spent)
    return tuple(
        _need(place, spent, pool=sides[place[0]].profile.pools[place[1]], standing=standings.get(place))
        for place, spent in units.items()
    )


def _need(place: tuple[Platform, str], units: Range, *, pool: Pool, standing: Standing | None) -> PoolNeed:
    at = standing or Standing()
    seconds, days = NOTHING.each(lambda _: at.wait_s), NOTHING
    if pool.day_zone:
        left = pool.limit if at.left is None else at.left
        days = units.each(lambda count: max(0, math.ceil((count - left) / pool.limit)))
    else:
        seconds = units.each(lambda count: at.wait_s + max(0.0, count - pool.burst) * pool.unit_s)
    return PoolNeed(
        platform=place[0],
        name=place[1],
        pool=pool,
        wait_s=at.wait_s,
        units=units,
        seconds=seconds,
        days=days,
    )


def _apart(steps: Iterable[Step], target: Side) -> Range:
    """Return the seconds that are let pass between additions which are to have dates of their own."""
    added = total(step.requests for step in steps if step.operation == "add_tracks")
    return added.each(lambda count: count * target.capabilities.apart_s)


def _ends_at(
    needs: Sequence[PoolNeed], *, apart: Range, now: datetime
) -> tuple[datetime, datetime, datetime]:
    """Add the pools' times up: phases mostly follow each other. What waits for a day goes on at midnight."""
    bounds = ("least", "expected", "most")
    seconds = {
        bound: getattr(apart, bound) + sum(getattr(need.seconds, bound) for need in needs) for bound in bounds
    }
    begins = {
        bound: max((_midnight(need, getattr(need.days, bound), now=now) for need in needs), default=now)
        for bound in bounds
    }
    least, expected, most = (begins[bound] + timedelta(seconds=seconds[bound]) for bound in bounds)
    return least, expected, most


def _midnight(need: PoolNeed, days: float, *, now: datetime) -> datetime:
    """Return when so many midnights have passed where the pool's days are counted."""
    if not days:
        return now
    zone = ZoneInfo(need.pool.day_zone)
    day = now.astimezone(zone).date() + timedelta(days=int(days))
    return datetime.combine(day, time(), zone).astimezone(now.tzinfo)


def by_phase(steps: Iterable[Step]) -> dict[tuple[Phase, Platform], Range]:
    """Sum the calls up by phase and platform, in their order."""
    sums: dict[tuple[Phase, Platform], Range] = {}
    for step in steps:
        place = (step.phase, step.platform)
        sums[place] = sums.get(place, NOTHING).plus(step.requests)
    return sums

"""The paginators: own offsets or the platform's tokens, whole lists, and no page that was left unfilled."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Generic, TypeAlias, TypeVar

import msgspec
from msgspec import UnsetType
from yarl import URL

from shared.errors import PlatformUnavailable, ValidationFailed
from shared.models import Platform

Row = TypeVar("Row")

_REPEATS = 2
_MOST_EMPTY = 20  # pages without a row, one after the other, before a list that never ends is given up
_CURSOR = re.compile(r"([0-9]{1,9})(/(?:more|([0-9]{1,9})))?")
_TOKEN_CURSOR = re.compile(r"([0-9]{1,9})/(.{1,2000})", re.DOTALL)


class RawPage(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """What one request brought. total: the list's length where told; next_url: the platform's own link.

    limit: how many rows were asked for. is_blank: the answer held no list at all, not even an empty one.
    """

    rows: tuple[Row, ...]
    limit: int
    total: int | None = None
    next_url: str | None = None
    is_blank: bool = False

    @classmethod
    def of(
        cls,
        rows: Iterable[Row] | UnsetType,
        *,
        limit: int,
        total: int | None,
        next_url: str | None,
    ) -> "RawPage[Row]":
        """Make a page of what was decoded; unset means that the answer held no list."""
        if isinstance(rows, UnsetType):
            return cls(rows=(), limit=limit, is_blank=True)
        return cls(rows=tuple(rows), limit=limit, total=total, next_url=next_url)


Fetch: TypeAlias = Callable[[int, int], Awaitable[RawPage[Row]]]
"""Read at most so many rows from an offset on: (offset, limit)."""


class Slice(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """A complete page. next_cursor is None at the end of the list.

    passed_count: rows of the list up to the end of this page, where a CursorPager has counted them.
    """

    rows: tuple[Row, ...]
    total: int | None
    next_cursor: str | None
    passed_count: int = 0


class _Position(msgspec.Struct, frozen=True):
    """Where to go on. total: the length as told before; more: the platform promised rows here."""

    offset: int
    total: int | None = None
    more: bool = False

    @classmethod
    def parse(cls, cursor: str | None) -> "_Position":
        match = _CURSOR.fullmatch(cursor or "0")
        if match is None:
            raise ValidationFailed("The cursor is not one that an earlier page gave.")
        offset, promise, total = match.groups()
        return cls(int(offset), int(total) if total else None, more=bool(promise))

    def cursor(self) -> str:
        if not self.more:
            return str(self.offset)
        return f"{self.offset}/{'more' if self.total is None else self.total}"


class Pager(Generic[Row]):
    """Reads one list page by page.

    Platforms drop `limit` from their next link, point it at removed paths, or answer a page in the middle
    of a list with less than it holds, or nothing. So the offset is our own, and a page that is short of the
    total is asked for again; PlatformUnavailable is raised where it stays empty, never an end that is none.
    page_sizes: the one wished for, then smaller ones for a platform that gives up on it (504).
    """

    def __init__(
        self, fetch: Fetch[Row], *, page_sizes: Sequence[int], platform: Platform, operation: str
    ) -> None:
        self._fetch = fetch
        self._page_sizes = page_sizes
        self._platform = platform
        self._operation = operation

    async def page(self, cursor: str | None) -> Slice[Row]:
        """Read the page at a cursor of ours; None is the start. Raises ValidationFailed for a foreign one."""
        slice_, following = await self._read(_Position.parse(cursor))
        return msgspec.structs.replace(slice_, next_cursor=following.cursor() if following else None)

    async def pages(self, *, offset: int = 0) -> AsyncIterator[Slice[Row]]:
        """Iterate over the pages from an offset to the end of the list; next_cursor is always None."""
        following: _Position | None = _Position(offset)
        while following:
            slice_, following = await self._read(following)
            yield slice_

    async def rows(self, *, offset: int = 0) -> AsyncIterator[Row]:
        """Iterate from an offset to the end of the list."""
        async for slice_ in self.pages(offset=offset):
            for row in slice_.rows:
                yield row

    async def rest(self, *, offset: int) -> tuple[tuple[Row, ...], int]:
        """Return the rows from an offset to the end, and the length of the whole list."""
        rows: list[Row] = []
        total: int | None = None
        async for slice_ in self.pages(offset=offset):
            rows += slice_.rows
            total = slice_.total if slice_.total is not None else total
        if total is None and offset and not rows:
            # Beyond the end some platforms only say "nothing here": the first page knows the length.
            first, _ = await self._read(_Position(0))
            if first.total is not None and first.total <= offset:
                return (), first.total
            whole, total = await self.rest(offset=0)
            return whole[offset:], total
        return tuple(rows), offset + len(rows) if total is None else total

    async def _fetch_sized(self, offset: int) -> RawPage[Row]:
        for limit in self._page_sizes[:-1]:
            try:
                return await self._fetch(offset, limit)
            except PlatformUnavailable as error:
                if error.status != HTTPStatus.GATEWAY_TIMEOUT:
                    raise
        return await self._fetch(offset, self._page_sizes[-1])

    async def _read(self, at: _Position) -> tuple[Slice[Row], _Position | None]:
        best: RawPage[Row] | None = None
        total = at.total
        for _ in range(1 + _REPEATS):
            raw = await self._fetch_sized(at.offset)
            total = total if raw.total is None else raw.total
            if not raw.is_blank and (best is None or len(raw.rows) > len(best.rows)):
                best = raw
            if best and len(best.rows) >= _promised(at, total=total, limit=raw.limit):
                break
        if best is None or (not best.rows and _promised(at, total=total, limit=best.limit)):
            raise PlatformUnavailable(
                "A page of a list came without its rows; it will be asked for again.",
                platform=self._platform,
                operation=self._operation,
            )
        return Slice(rows=best.rows, total=total, next_cursor=None), _following(at.offset, best, total=total)


class TokenPage(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """What one request brought of a list that goes on by tokens. next_token: the platform's, None at the end.

    total: the list's length where told. is_blank: the answer held no list at all, not even an empty one.
    """

    rows: tuple[Row, ...]
    next_token: str | None = None
    total: int | None = None
    is_blank: bool = False

    @classmethod
    def of(
        cls, rows: Iterable[Row] | UnsetType, *, next_token: str | None, total: int | None = None
    ) -> "TokenPage[Row]":
        """Make a page of what was decoded; unset means that the answer held no list."""
        if isinstance(rows, UnsetType):
            return cls(rows=(), is_blank=True)
        return cls(rows=tuple(rows), next_token=next_token or None, total=total)


FetchToken: TypeAlias = Callable[[str | None], Awaitable[TokenPage[Row]]]
"""Read the page of a token; None is the first one."""


class CursorPager(Generic[Row]):
    """Reads one list page by page where the platform gives a token for the next one and knows no offsets.

    The end is where no token is given. A page that is empty although more is promised, by a token or by the
    total, is asked for again; behind one that stays empty its token leads on, and where there is none,
    PlatformUnavailable is raised. Cursors of ours hold the token and how many rows came before it.
    """

    def __init__(self, fetch: FetchToken[Row], *, platform: Platform, operation: str) -> None:
        self._fetch = fetch
        self._platform = platform
        self._operation = operation

    async def page(self, cursor: str | None) -> Slice[Row]:
        """Read the page at a cursor of ours; None is the start. Raises ValidationFailed for a foreign one.

        It has rows, or it is the last one.
        """
        offset, token = 0, None
        if cursor is not None:
            match = _TOKEN_CURSOR.fullmatch(cursor)
            if match is None:
                raise ValidationFailed("The cursor is not one that an earlier page gave.")
            offset, token = int(match[1]), match[2]
        return await self._filled(offset, token)

    async def pages(self, *, offset: int = 0) -> AsyncIterator[Slice[Row]]:
        """Iterate over the pages from an offset to the end; next_cursor is always None.

        The rows before the offset have to be read too. At least one page comes, empty behind the end.
        """
        cursor: str | None = None
        passed_count = 0
        while True:
            slice_ = await self.page(cursor)
            rows = slice_.rows[max(0, offset - passed_count) :]
            passed_count += len(slice_.rows)
            if rows or slice_.next_cursor is None:
                yield Slice(rows=rows, total=slice_.total, next_cursor=None)
            if slice_.next_cursor is None:
                return
            cursor = slice_.next_cursor

    async def rows(self, *, offset: int = 0) -> AsyncIterator[Row]:
        """Iterate from an offset to the end of the list."""
        async for slice_ in self.pages(offset=offset):
            for row in slice_.rows:
                yield row

    async def rest(self, *, offset: int) -> tuple[tuple[Row, ...], int]:
        """Return the rows from an offset to the end, and the length of the whole list, as it was counted."""
        rows = [row async for row in self.rows()]
        return tuple(rows[offset:]), len(rows)

    async def _filled(self, offset: int, token: str | None) -> Slice[Row]:
        seen = {token}
        for _ in range(_MOST_EMPTY):
            raw = await self._read(offset, token)
            passed_count = offset + len(raw.rows)
            if raw.next_token is None:
                return Slice(rows=raw.rows, total=raw.total, next_cursor=None, passed_count=passed_count)
            if raw.next_token in seen:
                break
            if raw.rows:
                cursor = f"{passed_count}/{raw.next_token}"
                return Slice(rows=raw.rows, total=raw.total, next_cursor=cursor, passed_count=passed_count)
            token = raw.next_token
            seen.add(token)
        raise self._unfilled()

    async def _read(self, offset: int, token: str | None) -> TokenPage[Row]:
        best: TokenPage[Row] | None = None
        for _ in range(1 + _REPEATS):
            raw = await self._fetch(token)
            if not raw.is_blank and (best is None or len(raw.rows) > len(best.rows)):
                best = raw
            if best and (best.rows or (best.next_token is None and (best.total or 0) <= offset)):
                return best
        if best is None or best.next_token is None:
            raise self._unfilled()
        return best

    def _unfilled(self) -> PlatformUnavailable:
        return PlatformUnavailable(
            "A page of a list came without its rows; it will be asked for again.",
            platform=self._platform,
            operation=self._operation,
        )


def _promised(at: _Position, *, total: int | None, limit: int) -> int:
    """How many rows must stand at this position; the newest word about the length counts."""
    if total is not None:
        return min(limit, max(0, total - at.offset))
    return 1 if at.more else 0


def _following(offset: int, raw: RawPage[Row], *, total: int | None) -> _Position | None:
    end = offset + len(raw.rows)
    linked = _offset_of(raw.next_url)
    if raw.rows and linked is not None and linked > offset:
        # A linked offset beyond the rows' end means that the platform hid some of them.
        return _Position(max(linked, end), total, more=True)
    if total is not None:
        return _Position(end, total, more=True) if raw.rows and end < total else None
    return _Position(end) if len(raw.rows) >= raw.limit else None


def _offset_of(url: str | None) -> int | None:
    query = URL(url).query if url else {}
    text = query.get("offset") or query.get("index") or ""
    return int(text) if text.isdecimal() else None

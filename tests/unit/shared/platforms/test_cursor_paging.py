import pytest
from msgspec import UNSET

from shared.errors import PlatformUnavailable, ValidationFailed
from shared.models import Platform
from shared.platforms.paging import CursorPager, TokenPage

PAGE = 10


class Shelf:
    """A list that goes on by tokens, with faults by the number of the request."""

    def __init__(self, length: int, *, tells_total: bool = True, loops: bool = False) -> None:
        self.rows = list(range(length))
        self.tells_total = tells_total
        self.loops = loops
        self.asked: list[str | None] = []
        self.faults: dict[int, TokenPage[int] | Exception] = {}

    async def fetch(self, token: str | None) -> TokenPage[int]:
        fault = self.faults.get(len(self.asked))
        self.asked.append(token)
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            return fault
        start = int((token or "C/0").removeprefix("C/"))
        end = start + PAGE
        following = f"C/{start if self.loops else end}" if end < len(self.rows) else ""
        total = len(self.rows) if self.tells_total else None
        return TokenPage.of(self.rows[start:end], next_token=following, total=total)

    def pager(self) -> CursorPager[int]:
        return CursorPager(self.fetch, platform=Platform.SPOTIFY, operation="read_items")

    async def walk(self) -> list[int]:
        """Read page by page with cursors, as a job does that forgets all else between two pages."""
        found: list[int] = []
        cursor: str | None = None
        while True:
            page = await self.pager().page(cursor)
            found += page.rows
            cursor = page.next_cursor
            if cursor is None:
                return found


@pytest.mark.parametrize("tells_total", [True, False])
@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 20, 25])
async def test_whole_list_is_read_with_one_request_a_page(length: int, *, tells_total: bool) -> None:
    shelf = Shelf(length, tells_total=tells_total)

    walked = await shelf.walk()

    assert walked == shelf.rows
    assert len(shelf.asked) == max(1, -(-length // PAGE))
    assert [row async for row in shelf.pager().rows()] == shelf.rows
    assert [row async for page in shelf.pager().pages() for row in page.rows] == shelf.rows
    assert await shelf.pager().rest(offset=0) == (tuple(shelf.rows), length)


@pytest.mark.parametrize("offset", [0, 1, 9, 10, 14, 24, 25, 40])
async def test_rest_from_an_offset_comes_with_the_length_of_the_whole_list(offset: int) -> None:
    shelf = Shelf(25, tells_total=False)

    rest, total = await shelf.pager().rest(offset=offset)
    pages = [page async for page in shelf.pager().pages(offset=offset)]

    assert (list(rest), total) == (shelf.rows[offset:], 25)
    assert [row for page in pages for row in page.rows] == shelf.rows[offset:]
    assert all(page.rows for page in pages[:-1])


@pytest.mark.parametrize("cursor", ["", "7", "x/y", "/C/10", "7/", "-1/C"])
async def test_foreign_cursor_is_refused_before_anything_is_asked(cursor: str) -> None:
    shelf = Shelf(25)

    with pytest.raises(ValidationFailed):
        await shelf.pager().page(cursor)
    assert not shelf.asked


async def test_blank_page_in_the_middle_is_asked_for_again() -> None:
    shelf = Shelf(25)
    shelf.faults = {1: TokenPage.of(UNSET, next_token=None), 2: TokenPage.of([], next_token=None, total=25)}

    assert await shelf.walk() == shelf.rows


async def test_page_that_stays_empty_is_passed_by_its_token() -> None:
    shelf = Shelf(25)
    shelf.faults = {number: TokenPage.of([], next_token="C/10") for number in range(3)}

    assert await shelf.walk() == shelf.rows[10:]
    assert shelf.asked == [None, None, None, "C/10", "C/20"]


@pytest.mark.parametrize(
    "page",
    [
        TokenPage[int].of(UNSET, next_token=None),
        TokenPage[int].of([], next_token=None, total=25),
        TokenPage[int].of([], next_token="C/0"),
    ],
)
async def test_list_that_stays_without_its_rows_never_looks_complete(page: TokenPage[int]) -> None:
    shelf = Shelf(25)
    shelf.faults = dict.fromkeys(range(100), page)

    with pytest.raises(PlatformUnavailable):
        await shelf.walk()


async def test_token_that_leads_back_to_its_own_page_ends_in_an_error() -> None:
    shelf = Shelf(25, loops=True)

    with pytest.raises(PlatformUnavailable):
        await shelf.pager().page("0/C/0")


async def test_errors_of_a_page_are_passed_on() -> None:
    shelf = Shelf(25)
    shelf.faults = {0: PlatformUnavailable("No.", platform=Platform.SPOTIFY, operation="x")}

    with pytest.raises(PlatformUnavailable, match="No"):
        await shelf.pager().page(None)

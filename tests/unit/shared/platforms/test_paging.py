from collections.abc import Sequence

import pytest
from msgspec import UNSET

from shared.errors import PlatformUnavailable, ValidationFailed
from shared.models import Platform
from shared.platforms.paging import Pager, RawPage

LIMIT = 10


class Shelf:
    """A list on a platform that tells as much as its style says, with faults by the number of the request."""

    def __init__(
        self, length: int, *, tells_total: bool = True, links: bool = False, cap: int | None = None
    ) -> None:
        self.rows = list(range(length))
        self.tells_total = tells_total
        self.links = links
        self.cap = cap
        self.asked: list[tuple[int, int]] = []
        self.faults: dict[int, RawPage[int] | Exception] = {}

    async def fetch(self, offset: int, limit: int) -> RawPage[int]:
        fault = self.faults.get(len(self.asked))
        self.asked.append((offset, limit))
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            return fault
        end = offset + min(limit, self.cap or limit)
        more = self.links and end < len(self.rows)
        return RawPage(
            rows=tuple(self.rows[offset:end]),
            limit=limit,
            total=len(self.rows) if self.tells_total else None,
            next_url=f"/v1/gone?offset={end}&q=%C3%BC" if more else None,
        )

    def pager(self, page_sizes: Sequence[int] = (LIMIT,)) -> Pager[int]:
        return Pager(self.fetch, page_sizes=page_sizes, platform=Platform.SPOTIFY, operation="read_items")

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


STYLES = [
    {"tells_total": True, "links": True},
    {"tells_total": True, "links": False},
    {"tells_total": False, "links": True},
    {"tells_total": False, "links": False},
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 20, 25])
async def test_whole_list_is_read_whatever_the_platform_tells(style: dict[str, bool], length: int) -> None:
    shelf = Shelf(length, **style)

    walked = await shelf.walk()
    iterated = [row async for row in shelf.pager().rows()]
    paged = [row async for page in shelf.pager().pages() for row in page.rows]
    rest, total = await shelf.pager().rest(offset=0)

    assert walked == iterated == paged == list(rest) == shelf.rows
    assert total == length


async def test_known_length_spares_the_question_behind_the_last_page() -> None:
    shelf = Shelf(2 * LIMIT)

    await shelf.walk()

    assert shelf.asked == [(0, LIMIT), (LIMIT, LIMIT)]


async def test_platform_that_gives_less_than_asked_is_followed() -> None:
    shelf = Shelf(25, cap=4)

    assert await shelf.walk() == shelf.rows


BLANK: RawPage[int] = RawPage.of(UNSET, limit=LIMIT, total=None, next_url=None)
EMPTY: RawPage[int] = RawPage(rows=(), limit=LIMIT)
CUT: RawPage[int] = RawPage(rows=(10, 11), limit=LIMIT, total=25, next_url="?offset=20")


@pytest.mark.parametrize("fault", [BLANK, EMPTY, CUT])
async def test_page_that_is_short_of_the_total_is_asked_for_again(fault: RawPage[int]) -> None:
    shelf = Shelf(25, links=True)
    shelf.faults = {1: fault}

    assert await shelf.walk() == shelf.rows
    assert [offset for offset, _ in shelf.asked] == [0, 10, 10, 20]


@pytest.mark.parametrize("style", STYLES[:3])
@pytest.mark.parametrize("fault", [BLANK, EMPTY])
async def test_list_that_goes_on_is_never_ended_by_an_empty_page(
    style: dict[str, bool], fault: RawPage[int]
) -> None:
    shelf = Shelf(25, **style)
    shelf.faults = dict.fromkeys(range(1, 9), fault)

    with pytest.raises(PlatformUnavailable):
        await shelf.walk()


async def test_answer_without_any_list_is_not_an_empty_list() -> None:
    shelf = Shelf(0)
    shelf.faults = dict.fromkeys(range(9), BLANK)

    with pytest.raises(PlatformUnavailable):
        await shelf.pager().page(None)


@pytest.mark.parametrize("link", ["?offset=10", "https://api.example.org/list?limit=10&index=10"])
async def test_rows_that_stay_hidden_do_not_shift_the_following_ones(link: str) -> None:
    shelf = Shelf(25, links=True)
    hidden: RawPage[int] = RawPage(rows=(0, 1, 2), limit=LIMIT, total=25, next_url=link)
    shelf.faults = {0: hidden, 1: hidden, 2: hidden}

    assert await shelf.walk() == [0, 1, 2, *range(10, 25)]


async def test_list_that_became_shorter_meanwhile_ends() -> None:
    shelf = Shelf(25)
    page = await shelf.pager().page(None)
    shelf.rows = shelf.rows[:8]

    last = await shelf.pager().page(page.next_cursor)

    assert (last.rows, last.total, last.next_cursor) == ((), 8, None)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("offset", "rows"), [(0, range(25)), (7, range(7, 25)), (24, [24]), (25, []), (40, [])]
)
async def test_rest_of_a_list_comes_with_its_whole_length(
    style: dict[str, bool], offset: int, rows: Sequence[int]
) -> None:
    shelf = Shelf(25, **style)

    rest, total = await shelf.pager().rest(offset=offset)

    assert (list(rest), total) == (list(rows), 25)


async def test_platform_that_gives_up_on_a_page_is_asked_for_a_smaller_one() -> None:
    shelf = Shelf(25)
    timed_out = PlatformUnavailable("", platform="spotify", operation="", status=504)
    shelf.faults = {0: timed_out}

    page = await shelf.pager((LIMIT, 4)).page(None)

    assert (page.rows, page.next_cursor) == ((0, 1, 2, 3), "4/25")


@pytest.mark.parametrize(("sizes", "status"), [((LIMIT, 4), 503), ((LIMIT,), 504)])
async def test_other_faults_of_a_page_come_out(sizes: tuple[int, ...], status: int) -> None:
    shelf = Shelf(25)
    shelf.faults = {0: PlatformUnavailable("", platform="spotify", operation="", status=status)}

    with pytest.raises(PlatformUnavailable):
        await shelf.pager(sizes).page(None)


@pytest.mark.parametrize("cursor", ["-1", "x", "1/2/3", "1/", "9999999999", "1 ", "٣"])
async def test_foreign_cursor_is_the_callers_fault(cursor: str) -> None:
    shelf = Shelf(25)

    with pytest.raises(ValidationFailed):
        await shelf.pager().page(cursor)

    assert shelf.asked == []

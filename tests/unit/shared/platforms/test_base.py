import pytest

from shared.models import Platform
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, Price
from shared.platforms.values import in_batches, parameter_of, parse_isrc


@pytest.mark.parametrize("text", ["QZXX12600001", "qzxx12600001", "QZ-XX1-26-00001", " qz xx1 26 00001\n"])
def test_isrc_is_normalized(text: str) -> None:
    assert parse_isrc(text) == "QZXX12600001"


@pytest.mark.parametrize("text", [None, "", "QZXX1260000", "QZXX126000011", "1ZXX12600001", "QZXX1260000é"])
def test_text_that_is_no_isrc_is_none(text: str | None) -> None:
    assert parse_isrc(text) is None


def profile(*, pool: Pool, prices: dict[str, Price] | None = None) -> PlatformProfile:
    return PlatformProfile(
        platform=Platform.SPOTIFY,
        scope="app",
        counted_by="spotify_client_id",
        pools={REQUESTS: pool},
        prices=prices or {},
        concurrency=4,
        backoff_s=1.0,
        source="a test",
        read_on="2026-11-22",
    )


@pytest.mark.parametrize(
    ("limit", "window_s", "burst"),
    [(180, 30.0, 1), (50, 5.0, 1), (4, 1.0, 1), (10, 10.0, 5), (10, 10.0, 10), (0.5, 1.0, 1)],
)
def test_no_window_holds_more_than_the_limit_even_after_a_rest_and_with_late_starts(
    limit: float, window_s: float, burst: int
) -> None:
    pool = Pool(limit=limit, window_s=window_s, burst=burst)
    after_rest_s = [max(0, number - burst + 1) * pool.unit_s for number in range(500)]
    starts_s = [
        start_s + (pool.lateness_s if number < burst else 0) for number, start_s in enumerate(after_rest_s)
    ]

    most_count = max(
        sum(1 for start_s in starts_s if first_s <= start_s < first_s + window_s)
        for first_s in starts_s[:300]
    )

    assert most_count <= max(1, limit)


def test_burst_that_exceeds_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        profile(pool=Pool(limit=10, window_s=1.0, burst=11))


def test_operation_that_costs_more_than_its_pool_gives_at_once_is_refused() -> None:
    prices = {"insert": Price(cost=51)}

    with pytest.raises(ValueError, match="insert costs more"):
        profile(pool=Pool(limit=10_000, window_s=86_400.0, burst=50), prices=prices)


def test_operation_without_a_price_is_one_request() -> None:
    prices = {"insert": Price(cost=50)}
    priced = profile(pool=Pool(limit=10_000, window_s=86_400.0, burst=50), prices=prices)

    assert priced.price("insert") == Price(cost=50)
    assert priced.price("search") == Price(pool=REQUESTS, cost=1)


def test_pool_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="covers"):
        profile(pool=Pool(limit=10, window_s=1.0), prices={"change_cover": Price(pool="covers")})


def test_pool_that_counts_days_gives_all_of_a_day_at_once() -> None:
    prices = {"insert": Price(cost=50)}
    day = Pool(limit=50, window_s=86_400.0, day_zone="America/Los_Angeles")

    assert profile(pool=day, prices=prices).pools[REQUESTS].most_at_once == 50
    with pytest.raises(ValueError, match="insert costs more"):
        profile(pool=Pool(limit=49, window_s=86_400.0, day_zone="America/Los_Angeles"), prices=prices)


def test_values_come_in_batches_in_their_order() -> None:
    assert [list(batch) for batch in in_batches(range(5), size=2)] == [[0, 1], [2, 3], [4]]
    assert list(in_batches([], size=2)) == []


def test_parameter_of_an_address_is_found_with_and_without_its_scheme() -> None:
    assert parameter_of("https://a.example/x?list=PL1&v=2", "list") == "PL1"
    assert parameter_of("a.example/x?v=2", "v") == "2"
    assert parameter_of("a.example/x", "v") == ""

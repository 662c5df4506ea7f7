"""Forecasts from what two platforms declare: requests, units, seconds and midnights."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.forecast import Forecast, Range, Shape, Side, Standing, by_phase, forecast
from shared.lifecycle import Phase
from shared.models import Platform
from shared.platforms.base import Capabilities, WriteClass
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, Price

NOW = datetime(2026, 11, 28, 20, 0, tzinfo=UTC)  # noon in Los Angeles
ZONE = "America/Los_Angeles"
HERE, THERE = Platform.SPOTIFY, Platform.APPLE_MUSIC

CAN = Capabilities(
    write_class=WriteClass.APPEND_AND_READ_BACK,
    isrc_batch=25,
    add_batch=50,
    read_page=100,
    playlist_limit=None,
    visibility_delay_s=0.0,
    reads_lag=False,
)


def profile(platform: Platform, *, pools: dict[str, Pool], prices: dict[str, Price]) -> PlatformProfile:
    return PlatformProfile(
        platform=platform,
        scope="app",
        counted_by="spotify_client_id",
        pools=pools,
        prices=prices,
        concurrency=4,
        backoff_s=1.0,
        source="a test",
        read_on="2026-11-28",
    )


PACED = {REQUESTS: Pool(limit=4, window_s=1.0)}
SOURCE = Side(
    platform=HERE,
    capabilities=msgspec.structs.replace(CAN, read_page=50),
    profile=profile(HERE, pools=PACED, prices={}),
)
TARGET = Side(platform=THERE, capabilities=CAN, profile=profile(THERE, pools=PACED, prices={}))
DAILY = Side(
    platform=THERE,
    capabilities=msgspec.structs.replace(
        CAN, isrc_batch=0, add_batch=1, read_page=50, beside={"search": ("read_tracks",)}
    ),
    profile=profile(
        THERE,
        pools={
            REQUESTS: Pool(limit=10_000, window_s=86_400, burst=50, day_zone=ZONE),
            "searches": Pool(limit=100, window_s=86_400, day_zone=ZONE),
        },
        prices={
            "search": Price(pool="searches"),
            "add_tracks": Price(cost=50),
            "create_playlist": Price(cost=50),
        },
    ),
)


def told(shape: Shape, *, target: Side = TARGET, **standings: Standing) -> Forecast:
    known = {(THERE, name): standing for name, standing in standings.items()}
    return forecast(shape, source=SOURCE, target=target, standings=known, now=NOW)


def of(count: int, *, isrc_count: int | None = None, base_count: int | None = None) -> Shape:
    named = count if isrc_count is None else isrc_count
    return Shape(row_count=count, track_count=count, isrc_count=named, base_count=base_count)


def expected(forecast_: Forecast) -> dict[Phase, float]:
    return {phase: requests.expected for (phase, _), requests in by_phase(forecast_.steps).items()}


@pytest.mark.parametrize(
    ("shape", "requests"),
    [
        (of(0), (1, 0, 1, 1)),
        (of(1), (1, 1, 2, 1)),
        (of(50), (1, 2, 2, 1)),
        (of(51), (2, 3, 3, 1)),
        (of(1_000), (20, 40, 21, 10)),
        # Half of each page has an ISRC, which is one batch; the others are searched for.
        (of(100, isrc_count=50), (2, 2 + 50, 3, 1)),
        # What stands in an existing target is read; nothing is made.
        (of(100, base_count=250), (2, 4, 3 + 2, 1)),
    ],
)
def test_each_phase_asks_for_its_batches(shape: Shape, requests: tuple[int, ...]) -> None:
    found = expected(told(shape))

    assert tuple(found[phase] for phase in (Phase.READ, Phase.MATCH, Phase.WRITE, Phase.VERIFY)) == requests


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        (of(0), 0),
        (of(60), 1),
        (of(150), 2),
        (of(60, base_count=0), 1),
        (of(60, base_count=20), 0),
        (of(60, base_count=60), 1),
        (of(60, base_count=100), 1),  # it has no room
    ],
)
def test_first_additions_are_those_to_playlists_that_are_empty(shape: Shape, count: int) -> None:
    can = msgspec.structs.replace(CAN, playlist_limit=100, beside_first=("look",))
    target = msgspec.structs.replace(TARGET, capabilities=can)

    steps = told(shape, target=target).steps

    assert sum(step.requests.expected for step in steps if step.operation == "look") == count


def test_a_platform_without_isrcs_and_with_prices_is_counted_by_its_pools() -> None:
    needs = {need.name: need for need in told(of(500), target=DAILY).needs if need.platform is THERE}

    # 500 searches, each with a look-up beside it; a playlist and 500 inserts of 50 units; ten pages.
    assert needs["searches"].units.expected == 500
    assert needs[REQUESTS].units.expected == 500 + 501 * 50 + 10
    assert needs["searches"].days == Range(least=0, expected=4, most=14)
    assert needs[REQUESTS].days.expected == 2


def test_days_end_at_midnight_where_they_are_counted_and_what_is_left_of_today_counts() -> None:
    fresh = told(of(500), target=DAILY)
    used_up = told(of(500), target=DAILY, searches=Standing(left=0))

    los_angeles = timedelta(hours=8)  # behind UTC in November
    assert (
        fresh.ends_at[1].replace(second=0, microsecond=0) == datetime(2026, 12, 2, tzinfo=UTC) + los_angeles
    )
    assert used_up.ends_at[1] - fresh.ends_at[1] == timedelta(days=1)


def test_a_day_that_suffices_passes_no_midnight() -> None:
    plan = told(of(100), target=DAILY)

    assert all(not need.days.expected for need in plan.needs)
    assert plan.ends_at[1] < NOW + timedelta(minutes=1)


def test_a_midnight_is_that_of_the_zone_when_summer_time_ends() -> None:
    before = datetime(2026, 10, 31, 20, 0, tzinfo=UTC)

    plan = forecast(of(200), source=SOURCE, target=DAILY, standings={}, now=before)

    # The day of the change is still on summer time at its midnight, seven hours behind UTC.
    assert plan.ends_at[1].replace(second=0, microsecond=0) == datetime(2026, 11, 1, 7, 0, tzinfo=UTC)


def test_what_others_have_booked_comes_first() -> None:
    alone, behind = told(of(100)), told(of(100), requests=Standing(wait_s=30.0))

    assert behind.ends_at[0] - alone.ends_at[0] == timedelta(seconds=30)


def test_a_transfer_inside_one_platform_draws_on_one_pool() -> None:
    plan = forecast(of(100), source=SOURCE, target=SOURCE, standings={}, now=NOW)

    (need,) = plan.needs
    assert need.units == plan.requests()


def test_texts_and_albums_are_the_most_that_look_ups_cost() -> None:
    can = msgspec.structs.replace(CAN, has_albums=True, has_fielded_search=True)
    fielded = msgspec.structs.replace(TARGET, capabilities=can)

    with_albums = by_phase(told(of(30, isrc_count=0), target=fielded).steps)[Phase.MATCH, THERE]
    exact = msgspec.structs.replace(of(30, isrc_count=0), reads_albums=False)
    without = by_phase(told(exact, target=fielded).steps)[Phase.MATCH, THERE]

    assert without == Range(least=0, expected=30, most=2 + 30 * 4)
    assert with_albums == Range(least=0, expected=30, most=2 + 30 * 4 + 10 + 10 * 4)


@given(
    rows=st.integers(0, 100_000),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    base_count=st.none() | st.integers(0, 10_000),
    target=st.sampled_from([TARGET, DAILY, SOURCE]),
)
def test_bounds_are_in_order_and_a_longer_list_never_costs_less(
    rows: int, shares: tuple[float, float], base_count: int | None, target: Side
) -> None:
    track_count = int(rows * shares[0])
    shape = Shape(
        row_count=rows,
        track_count=track_count,
        isrc_count=int(track_count * shares[1]),
        base_count=base_count,
    )
    longer = msgspec.structs.replace(shape, row_count=rows + 1)

    plan = told(shape, target=target)

    for figures in (plan.requests(), *(f for n in plan.needs for f in (n.units, n.seconds, n.days))):
        assert 0 <= figures.least <= figures.expected <= figures.most
    assert NOW <= plan.ends_at[0] <= plan.ends_at[1] <= plan.ends_at[2]
    assert plan.requests().most <= told(longer, target=target).requests().most

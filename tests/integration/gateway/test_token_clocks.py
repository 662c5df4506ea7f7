"""Tokens among processes whose wall clocks never agreed: each is served, and nobody chases the others."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from redis.asyncio import Redis

from shared.cipher import Cipher
from shared.db import connections, users
from shared.db.connections import NewSignIn
from shared.db.pool import Pool
from shared.models import Account, Platform, TokenSet
from shared.secret import Secret
from shared.settings import parse_key_ring
from shared.streams import open_redis
from shared.tokens import Sessions
from tests.integration.gateway.conftest import KEY_RING

pytestmark = pytest.mark.integration

LIFE_S = 3600
STEP_S = 300
DAY_S = 24 * 3600
MORNING = datetime(2026, 11, 22, tzinfo=UTC)


class Day:
    """The true time, which only this test knows."""

    now_s = 0.0


class AstrayClock:
    def __init__(self, day: Day, *, hours: float) -> None:
        self._day = day
        self._hours = hours

    def now(self) -> datetime:
        return MORNING + timedelta(seconds=self._day.now_s, hours=self._hours)

    def monotonic(self) -> float:
        return self._day.now_s

    async def sleep(self, delay_s: float) -> None:
        raise AssertionError("nobody has to wait here")


class Issuer:
    """Issues tokens that live an hour by the true time."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._ends_at_s: dict[str, float] = {}

    def issue(self, clock: AstrayClock) -> TokenSet:
        """Return tokens with their end by the clock of whoever asked, as an OAuth client notes it."""
        name = f"access-{self.issued_count}"
        self._ends_at_s[name] = self._day.now_s + LIFE_S
        ends_at = clock.now() + timedelta(seconds=LIFE_S)
        return TokenSet(access_token=name, refresh_token="refresh", expires_at=ends_at)

    def accepts(self, tokens: TokenSet) -> bool:
        return self._day.now_s < self._ends_at_s[tokens.access_token]

    @property
    def issued_count(self) -> int:
        return len(self._ends_at_s)


class Refresher(msgspec.Struct, frozen=True):
    issuer: Issuer
    clock: AstrayClock

    async def refresh(self, _: TokenSet) -> TokenSet:
        return self.issuer.issue(self.clock)


@pytest.mark.parametrize(
    "hours",
    [(0, 0, 0), (1, 0, 0), (-1, 0, 0), (-1, 0, 1), (-12, 3, 25)],
    ids=["agreed", "ahead", "behind", "apart", "far apart"],
)
async def test_wrong_clocks_cost_a_few_refreshes_and_no_session(
    pool: Pool, redis_url: str, hours: tuple[float, ...]
) -> None:
    day = Day()
    issuer = Issuer(day)
    clocks = [AstrayClock(day, hours=one) for one in hours]
    async with open_redis(Secret(redis_url)) as redis:
        processes = [_process(pool, redis, issuer=issuer, clock=clock) for clock in clocks]
        connection = await connections.upsert(
            pool,
            await users.ensure(pool, name="mira"),
            NewSignIn(platform=Platform.SPOTIFY, account=Account(id="acc-1", label="Mira Holt", market="DE")),
            seal=lambda connection_id: processes[0].seal(
                connection_id, platform=Platform.SPOTIFY, tokens=issuer.issue(clocks[0])
            ),
        )

        while day.now_s < DAY_S:
            for process in processes:
                tokens = await process.tokens(connection.id)
                if not issuer.accepts(tokens):
                    tokens = await process.refresh(connection.id, rejected=tokens)
                assert issuer.accepts(tokens)
            day.now_s += STEP_S

    # At four fifths of their life; and once more for each clock that takes them for outdated.
    assert issuer.issued_count <= len(processes) * (DAY_S / (0.8 * LIFE_S) + 1)


def _process(pool: Pool, redis: Redis, *, issuer: Issuer, clock: AstrayClock) -> Sessions:
    refresher = Refresher(issuer, clock)
    return Sessions(
        pool=pool,
        redis=redis,
        cipher=Cipher(parse_key_ring(Secret(KEY_RING))),
        refresher_of=lambda _: refresher,
        clock=clock,
    )

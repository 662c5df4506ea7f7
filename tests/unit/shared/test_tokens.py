"""When tokens are due, what is shown of them, and how long a session waits for another process."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from shared.db.connections import ConnectionState, SealedConnection
from shared.errors import PlatformUnavailable, RateLimited, ReconnectRequired
from shared.models import ConnectionId, Platform, TokenSet
from shared.token_store import Held
from shared.tokens import ConnectionSession, Refresher, Sessions, TrialSession

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ID = ConnectionId("c-1")
CANARY = "canary-token"


def held(*, issued_ago_s: float = 0, life_s: float | None = 3600, access_token: str = CANARY) -> Held:
    issued_at = NOW - timedelta(seconds=issued_ago_s)
    return Held(
        row=SealedConnection(
            id=ID,
            platform=Platform.SPOTIFY,
            market="DE",
            state=ConnectionState.CONNECTED,
            version=1,
            sealed_tokens="v1.k1.x.y",
        ),
        tokens=TokenSet(
            access_token=access_token,
            refresh_token=CANARY,
            expires_at=None if life_s is None else issued_at + timedelta(seconds=life_s),
        ),
        issued_at=issued_at,
        checked_s=0.0,
    )


class FakeClock:
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s

    async def sleep(self, delay_s: float) -> None:
        self.passed_s += delay_s


class FakeStore:
    """One connection in memory. is_leased: another process is refreshing it, until lets_go says it ended."""

    def __init__(self, first: Held) -> None:
        self.held = first
        self.is_leased = False
        self.on_read: Callable[[], None] = lambda: None
        self.released: list[str] = []
        self.gave_up = False

    def peek(self, connection_id: ConnectionId) -> Held | None:
        return self.held

    async def look_up(self, connection_id: ConnectionId) -> Held:
        return self.held

    async def read(self, connection_id: ConnectionId) -> Held:
        self.on_read()
        return self.held

    async def lease(self, one: Held, *, owner: str, lease_s: float) -> bool:
        return not self.is_leased

    async def release(self, one: Held, *, owner: str) -> None:
        self.released.append(owner)

    async def replace(self, one: Held, fresh: TokenSet) -> Held:
        self.held = held(access_token=fresh.access_token)
        return self.held

    async def give_up(self, one: Held) -> Held:
        self.gave_up = True
        raise ReconnectRequired("again")


class FakeRefresher:
    """Gives fresh tokens, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.count = 0

    async def refresh(self, tokens: TokenSet) -> TokenSet:
        self.count += 1
        if self.error:
            raise self.error
        return TokenSet(access_token="fresh")


def sessions_over(store: FakeStore, *, clock: FakeClock, refresher: Refresher | None) -> Sessions:
    sessions = Sessions(
        pool=None,
        redis=None,  # type: ignore[arg-type]  # same
        cipher=None,  # type: ignore[arg-type]  # same
        refresher_of=lambda _: refresher,
        clock=clock,
    )
    sessions._store = store  # type: ignore[assignment]  # the seam to the stores
    return sessions


@pytest.mark.parametrize(
    ("issued_ago_s", "life_s", "expected"),
    [
        (0, 3600, (False, False)),
        (2879, 3600, (False, False)),
        (2880, 3600, (True, False)),
        (3594, 3600, (True, False)),
        (3596, 3600, (True, True)),
        (9999999, None, (False, False)),
    ],
)
def test_tokens_are_due_after_four_fifths_of_their_life(
    issued_ago_s: float, life_s: float | None, expected: tuple[bool, bool]
) -> None:
    one = held(issued_ago_s=issued_ago_s, life_s=life_s)

    assert (one.is_due(NOW), one.is_expired(NOW)) == expected


def test_no_repr_shows_a_token() -> None:
    sessions = sessions_over(FakeStore(held()), clock=FakeClock(), refresher=None)
    shown = [
        repr(held()),
        repr(TrialSession(held().tokens)),
        repr(ConnectionSession(sessions, connection_id=ID, market="DE", server="")),
        repr(sessions),
    ]

    assert CANARY not in " ".join(shown)


async def test_a_trial_session_has_one_set_and_no_second_chance() -> None:
    session = TrialSession(held().tokens)

    tokens = await session.tokens()
    with pytest.raises(ReconnectRequired):
        await session.refresh(rejected=tokens)

    assert tokens.access_token == CANARY


async def test_a_session_waits_for_another_process_and_takes_its_tokens() -> None:
    clock, refresher = FakeClock(), FakeRefresher()
    store = FakeStore(held())
    store.is_leased = True

    def others_finish() -> None:
        if clock.passed_s > 3:
            store.held = held(access_token="theirs")

    store.on_read = others_finish

    tokens = await sessions_over(store, clock=clock, refresher=refresher).refresh(ID, rejected=held().tokens)

    assert tokens.access_token == "theirs"
    assert refresher.count == 0


async def test_a_session_does_not_wait_for_ever() -> None:
    clock = FakeClock()
    store = FakeStore(held())
    store.is_leased = True

    with pytest.raises(PlatformUnavailable):
        await sessions_over(store, clock=clock, refresher=FakeRefresher()).refresh(ID, rejected=held().tokens)

    assert 30 < clock.passed_s < 60


async def test_nobody_waits_while_the_old_tokens_still_serve() -> None:
    clock = FakeClock()
    store = FakeStore(held(issued_ago_s=3000))
    store.is_leased = True

    tokens = await sessions_over(store, clock=clock, refresher=FakeRefresher()).tokens(ID)

    assert tokens.access_token == CANARY
    assert clock.passed_s == 0


async def test_a_failed_early_refresh_rests_before_it_is_tried_again() -> None:
    clock = FakeClock()
    refresher = FakeRefresher(
        RateLimited("wait", platform="spotify", operation="refresh_token", retry_after_s=9)
    )
    store = FakeStore(held(issued_ago_s=3000))
    sessions = sessions_over(store, clock=clock, refresher=refresher)

    first = [await sessions.tokens(ID) for _ in range(5)]
    clock.passed_s = 31
    later = await sessions.tokens(ID)

    assert {one.access_token for one in (*first, later)} == {CANARY}
    assert refresher.count == 2
    assert len(store.released) == 2


async def test_a_platform_without_refresh_gives_up_at_once() -> None:
    store = FakeStore(held())

    with pytest.raises(ReconnectRequired):
        await sessions_over(store, clock=FakeClock(), refresher=None).refresh(ID, rejected=held().tokens)

    assert store.gave_up


async def test_an_unexpected_fault_frees_the_lease() -> None:
    store = FakeStore(held())

    with pytest.raises(ValueError, match="odd"):
        await sessions_over(store, clock=FakeClock(), refresher=FakeRefresher(ValueError("odd"))).refresh(
            ID, rejected=held().tokens
        )

    assert len(store.released) == 1

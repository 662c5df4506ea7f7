"""A platform's terms as data: limits, prices, sign-ins, and what it shows to everybody."""

from collections.abc import Mapping

import msgspec

from shared.models import Platform

REQUESTS = "requests"
"""The pool that an operation draws on unless its price says otherwise."""


USED_SHARE = 0.985
"""How much of a limit is used; the rest makes up for starts that come late and then stand closer together."""


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform counts together: at most `limit` units in any `window_s` seconds.

    burst: units that may be spent at once, at least what the pool's dearest operation costs. day_zone: the
    time zone in whose midnight the pool is filled anew, for one that counts days of the calendar; the window
    is a day then, and nothing is paced.
    """

    limit: float
    window_s: float
    burst: int = 1
    day_zone: str = ""

    @property
    def most_at_once(self) -> float:
        """Units that may be spent at one moment."""
        return self.limit if self.day_zone else self.burst

    @property
    def unit_s(self) -> float:
        """Seconds between two units. What a burst spends at once is taken off the rest of its window."""
        return self.window_s / (USED_SHARE * (self.limit - self.burst + 1))

    @property
    def lateness_s(self) -> float:
        """How much later than booked a request may start; the window has room for twice as much."""
        return self.window_s * (1 / USED_SHARE - 1) / 2


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What one call costs, and from which pool it is taken."""

    pool: str = REQUESTS
    cost: int = 1


_ONE_REQUEST = Price()


class PlatformProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A platform's limits as data; source and read_on say where they are from.

    scope: whose requests are counted together, in a word; counted_by: the setting that names it, "" where
    each server of a user's counts for itself. prices: of the operations that are more than one request.
    concurrency: connections that one process holds for reading. backoff_s: what a 429 without Retry-After
    means at first; doubled each time. quota_word: tells in the text of a 429 that a long quota is used up, a
    pattern; it is so for quota_wait_s, where nothing else tells and the pool does not count days.
    """

    platform: Platform
    scope: str
    counted_by: str
    pools: Mapping[str, Pool]
    prices: Mapping[str, Price] = {}
    concurrency: int
    backoff_s: float
    quota_word: str | None = None
    quota_wait_s: float = 3600.0
    source: str
    read_on: str

    def __post_init__(self) -> None:
        """Raises ValueError where a pool is missing, or gives less at once than an operation costs."""
        missing = {REQUESTS, *(price.pool for price in self.prices.values())} - set(self.pools)
        if missing:
            raise ValueError(f"{self.platform}: no pool of the name {sorted(missing)}")
        for pool in self.pools.values():
            if not 1 <= pool.burst <= max(1.0, pool.limit):
                raise ValueError(f"{self.platform}: a burst of {pool.burst} does not fit into {pool.limit}")
        for operation, price in self.prices.items():
            if price.cost > self.pools[price.pool].most_at_once:
                raise ValueError(f"{self.platform}: {operation} costs more than a burst of its pool")

    def price(self, operation: str) -> Price:
        return self.prices.get(operation, _ONE_REQUEST)


class SignInTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How long a platform lets an app act for a user, and where the user ends that; dated as a profile is.

    life_months: from the user's consent on, whatever is refreshed; None where no end is known.
    revoke_url, revoke_place: the platform's own page, in words too; no platform here has a call for it.
    """

    life_months: int | None
    revoke_url: str
    revoke_place: str
    source: str
    read_on: str


class PublicReads(msgspec.Struct, frozen=True, kw_only=True):
    """Whether playlists that everybody may see can be read without anybody's account; dated as a profile is.

    reason: why not, and what its user can do, in a sentence or two; "" where it is possible. required: the
    settings that it takes. has_app_tokens: calls bear tokens of the app's own (client credentials). beside:
    as in Capabilities, of such reading.
    """

    is_possible: bool
    reason: str = ""
    required: tuple[str, ...] = ()
    has_app_tokens: bool = False
    beside: Mapping[str, tuple[str, ...]] = {}
    source: str
    read_on: str

    def __post_init__(self) -> None:
        """Raises ValueError where nobody is told why it is impossible."""
        if self.is_possible == bool(self.reason):
            raise ValueError("Give a reason where public playlists cannot be read, and only there")

"""Profiles with pools of a test's own."""

from shared.fleet import Fleet
from shared.models import Platform
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool

SEARCHES = "searches"


def profile_of(pool: Pool, *, searches: Pool | None = None) -> PlatformProfile:
    """Return a profile with one pool, or with another one for searches beside it."""
    return PlatformProfile(
        platform=Platform.SPOTIFY,
        scope="app",
        counted_by="spotify_client_id",
        pools={REQUESTS: pool, SEARCHES: searches or pool},
        concurrency=8,
        backoff_s=1.0,
        source="a test",
        read_on="2026-11-22",
    )


def fleet_of(worker_count: int) -> Fleet:
    fleet = Fleet()
    fleet.heard(worker_count)
    return fleet

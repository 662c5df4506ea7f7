"""What a project may use in a day: three buckets that fill up at midnight in Los Angeles."""

from collections import Counter
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import msgspec

from deploy.sandbox.answers import Refused
from deploy.sandbox.clock import Clock
from deploy.sandbox.options import Options
from deploy.sandbox.youtube.voice import QUOTA, metric_message

PACIFIC = ZoneInfo("America/Los_Angeles")
STATS_A_DAY = 10_000


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """metric: how an empty one is named, "" for the one that all other methods share."""

    limit: int
    metric: str = ""


class Quota:
    """Counts the one project that a server stands for; a restart forgets what the day has used."""

    def __init__(self, options: Options, *, clock: Clock) -> None:
        self._clock = clock
        self._buckets = {
            "units": Bucket(limit=options.daily_units),
            "searches": Bucket(limit=options.daily_searches, metric="Search Queries"),
            "stats": Bucket(limit=STATS_A_DAY, metric="Batch Get Stats"),
        }
        self._day: date | None = None
        self._used: Counter[str] = Counter()

    def spend(self, cost: int = 1, *, bucket: str = "units") -> None:
        """Take a cost from a bucket. Raises Refused: 403 for the common one, 429 for a method's own."""
        today = datetime.fromtimestamp(self._clock.now_s(), UTC).astimezone(PACIFIC).date()
        if today != self._day:
            self._day = today
            self._used.clear()
        known = self._buckets[bucket]
        if self._used[bucket] + cost <= known.limit:
            self._used[bucket] += cost
            return
        if known.metric:
            raise Refused(429, metric_message(known.metric), code="rateLimitExceeded", title="global")
        raise Refused(403, QUOTA, code="quotaExceeded", title="youtube.quota")

"""The model of scale: from what one transfer costs to what a fleet needs, as plain arithmetic."""

import math

import msgspec

DAY_S = 86_400
MONTH_DAYS = 30
PEAK = 3.0
"""How much busier the busiest hour is than the mean; machines are bought for it, disks for the mean."""
BUSY = 0.7  # a process that is busier than that keeps others waiting
WORKER_SLOTS = 8
WORKER_CONNECTION_COUNT = WORKER_SLOTS + 4  # to Postgres, at most
GATEWAY_CONNECTION_COUNT = 20


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What something costs: one transfer, one of its tracks, or a second of doing nothing.

    requests: by platform. Bytes on disk are tables and indexes; Redis bytes are what goes over the wire.
    """

    statements: float = 0
    transactions: float = 0
    wal_bytes: float = 0
    disk_bytes: float = 0
    redis_commands: float = 0
    redis_bytes: float = 0
    worker_cpu_s: float = 0
    gateway_cpu_s: float = 0
    postgres_cpu_s: float = 0
    redis_cpu_s: float = 0
    source_requests: float = 0
    target_requests: float = 0

    def plus(self, other: "Cost", *, times: float) -> "Cost":
        """Add another cost, so many times."""
        return Cost(
            **{name: getattr(self, name) + times * getattr(other, name) for name in self.__struct_fields__}
        )


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What one machine has measured. by_tracks: transfers whose tracks nobody had asked for before.

    known: one of a hundred tracks that were all known. back: one of a hundred the other way. idle: a second
    of one worker and one gateway. worker_bytes: the most resident memory. choose_ms: with so many waiting.
    answer_bytes: of Redis' memory, for a track that was looked up.
    """

    measured_on: str
    machine: str
    by_tracks: dict[int, Cost]
    known: Cost
    back: Cost
    idle: Cost
    worker_bytes: int
    gateway_bytes: int
    redis_base_bytes: int
    answer_bytes: float
    choose_ms: dict[int, float]
    events_statements_per_s: float

    def line(self) -> tuple[Cost, Cost]:
        """Return what a transfer costs without its tracks, and what each of those adds."""
        few, many = min(self.by_tracks), max(self.by_tracks)
        small, large = self.by_tracks[few], self.by_tracks[many]
        track = Cost().plus(large, times=1 / (many - few)).plus(small, times=-1 / (many - few))
        return small.plus(track, times=-few), track

    def transfer(self, track_count: int) -> Cost:
        """Return what a transfer of so many tracks costs by the line through the smallest and the largest."""
        base, track = self.line()
        return base.plus(track, times=track_count)


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What users do. known_share: of the tracks, those that somebody had looked up before."""

    transfers_per_day: float
    track_count: int = 100
    kept_days: int = 90
    distinct_tracks: int = 5_000_000
    watchers_per_transfer: float = 1.0


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform lets one of its accounts do."""

    requests_per_s: float
    account: str


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What a fleet needs for a demand. Rates are those of the busiest hour, disk is the mean of a month."""

    transfers_per_s: float
    worker_count: int
    gateway_count: int
    statements_per_s: float
    transactions_per_s: float
    wal_bytes_per_s: float
    postgres_cores: float
    postgres_connection_count: int
    disk_bytes_per_month: float
    disk_bytes_kept: float
    redis_commands_per_s: float
    redis_bytes: float
    redis_cores: float
    source_accounts: int
    target_accounts: int


def need(measured: Measured, demand: Demand, *, source: Budget, target: Budget) -> Need:
    """Return what a demand needs where no machine is busier than it should be."""
    cost = measured.transfer(demand.track_count)
    mean_per_s = demand.transfers_per_day / DAY_S
    peak_per_s = PEAK * mean_per_s
    worker_count = max(1, math.ceil(peak_per_s * cost.worker_cpu_s / BUSY))
    gateway_count = max(1, math.ceil(peak_per_s * cost.gateway_cpu_s / BUSY))
    idle = measured.idle
    known_tracks = min(demand.distinct_tracks, demand.transfers_per_day * demand.track_count * 7)
    return Need(
        transfers_per_s=peak_per_s,
        worker_count=worker_count,
        gateway_count=gateway_count,
        statements_per_s=peak_per_s * cost.statements + worker_count * idle.statements,
        transactions_per_s=peak_per_s * cost.transactions + worker_count * idle.transactions,
        wal_bytes_per_s=peak_per_s * cost.wal_bytes + worker_count * idle.wal_bytes,
        postgres_cores=(peak_per_s * cost.postgres_cpu_s + worker_count * idle.postgres_cpu_s) / BUSY,
        postgres_connection_count=WORKER_CONNECTION_COUNT * worker_count
        + GATEWAY_CONNECTION_COUNT * gateway_count,
        disk_bytes_per_month=mean_per_s * DAY_S * MONTH_DAYS * cost.disk_bytes,
        disk_bytes_kept=mean_per_s * DAY_S * demand.kept_days * cost.disk_bytes,
        redis_commands_per_s=peak_per_s * cost.redis_commands + worker_count * idle.redis_commands,
        redis_bytes=measured.redis_base_bytes + known_tracks * measured.answer_bytes,
        redis_cores=(peak_per_s * cost.redis_cpu_s + worker_count * idle.redis_cpu_s) / BUSY,
        source_accounts=accounts(peak_per_s * cost.source_requests, budget=source),
        target_accounts=accounts(peak_per_s * cost.target_requests, budget=target),
    )


def accounts(requests_per_s: float, *, budget: Budget) -> int:
    """Return how many accounts of a platform carry so many requests."""
    return max(1, math.ceil(requests_per_s / budget.requests_per_s))


def most_transfers_per_day(request_count: float, *, budget: Budget) -> float:
    """Return how many transfers one account carries in a day that is evenly busy."""
    return DAY_S * budget.requests_per_s / request_count


def capped_per_minute(
    cost: Cost, *, worker_count: int, cores: float, source: Budget, target: Budget
) -> tuple[float, str]:
    """Return how many transfers a minute a system does at most, and what caps them.

    cores: of the one machine that everything shares.
    """
    total_cpu_s = cost.worker_cpu_s + cost.gateway_cpu_s + cost.postgres_cpu_s + cost.redis_cpu_s
    caps = {
        "workers": worker_count / cost.worker_cpu_s,
        "machine": cores / total_cpu_s,
        source.account: source.requests_per_s / cost.source_requests,
        target.account: target.requests_per_s / cost.target_requests,
    }
    name = min(caps, key=lambda cap: caps[cap])
    return 60 * caps[name], name

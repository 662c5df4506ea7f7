"""What every process counts and times, as OpenTelemetry instruments."""

from opentelemetry import metrics


class Metrics:
    """What is counted and timed. Labels are few and bounded: never the id of a transfer, job or user.

    Names follow OpenTelemetry's style; times are in seconds, for which the SDK's own bucket boundaries
    (5, 10, 25, …) are useless, so each histogram brings its own.
    """

    def __init__(self, meter: metrics.Meter) -> None:
        self._transfers = meter.create_counter(
            "crossplay.transfers", unit="{transfer}", description="Transfers that ended, by state."
        )
        self._jobs = meter.create_counter(
            "crossplay.jobs", unit="{job}", description="Jobs executed, by phase and verdict."
        )
        self._job_duration = meter.create_histogram(
            "crossplay.job.duration",
            unit="s",
            description="From taking a job to its verdict.",
            explicit_bucket_boundaries_advisory=[0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60],
        )
        self._tracks = meter.create_counter(
            "crossplay.tracks", unit="{track}", description="Items settled, by outcome."
        )
        self._rate_limit_wait = meter.create_histogram(
            "crossplay.ratelimit.wait",
            unit="s",
            description="How long a request waited for its slot in the platform's budget.",
            explicit_bucket_boundaries_advisory=[0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300],
        )
        self._starts_unused = meter.create_counter(
            "crossplay.ratelimit.unused",
            unit="{start}",
            description="Starts that were booked and not used: their time passed, or a 429 came before.",
        )
        self._reclaimed = meter.create_counter(
            "crossplay.jobs.reclaimed", unit="{job}", description="Stream entries taken over from the dead."
        )
        self._fenced = meter.create_counter(
            "crossplay.fenced_writes", unit="{write}", description="Checkpoints refused by a newer epoch."
        )
        self._tokens_locked = meter.create_counter(
            "crossplay.tokens.locked", unit="{read}", description="Tokens that no key of the ring opens."
        )
        self._requeued = meter.create_counter(
            "crossplay.outbox.requeued", unit="{job}", description="Jobs whose wake-up was sent again."
        )

        self._webhook_deliveries = meter.create_counter(
            "crossplay.webhook.deliveries",
            unit="{attempt}",
            description="Attempts to deliver to webhooks, by result.",
        )

    def transfer_ended(self, state: str) -> None:
        self._transfers.add(1, {"crossplay.state": state})

    def job_done(self, *, platform: str, phase: str, verdict: str, duration_s: float) -> None:
        """verdict: done, retry, snooze, pause, discard or fenced."""
        self._jobs.add(
            1, {"crossplay.platform": platform, "crossplay.phase": phase, "crossplay.verdict": verdict}
        )
        self._job_duration.record(duration_s, {"crossplay.platform": platform, "crossplay.phase": phase})

    def tracks_settled(self, track_count: int, *, platform: str, outcome: str) -> None:
        self._tracks.add(track_count, {"crossplay.platform": platform, "crossplay.outcome": outcome})

    def rate_limit_waited(self, wait_s: float, *, platform: str) -> None:
        self._rate_limit_wait.record(wait_s, {"crossplay.platform": platform})

    def starts_unused(self, start_count: int, *, platform: str) -> None:
        self._starts_unused.add(start_count, {"crossplay.platform": platform})

    def jobs_reclaimed(self, job_count: int, *, platform: str) -> None:
        self._reclaimed.add(job_count, {"crossplay.platform": platform})

    def write_fenced(self, *, platform: str) -> None:
        self._fenced.add(1, {"crossplay.platform": platform})

    def tokens_locked(self, *, platform: str) -> None:
        self._tokens_locked.add(1, {"crossplay.platform": platform})

    def jobs_requeued(self, job_count: int, *, platform: str) -> None:
        self._requeued.add(job_count, {"crossplay.platform": platform})

    def webhook_attempted(self, result: str) -> None:
        """result: delivered, retried or failed."""
        self._webhook_deliveries.add(1, {"crossplay.result": result})


meters = Metrics(metrics.get_meter("crossplay"))

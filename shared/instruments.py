"""The table of all that is counted and timed: names, units, attributes with their values, and meanings."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import product

import msgspec

from shared.lifecycle import Phase, State
from shared.models import UNSETTLED, Outcome, Platform


class Kind(StrEnum):
    """What an instrument does, in Prometheus' words."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


class Role(StrEnum):
    """Which process tells it. Gauges of the fleet are told by one process at a time, whatever its role."""

    GATEWAY = "gateway"
    WORKER = "worker"


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """What divides an instrument into series. values: all that it can be, () where that is not listed."""

    name: str
    values: tuple[str, ...] = ()
    meaning: str = ""


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. bounds: upper bounds of a histogram's buckets, in its unit."""

    name: str
    kind: Kind
    unit: str = ""
    meaning: str
    attributes: tuple[Attribute, ...] = ()
    bounds: tuple[float, ...] = ()
    roles: tuple[Role, ...] = (Role.GATEWAY, Role.WORKER)

    @property
    def prometheus_name(self) -> str:
        """Its name at a Prometheus server; a histogram's series add _bucket, _sum and _count."""
        suffix = {"s": "_seconds", "By": "_bytes"}.get(self.unit, "")
        total = "_total" if self.kind is Kind.COUNTER else ""
        return self.name.replace(".", "_") + suffix + total

    def first_series(self) -> Iterator[dict[str, str]]:
        """Yield each set of attributes that is known before anything has happened."""
        if all(attribute.values for attribute in self.attributes):
            names = [attribute.name for attribute in self.attributes]
            for values in product(*(attribute.values for attribute in self.attributes)):
                yield dict(zip(names, values, strict=True))


VERDICTS = ("done", "retry", "snooze", "pause", "discard", "fenced")
READBACKS = ("applied", "partial", "absent", "foreign", "undecided")
REFRESHES = ("refreshed", "refused", "failed")
WARNING_CODES = (
    "added_at_end",
    "late_removal",
    "late_write",
    "order_differs",
    "playlist_kept",
    "playlist_not_deleted",
    "sign_in_ends",
    "source_edited",
    "target_edited",
    "target_limit",
    "target_unchecked",
    "unsettled",
)
WAITING = ("queued", "no_slot", "later", "transfer_paused", "platform_paused")
CONNECTION_STATES = ("connected", "reconnect_required", "disconnected")
WITHIN = {"1d": 1, "7d": 7, "30d": 30}
STORES = ("postgres", "redis")

PLATFORM = Attribute(name="crossplay.platform", values=tuple(Platform))
_PHASE = Attribute(name="crossplay.phase", values=tuple(Phase))
_OPERATION = Attribute(name="crossplay.operation", meaning="what the adapter calls it, such as `add_tracks`")
_ENDED = Attribute(name="crossplay.state", values=(State.COMPLETED, State.FAILED, State.CANCELLED))

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_WORKER = (Role.WORKER,)

COUNTERS = (
    Instrument(
        name="crossplay.transfers",
        kind=Kind.COUNTER,
        unit="{transfer}",
        meaning="Transfers that ended.",
        attributes=(_ENDED,),
    ),
    Instrument(
        name="crossplay.tracks",
        kind=Kind.COUNTER,
        unit="{track}",
        meaning="Items that were settled, by the platform that they go to.",
        attributes=(
            PLATFORM,
            Attribute(name="crossplay.outcome", values=tuple(one for one in Outcome if one not in UNSETTLED)),
        ),
        roles=_WORKER,
    ),
    Instrument(
        name="crossplay.jobs",
        kind=Kind.COUNTER,
        unit="{job}",
        meaning="Jobs that were executed, with what became of them.",
        attributes=(PLATFORM, _PHASE, Attribute(name="crossplay.verdict", values=VERDICTS)),
        roles=_WORKER,
    ),
    Instrument(
        name="crossplay.jobs.reclaimed",
        kind=Kind.COUNTER,
        unit="{job}",
        meaning="Stream entries taken over from a worker that went silent.",
        attributes=(PLATFORM,),
        roles=_WORKER,
    ),
    Instrument(
        name="crossplay.outbox.requeued",
        kind=Kind.COUNTER,
        unit="{job}",
        meaning="Jobs whose entry was lost and that were queued again.",
        attributes=(PLATFORM,),
        roles=_WORKER,
    ),
    Instrument(
        name="crossplay.fenced_writes",
        kind=Kind.COUNTER,
        unit="{write}",
        meaning="Checkpoints refused because another worker owned the job by then.",
        attributes=(PLATFORM,),
        roles=_WORKER,
    ),
    Instrument(
        name="crossplay.readbacks",
        kind=Kind.COUNTER,
        unit="{readback}",
        meaning="Read-backs after a write whose answer was lost. `foreign`: somebody else had changed the "
        "playlist meanwhile; `undecided`: the platform may not show it yet, it is read again.",
        attributes=(PLATFORM, Attribute(name="crossplay.result", values=READBACKS)),
        roles=_WORKER,
    ),
    Instrument(
        name="crossplay.warnings",
        kind=Kind.COUNTER,
        unit="{warning}",
        meaning="Warnings that transfers give their users; `late_write` means that tracks may stand twice.",
        attributes=(Attribute(name="crossplay.code", values=WARNING_CODES),),
    ),
    Instrument(
        name="crossplay.upstream.requests",
        kind=Kind.COUNTER,
        unit="{request}",
        meaning="Requests sent to platforms, with the answer's status or, without an answer, the error.",
        attributes=(
            PLATFORM,
            _OPERATION,
            Attribute(
                name="crossplay.status",
                meaning="HTTP status, or the name of the error, such as `TimeoutError`",
            ),
        ),
    ),
    Instrument(
        name="crossplay.ratelimit.unused",
        kind=Kind.COUNTER,
        unit="{start}",
        meaning="Starts that were booked and not used: their time passed, or a 429 came before.",
        attributes=(PLATFORM,),
    ),
    Instrument(
        name="crossplay.ratelimit.cooldowns",
        kind=Kind.COUNTER,
        unit="{cooldown}",
        meaning="Answers of a platform that made the whole fleet wait (429).",
        attributes=(PLATFORM,),
    ),
    Instrument(
        name="crossplay.token.refreshes",
        kind=Kind.COUNTER,
        unit="{refresh}",
        meaning="Attempts to replace tokens. `refused`: the user has to sign in again; `failed`: no answer, "
        "or one that may pass.",
        attributes=(PLATFORM, Attribute(name="crossplay.result", values=REFRESHES)),
    ),
    Instrument(
        name="crossplay.tokens.locked",
        kind=Kind.COUNTER,
        unit="{read}",
        meaning="Stored tokens that no key of the ring opens.",
        attributes=(PLATFORM,),
    ),
    Instrument(
        name="crossplay.webhook.deliveries",
        kind=Kind.COUNTER,
        unit="{attempt}",
        meaning="Attempts to deliver to webhooks.",
        attributes=(Attribute(name="crossplay.result", values=("delivered", "retried", "failed")),),
        roles=_WORKER,
    ),
    Instrument(
        name="crossplay.store.errors",
        kind=Kind.COUNTER,
        unit="{error}",
        meaning="Calls that a store did not answer or could not serve.",
        attributes=(Attribute(name="crossplay.store", values=STORES),),
    ),
)

HISTOGRAMS = (
    Instrument(
        name="crossplay.transfer.duration",
        kind=Kind.HISTOGRAM,
        unit="s",
        meaning="From the request for a transfer to its end, its waits and pauses included.",
        attributes=(_ENDED,),
        bounds=(1, 5, 15, 30, 60, 120, 300, 900, 3600, 14_400, 86_400, 604_800),
    ),
    Instrument(
        name="crossplay.job.duration",
        kind=Kind.HISTOGRAM,
        unit="s",
        meaning="From taking a job to its verdict.",
        attributes=(PLATFORM, _PHASE),
        bounds=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60),
        roles=_WORKER,
    ),
    Instrument(
        name="crossplay.checkpoint.duration",
        kind=Kind.HISTOGRAM,
        unit="s",
        meaning="What it takes to commit a checkpoint, attempts that found Postgres away included.",
        attributes=(PLATFORM, _PHASE),
        bounds=_FAST,
        roles=_WORKER,
    ),
    Instrument(
        name="crossplay.upstream.request.duration",
        kind=Kind.HISTOGRAM,
        unit="s",
        meaning="From sending a request to a platform to the end of its answer; its wait for the budget is "
        "not in it.",
        attributes=(PLATFORM, _OPERATION),
        bounds=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    ),
    Instrument(
        name="crossplay.ratelimit.wait",
        kind=Kind.HISTOGRAM,
        unit="s",
        meaning="How long a request waited for its slot in the platform's budget.",
        attributes=(PLATFORM,),
        bounds=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300),
    ),
    Instrument(
        name="crossplay.eventloop.lag",
        kind=Kind.HISTOGRAM,
        unit="s",
        meaning="How much later than asked the process gets its turn: above a tenth of a second it has too "
        "much to do, or something blocks it.",
        bounds=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    ),
    Instrument(
        name="http.server.request.duration",
        kind=Kind.HISTOGRAM,
        unit="s",
        meaning="Requests that the gateway has answered; event streams last as long as somebody listens.",
        attributes=(
            Attribute(name="http.request.method", meaning="`_OTHER` for one that HTTP does not know"),
            Attribute(
                name="http.route",
                meaning="the path's template, such as `/status/{id}`; `unmatched` for a path that is none",
            ),
            Attribute(
                name="http.response.status_code", meaning="missing where the client left before the answer"
            ),
        ),
        bounds=(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
        roles=(Role.GATEWAY,),
    ),
)


def _gauge(name: str, unit: str, meaning: str, *attributes: Attribute) -> Instrument:
    return Instrument(name=name, kind=Kind.GAUGE, unit=unit, meaning=meaning, attributes=attributes)


GAUGES = (
    _gauge("crossplay.queue.lag", "{message}", "Stream entries that no worker has read yet.", PLATFORM),
    _gauge(
        "crossplay.queue.pending",
        "{message}",
        "Stream entries that a worker has read and not acknowledged.",
        PLATFORM,
    ),
    _gauge(
        "crossplay.queue.oldest_age",
        "s",
        "The longest time that a job which may run has waited for a worker; 0 where none waits.",
        PLATFORM,
    ),
    _gauge(
        "crossplay.jobs.waiting",
        "{job}",
        "Jobs that wait: `queued` in the stream, `no_slot` until the fleet has room, `later` for the time of "
        "their next attempt, or for a pause of their transfer or platform to end.",
        PLATFORM,
        Attribute(name="crossplay.reason", values=WAITING),
    ),
    _gauge(
        "crossplay.items.deferred",
        "{item}",
        "Items of unfinished transfers that the platform could not be asked for yet.",
        PLATFORM,
    ),
    _gauge(
        "crossplay.transfers.active",
        "{transfer}",
        "Transfers that have not ended.",
        Attribute(name="crossplay.state", values=(State.QUEUED, State.RUNNING, State.PAUSED)),
    ),
    _gauge(
        "crossplay.transfer.oldest_idle",
        "s",
        "The longest time that a running transfer has gone without a checkpoint; 0 where none runs.",
    ),
    _gauge(
        "crossplay.budget.remaining",
        "{request}",
        "Requests (units, where some cost more) that may leave within the platform's window from now and "
        "that nobody has booked; 0 while the platform makes us wait.",
        PLATFORM,
        Attribute(name="crossplay.pool", meaning="what the platform counts, such as `requests`"),
    ),
    _gauge("crossplay.platform.paused", "", "1 where an operator has paused it, else 0.", PLATFORM),
    _gauge(
        "crossplay.connections",
        "{connection}",
        "Linked accounts.",
        PLATFORM,
        Attribute(name="crossplay.state", values=CONNECTION_STATES),
    ),
    _gauge(
        "crossplay.connections.expiring",
        "{connection}",
        "Linked accounts whose sign-in ends within one, seven or thirty days; each of them counts the "
        "shorter ones too.",
        PLATFORM,
        Attribute(name="crossplay.within", values=tuple(WITHIN)),
    ),
    _gauge(
        "crossplay.connection.expires",
        "s",
        "Time until the next sign-in ends; nothing where none has a known end.",
        PLATFORM,
    ),
    _gauge("crossplay.workers", "{worker}", "Workers whose heart has beaten in the last six seconds."),
    _gauge(
        "crossplay.worker.heartbeat.age",
        "s",
        "Time since the last heartbeat of the worker that has been silent longest; one that left in order "
        "is forgotten at once, a dead one after an hour. 0 where there is no worker.",
    ),
    _gauge("crossplay.dead_letters", "{job}", "Jobs that were given up, of transfers that are failed."),
    _gauge("crossplay.webhooks.waiting", "{delivery}", "Deliveries to enabled webhooks that are due."),
    _gauge("crossplay.database.size", "By", "Size of the Postgres database on disk."),
    _gauge("crossplay.redis.memory", "By", "Memory that Redis uses."),
    _gauge("crossplay.redis.memory.limit", "By", "Its `maxmemory`; nothing where Redis has no limit."),
)

INSTRUMENTS = (*COUNTERS, *HISTOGRAMS, *GAUGES)

"""The table of the gauges that tell of the whole fleet."""

from shared.instrument import PLATFORM, Attribute, Instrument, Kind
from shared.lifecycle import State

WAITING = ("queued", "no_slot", "later", "transfer_paused", "platform_paused")
CONNECTION_STATES = ("connected", "reconnect_required", "disconnected")
WINDOWS = ("moving", "day")
WITHIN = {"1d": 1, "7d": 7, "30d": 30}


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
        Attribute(name="crossplay.window", values=WINDOWS),
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

"""The table of all that is counted and timed: names, units, attributes with their values, and meanings."""

from shared.fleet_gauges import GAUGES
from shared.instrument import PLATFORM, Attribute, Instrument, Kind, Role
from shared.lifecycle import Phase, State
from shared.models import UNSETTLED, Outcome

VERDICTS = ("done", "retry", "snooze", "pause", "discard", "fenced")
READBACKS = ("applied", "partial", "absent", "foreign", "undecided", "repeated")
REFRESHES = ("refreshed", "refused", "failed")
WARNING_CODES = (
    "added_at_end",
    "added_to_last_part",
    "late_removal",
    "late_write",
    "order_differs",
    "playlist_kept",
    "playlist_not_deleted",
    "sign_in_ends",
    "source_edited",
    "target_edited",
    "target_split",
    "target_unchecked",
    "unsettled",
)
STORES = ("postgres", "redis")

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

INSTRUMENTS = (*COUNTERS, *HISTOGRAMS, *GAUGES)

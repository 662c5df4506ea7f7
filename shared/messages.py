"""What travels in a stream entry: a tag with version, ids, and the trace context; never data."""

from collections.abc import Mapping

import msgspec

from shared.models import JobId, TransferId

RUN_JOB = "run_job.v1"


class RunJob(msgspec.Struct, frozen=True, kw_only=True):
    """Asks a worker to run one job. trace: W3C propagation headers, maybe empty.

    entry_id: its stream entry's, empty before it has one.
    """

    job_id: JobId
    transfer_id: TransferId
    trace: dict[str, str] = {}
    entry_id: str = ""


def encode(message: RunJob) -> dict[str, str]:
    """Return the fields of the stream entry."""
    return {"type": RUN_JOB, "job_id": message.job_id, "transfer_id": message.transfer_id, **message.trace}


def decode(fields: Mapping[str, str], *, entry_id: str = "") -> RunJob | None:
    """Read a stream entry; None for a tag that this release does not know."""
    if fields.get("type") != RUN_JOB or not fields.get("job_id") or not fields.get("transfer_id"):
        return None
    trace = {name: fields[name] for name in ("traceparent", "tracestate") if name in fields}
    return RunJob(
        job_id=JobId(fields["job_id"]),
        transfer_id=TransferId(fields["transfer_id"]),
        trace=trace,
        entry_id=entry_id,
    )

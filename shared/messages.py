"""What travels in a stream entry: a tag with version, ids, and the trace context; never data."""

import uuid
from collections.abc import Mapping

import msgspec

from shared.models import JobId, TransferId

RUN_JOB = "run_job.v1"


class RunJob(msgspec.Struct, frozen=True, kw_only=True):
    """Asks a worker to run one job. trace: W3C propagation headers, maybe empty."""

    job_id: JobId
    transfer_id: TransferId
    trace: dict[str, str] = {}


def encode(message: RunJob) -> dict[str, str]:
    """Return the fields of the stream entry."""
    return {"type": RUN_JOB, "job_id": message.job_id, "transfer_id": message.transfer_id, **message.trace}


def decode(fields: Mapping[str, str]) -> RunJob | None:
    """Read a stream entry; None for one that no release could execute, or not this one."""
    if fields.get("type") != RUN_JOB or not all(
        _is_id(fields.get(name)) for name in ("job_id", "transfer_id")
    ):
        return None
    trace = {name: fields[name] for name in ("traceparent", "tracestate") if name in fields}
    return RunJob(job_id=JobId(fields["job_id"]), transfer_id=TransferId(fields["transfer_id"]), trace=trace)


def _is_id(text: str | None) -> bool:
    try:
        return uuid.UUID(text or "").version is not None
    except ValueError:
        return False

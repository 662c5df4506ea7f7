"""What travels in a stream entry."""

import pytest

from shared.messages import RunJob, decode, encode
from shared.models import JobId, TransferId

MESSAGE = RunJob(
    job_id=JobId("job-1"),
    transfer_id=TransferId("transfer-1"),
    trace={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=1"},
)


@pytest.mark.parametrize("trace", [{}, MESSAGE.trace])
def test_a_message_comes_back_as_it_was(trace: dict[str, str]) -> None:
    message = RunJob(job_id=MESSAGE.job_id, transfer_id=MESSAGE.transfer_id, trace=trace)

    assert decode(encode(message)) == message


def test_a_message_carries_its_tag_and_ids_and_no_data() -> None:
    fields = encode(MESSAGE)

    assert fields["type"] == "run_job.v1"
    assert set(fields) == {"type", "job_id", "transfer_id", "traceparent", "tracestate"}


@pytest.mark.parametrize(
    "changes",
    [{"type": "run_job.v2"}, {"type": ""}, {"job_id": ""}, {"transfer_id": ""}],
    ids=["a later version", "no tag", "no job", "no transfer"],
)
def test_a_message_that_this_release_cannot_read_is_none(changes: dict[str, str]) -> None:
    assert decode({**encode(MESSAGE), **changes}) is None


def test_an_empty_entry_is_none() -> None:
    assert decode({}) is None


def test_fields_of_a_later_release_are_ignored() -> None:
    assert decode({**encode(MESSAGE), "priority": "9"}) == MESSAGE

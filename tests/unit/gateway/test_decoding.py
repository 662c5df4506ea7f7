"""Faults of bodies and queries point at the very field, as a JSON pointer."""

import msgspec
import pytest

from gateway.actions.refusals import BodyMalformed
from gateway.decoding import decode_body, decode_query
from gateway.schemas import OnDuplicate, PlaylistsQuery, TransferRequest
from shared.errors import ValidationFailed
from shared.models import Platform, Policy

GOOD = b'{"source": {"platform": "spotify", "playlist": "a"}, "target": {"connection": "c"}}'


def test_defaults_are_the_careful_ones() -> None:
    body = decode_body(GOOD, into=TransferRequest)

    assert body.source.platform is Platform.SPOTIFY
    assert (body.policy, body.on_duplicate) == (Policy.SAME_RECORDING, OnDuplicate.SKIP)


@pytest.mark.parametrize(
    ("content", "pointer", "words"),
    [
        (b"{}", "/source", "missing"),
        (b'{"source": 1}', "/source", "Expected"),
        (GOOD.replace(b'"target"', b'"x/y~z": 1, "target"'), "/x~1y~0z", "unknown"),
        (GOOD.replace(b"spotify", b"radio"), "/source/platform", "choose one of spotify, apple_music"),
        (GOOD.replace(b'"a"}', b'"a", "connection": "c"}'), "/source", "either"),
        (GOOD.replace(b'{"connection": "c"}', b"{}"), "/target", "either"),
        (b"[]", "", "Expected"),
        (b"null", "", "Expected"),
    ],
)
def test_a_fault_points_at_its_field(content: bytes, pointer: str, words: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        decode_body(content, into=TransferRequest)

    (fault,) = caught.value.faults
    assert fault.pointer == pointer
    assert words in fault.detail
    assert not isinstance(caught.value, BodyMalformed)


def test_an_index_is_part_of_the_pointer() -> None:
    class Rows(msgspec.Struct):
        rows: list[list[int]]

    with pytest.raises(ValidationFailed) as caught:
        decode_body(b'{"rows": [[1], [2, "x"]]}', into=Rows)

    assert caught.value.faults[0].pointer in ("/rows/1/1", "/rows/.../...")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", GOOD + b"x", b"{'a': 1}"])
def test_what_is_no_json_is_malformed(content: bytes) -> None:
    with pytest.raises(BodyMalformed):
        decode_body(content, into=TransferRequest)


def test_query_texts_become_values() -> None:
    query = decode_query({"platform": "spotify", "limit": "7", "refresh": "1"}, into=PlaylistsQuery)

    assert (query.limit, query.refresh) == (7, True)


def test_a_query_fault_points_below_query() -> None:
    with pytest.raises(ValidationFailed) as caught:
        decode_query({"limit": "7.5"}, into=PlaylistsQuery)

    assert caught.value.faults[0].pointer == "/query/limit"

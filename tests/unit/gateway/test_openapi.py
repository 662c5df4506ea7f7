"""The API document says what the router does."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from schemathesis.specs.openapi.definitions import OPENAPI_31

from gateway.app import OPERATIONS
from gateway.events import EventKind
from gateway.openapi import document
from gateway.problems import KINDS
from gateway.review_schemas import Decision, RuleRequest
from gateway.schemas import TransferRequest


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        here = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return here + [one for part in value.values() for one in references(part)]
    if isinstance(value, list):
        return [one for part in value for one in references(part)]
    return []


def resolved(reference: str, *, within: dict[str, Any]) -> Any:
    found: Any = within
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def entries() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Give each operation: its name, what the document says of it, and the document."""
    made = msgspec.json.decode(msgspec.json.encode(document(OPERATIONS)))
    for of_path in made["paths"].values():
        for entry in of_path.values():
            yield entry["operationId"], entry, made


def faults_of(value: Any, *, schema: dict[str, Any], made: dict[str, Any]) -> list[str]:
    """Return what a schema, as OpenAPI 3.1 reads it, has against a value."""
    validator = OAS31Validator(
        {**schema, "components": made["components"]}, format_checker=oas31_format_checker
    )
    return [error.message for error in validator.iter_errors(value)]


def test_the_document_is_one_by_the_rules_of_openapi_3_1() -> None:
    made = msgspec.json.decode(msgspec.json.encode(document(OPERATIONS)))

    faults = list(OAS31Validator(OPENAPI_31).iter_errors(made))

    assert [(list(error.absolute_path), error.message) for error in faults] == []
    for schema in made["components"]["schemas"].values():
        OAS31Validator.check_schema(schema)


def test_every_operation_says_what_it_is() -> None:
    names = [name for name, _, _ in entries()]

    assert len(set(names)) == len(names)
    for name, entry, made in entries():
        assert entry["summary"].endswith("."), name
        assert set(entry["tags"]) <= {tag["name"] for tag in made["tags"]}, name
        for one in entry.get("parameters", ()):
            assert one["schema"], (name, one["name"])
            assert one["in"] != "path" or one["description"], (name, one["name"])
            assert one["name"] not in {"Accept", "Content-Type", "Authorization"}, name


def test_every_answer_has_a_schema_headers_and_an_example() -> None:
    for name, entry, _ in entries():
        for status, answer in entry["responses"].items():
            assert answer["headers"]["X-Request-Id"]["required"], (name, status)
            assert answer["description"], (name, status)
            for media_type, content in answer.get("content", {}).items():
                assert content["schema"], (name, status)
                assert "example" in content or content["examples"], (name, status, media_type)


def test_every_example_fits_its_schema() -> None:
    count = 0
    for name, entry, made in entries():
        bodies = [entry["requestBody"]] if "requestBody" in entry else []
        contents = [
            content
            for one in (*bodies, *entry["responses"].values())
            for content in one.get("content", {}).values()
        ]
        for content in contents:
            examples = [one["value"] for one in content.get("examples", {}).values()]
            examples += [content["example"]] if "example" in content else []
            for example in examples:
                assert faults_of(example, schema=content["schema"], made=made) == [], (name, example)
                count += 1
    assert count > 200


def test_every_example_of_a_body_is_taken_by_what_reads_it() -> None:
    made = document(OPERATIONS)
    for operation in OPERATIONS:
        if operation.body is not None:
            entry = made["paths"][operation.path][operation.method.lower()]
            example = entry["requestBody"]["content"]["application/json"]["example"]
            assert msgspec.convert(example, operation.body)


def test_what_stands_around_every_route_is_promised_for_every_route() -> None:
    for name, entry, _ in entries():
        statuses = set(entry["responses"])
        assert {"400", "500"} <= statuses, name
        assert entry.get("security") == [] or {"401", "422", "503"} <= statuses, name
        assert "requestBody" not in entry or {"408", "413", "415", "422"} <= statuses, name


BODIES = {
    "TransferRequest": (
        ({"source": {"playlist": "p", "platform": "spotify"}, "target": {"connection": "c"}}, True),
        ({"source": {"playlist": "p"}, "target": {"connection": "c"}}, False),
        (
            {
                "source": {"playlist": "p", "platform": "spotify", "connection": "c"},
                "target": {"connection": "c"},
            },
            False,
        ),
        (
            {"source": {"playlist": "p", "platform": None, "connection": "c"}, "target": {"connection": "c"}},
            True,
        ),
        (
            {
                "source": {"playlist": "p", "connection": "c"},
                "target": {"connection": "c", "name": "n", "playlist": "q"},
            },
            False,
        ),
        (
            {
                "source": {"playlist": "p", "connection": "c"},
                "target": {"connection": "c", "name": "n", "playlist": None},
            },
            True,
        ),
    ),
    "MatchDecision": (
        ({"candidate": 1}, True),
        ({"candidate": 1, "track": "t"}, False),
        ({"candidate": 1, "skip": True}, False),
        ({"track": "t", "skip": False, "candidate": None}, True),
        ({}, False),
    ),
    "RuleRequest": (
        (
            {
                "source": {"track": "t", "platform": "spotify"},
                "target": {"platform": "spotify", "absent": True},
            },
            True,
        ),
        ({"source": {"track": "t", "platform": "spotify"}, "target": {"platform": "spotify"}}, False),
        (
            {
                "source": {"track": "t", "platform": "spotify"},
                "target": {"platform": "spotify", "track": "t", "absent": True},
            },
            False,
        ),
    ),
}


def test_the_document_says_of_a_body_what_its_own_checks_say() -> None:
    by_type = {
        "TransferRequest": TransferRequest,
        "MatchDecision": Decision,
        "RuleRequest": RuleRequest,
    }
    made = document(OPERATIONS)
    schemas = {
        content["schema"].get("$ref", "").rpartition("/")[2]: content["schema"]
        for of_path in made["paths"].values()
        for entry in of_path.values()
        if "requestBody" in entry
        for content in entry["requestBody"]["content"].values()
    }
    for name, cases in BODIES.items():
        for body, is_good in cases:
            assert (faults_of(body, schema=schemas[name], made=made) == []) is is_good, (name, body)
            assert is_taken(body, by_type[name]) is is_good, (name, body)


def is_taken(body: Any, into: Any) -> bool:
    try:
        msgspec.convert(body, into)
    except msgspec.ValidationError:
        return False
    return True


def test_every_reference_leads_somewhere() -> None:
    made = msgspec.json.decode(msgspec.json.encode(document(OPERATIONS)))

    found = set(references(made))
    assert found
    for reference in found:
        assert resolved(reference, within=made)


def test_every_path_parameter_is_described() -> None:
    made = document(OPERATIONS)

    for path, entries in made["paths"].items():
        for entry in entries.values():
            described = {one["name"] for one in entry.get("parameters", ()) if one["in"] == "path"}
            assert described == set(re.findall(r"{(\w+)}", path))


def test_bodies_that_come_from_outside_forbid_what_we_do_not_know() -> None:
    schemas = document(OPERATIONS)["components"]["schemas"]

    names = ("TransferRequest", "Source", "Target", "ConnectRequest")
    for name in (*names, "RuleRequest", "RuleSource", "RuleTarget", "MatchDecision"):
        assert schemas[name]["additionalProperties"] is False


def test_a_position_is_a_whole_number() -> None:
    entry = document(OPERATIONS)["paths"]["/status/{id}/tracks/{position}/match"]["put"]

    schemas = {one["name"]: one["schema"]["type"] for one in entry["parameters"]}
    assert schemas == {"id": "string", "position": "integer"}


def test_a_stream_of_events_is_described_by_an_example() -> None:
    entry = document(OPERATIONS)["paths"]["/status/{id}/events"]["get"]

    content = entry["responses"]["200"]["content"]["text/event-stream"]
    assert set(content["schema"]["properties"]["event"]["enum"]) == {*EventKind, "bye"}
    assert "event: snapshot\ndata: {" in content["x-stream-example"]
    assert "content" not in entry["responses"]["204"]
    assert "too-many-streams" in entry["responses"]["429"]["description"]
    assert [one["name"] for one in entry["parameters"]] == ["id", "Last-Event-ID"]


def test_operations_promise_known_problems_only() -> None:
    for operation in OPERATIONS:
        assert set(operation.problems) <= set(KINDS)


def test_the_document_names_no_machine() -> None:
    assert document(OPERATIONS)["servers"] == [{"url": "/"}]

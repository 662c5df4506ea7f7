"""The API document says what the router does."""

import re
from typing import Any

import msgspec

from gateway.app import OPERATIONS
from gateway.openapi import document
from gateway.problems import KINDS


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        here = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return here + [one for part in value.values() for one in references(part)]
    if isinstance(value, list):
        return [one for part in value for one in references(part)]
    return []


def test_every_reference_leads_somewhere() -> None:
    made = msgspec.json.decode(msgspec.json.encode(document(OPERATIONS)))

    found = set(references(made))
    assert found
    assert found <= {f"#/components/schemas/{name}" for name in made["components"]["schemas"]}


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
    assert content["schema"] == {"type": "string"}
    assert "event: snapshot\ndata: {" in content["example"]
    assert "content" not in entry["responses"]["204"]
    assert "too-many-streams" in entry["responses"]["429"]["description"]
    assert [one["name"] for one in entry["parameters"]] == ["id", "Last-Event-ID"]


def test_operations_promise_known_problems_only() -> None:
    for operation in OPERATIONS:
        assert set(operation.problems) <= set(KINDS)


def test_the_document_names_no_machine() -> None:
    assert document(OPERATIONS)["servers"] == [{"url": "/"}]

"""The OpenAPI 3.1 document, made from the same types that validate and answer."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec

from gateway import answer_headers, examples
from gateway.events import EventKind
from gateway.operations import Operation
from gateway.problems import INTERNAL, KINDS
from gateway.schemas import Problem, StatusResource
from gateway.webhook_docs import PAYLOADS, describe
from shared.models import Platform

_REF = "#/components/schemas/{name}"
_PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "position": {
        "description": "The item's position in the source playlist, counted from 0.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    },
    "platform": {
        "description": "The platform's name, as `GET /platforms` has it.",
        "schema": {"type": "string", "enum": list(map(str, Platform))},
    },
    "slug": {
        "description": "The `code` of a problem.",
        "schema": {"type": "string", "pattern": "^[a-z][a-z0-9-]*$", "maxLength": 64},
    },
}
_ID = {
    "description": "Its `id`, as the answer that made it or its list has it.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
}
_REQUEST_HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": r"^[\x21\x23-\x5b\x5d-\x7e]+$",
    },
}
_TAGS = {"transfer": "transfers", "status": "transfers", "connect": "connections", "docs": "server"}
_SERVER_PATHS = ("healthz", "readyz", "version", "openapi.json", "docs")


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Describe the operations."""
    types = _types(operations)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    by_type = dict(zip(map(repr, types), schemas, strict=True))
    # A problem has the fields of its type beside the common ones.
    components["Problem"].pop("additionalProperties", None)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        entry = _operation(operation, schemas=by_type, components=components)
        paths.setdefault(operation.path, {})[operation.method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Crossplay",
            "version": version("crossplay"),
            "description": "Moves playlists between music platforms: complete, in order, each track once. "
            "Every path is also there below /v1.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"apiKey": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(map(_tag, operations))],
        "paths": paths,
        "webhooks": describe(by_type),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key, `cp_live_…`."}
            },
        },
    }


def problems_of(operation: Operation) -> set[str]:
    """Return the slugs of an operation's problems: its own, and those that stand around every route."""
    slugs = {*operation.problems, INTERNAL.slug, "request-unreadable"}
    if not operation.is_open:
        slugs |= {
            "unauthenticated",
            "forbidden-scope",
            "too-many-requests",
            "validation",
            "store-unavailable",
        }
    if operation.body is not None or operation.raw_body:
        slugs |= {"validation", "body-too-large", "unsupported-media-type", "request-timeout"}
    return slugs


def _types(operations: Iterable[Operation]) -> list[Any]:
    found: dict[str, Any] = {repr(one): one for one in (Problem, *PAYLOADS.values())}
    for operation in operations:
        for one in (operation.body, operation.query, *operation.answers.values()):
            if one is not None:
                found[repr(one)] = one
    return list(found.values())


def _tag(operation: Operation) -> str:
    first = operation.path.split("/")[1]
    return "server" if first in _SERVER_PATHS else _TAGS.get(first, first)


def _operation(
    operation: Operation, *, schemas: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [_tag(operation)],
        "summary": operation.summary,
        "responses": _responses(operation, schemas=schemas, components=components),
    }
    if "Accept" in operation.headers:  # OpenAPI ignores it as a parameter
        entry["description"] = f"`Accept`: {operation.headers['Accept']}"
    parameters = [
        *_path_parameters(operation),
        *_query_parameters(operation, components=components),
        *_header_parameters(operation),
    ]
    if parameters:
        entry["parameters"] = parameters
    if operation.body is not None:
        entry["requestBody"] = _body(operation, schema=schemas[repr(operation.body)], components=components)
    if operation.raw_body:
        content = {"schema": {"type": "string", "format": "binary"}, "example": operation.example}
        entry["requestBody"] = {"required": True, "content": {"application/octet-stream": content}}
    entry["security"] = []
    if operation.scope is not None:
        described = entry.get("description", "")
        entry["description"] = f"{described} Needs an API key with the scope `{operation.scope}`.".strip()
        entry["security"] = [{"apiKey": [operation.scope]}]
    return entry


def _body(operation: Operation, *, schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    example = operation.example
    if example is None:
        example = examples.of(schema, components=components)
    return {
        "required": operation.is_body_required,
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _responses(
    operation: Operation, *, schemas: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, body in operation.answers.items():
        content: dict[str, Any] = {}
        if body is not None:
            schema = schemas[repr(body)]
            content["application/json"] = {
                "schema": _or_part(schema, operation=operation, components=components),
                "example": examples.of(schema, components=components),
            }
        if status == HTTPStatus.OK:
            content |= {media_type: _text(media_type) for media_type in operation.texts}
            content |= _stream(operation)
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "headers": answer_headers.of_answer(operation, status=status, body=body),
            **({"content": content} if content else {}),
        }
    _add_problems(responses, problems_of(operation), schemas=schemas)
    return responses


def _or_part(schema: dict[str, Any], *, operation: Operation, components: dict[str, Any]) -> dict[str, Any]:
    """Describe an answer of which a query may choose fields."""
    if "fields" not in getattr(operation.query, "__struct_fields__", ()):
        return schema
    component = schema["$ref"].rpartition("/")[2]
    fields = {
        name: {"$ref": f"{schema['$ref']}/properties/{name}"} for name in components[component]["properties"]
    }
    part = {"type": "object", "properties": fields, "additionalProperties": False, "minProperties": 1}
    return {"anyOf": [schema, {**part, "description": "With `fields`: these alone."}]}


def _text(media_type: str) -> dict[str, Any]:
    example = examples.TEXTS.get(media_type)
    schema = {"type": "object" if media_type.endswith("json") else "string"}
    return {"schema": schema, **({"example": example} if example else {})}


def _stream(operation: Operation) -> dict[str, Any]:
    """Describe one event: OpenAPI 3.1 has no word for a stream of them, and tools read it so."""
    if not operation.stream_example:
        return {}
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {
            "anyOf": [
                {"$ref": _REF.format(name=StatusResource.__name__)},
                {"type": "object", "maxProperties": 0, "description": "Of `bye`."},
            ]
        },
    }
    event = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "pattern": "^[0-9]+$"},
            "event": {"type": "string", "enum": [*map(str, EventKind), "bye"]},
            "data": data,
        },
        "required": ["event", "data"],
    }
    example = {"id": "41", "event": "snapshot", "data": examples.STATUS_TEXT}
    return {
        "text/event-stream": {
            "schema": event,
            "example": example,
            "x-stream-example": operation.stream_example,
        }
    }


def _add_problems(responses: dict[str, Any], slugs: set[str], *, schemas: dict[str, Any]) -> None:
    by_status: dict[int, list[str]] = {}
    for slug in sorted(slugs):
        by_status.setdefault(KINDS[slug].status, []).append(slug)
    if "validation" in slugs:  # what is no JSON at all is 400, the same problem otherwise
        by_status.setdefault(HTTPStatus.BAD_REQUEST, []).append("validation")
    for status, of_status in sorted(by_status.items()):
        problem = _problem(of_status, status=status, schemas=schemas)
        responses.setdefault(str(status), problem)
        # A status may have both: a body of its own, and the problem.
        responses[str(status)].setdefault("content", {}).setdefault(
            "application/problem+json", problem["content"]["application/problem+json"]
        )


def _problem(slugs: Sequence[str], *, status: int, schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": "; ".join(f"`{slug}`: {KINDS[slug].title}" for slug in slugs),
        "headers": answer_headers.of_problem(status),
        "content": {
            "application/problem+json": {
                "schema": schemas[repr(Problem)],
                "examples": {slug: {"value": _example(slug, status=status)} for slug in slugs},
            }
        },
    }


def _example(slug: str, *, status: int) -> dict[str, Any]:
    kind = KINDS[slug]
    return {
        "type": f"/problems/{slug}",
        "title": kind.title,
        "status": int(status),
        "detail": kind.cause,
        "code": slug,
        "help": kind.cure,
        "request_id": "b7c9f0a4d21e4c0b9a55e0d1c3f2a690",
        "trace_id": None,
    }


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, **_PATH_PARAMETERS.get(name, _ID)}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]


def _query_parameters(operation: Operation, *, components: dict[str, Any]) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    described = components[operation.query.__name__]
    return [
        {"name": name, "in": "query", "required": name in described["required"], "schema": _without_null(one)}
        for name, one in described["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema as an address can fulfil it: what is not there is left out, not null."""
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and value is not None}
    if not choices:
        return rest
    return {**choices[0], **rest} if len(choices) == 1 else {"anyOf": choices, **rest}


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "description": text,
            "schema": _REQUEST_HEADERS.get(name, {"type": "string"}),
        }
        for name, text in operation.headers.items()
        if name != "Accept"
    ]

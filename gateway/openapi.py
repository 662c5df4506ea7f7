"""The OpenAPI 3.1 document, made from the same types that validate and answer."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec

from gateway.operations import Operation
from gateway.problems import INTERNAL, KINDS
from gateway.schemas import Problem
from gateway.webhook_docs import PAYLOADS, describe

_PATH_SCHEMAS = {"position": {"type": "integer", "minimum": 0, "maximum": 999_999_999}}
_REF = "#/components/schemas/{name}"


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Describe the operations."""
    types = _types(operations)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    by_type = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        entry = _operation(operation, schemas=by_type, components=components)
        paths.setdefault(operation.path, {})[operation.method.lower()] = entry
    # A problem has the fields of its type beside the common ones.
    components["Problem"].pop("additionalProperties", None)
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
        "paths": paths,
        "webhooks": describe(by_type),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key, `cp_live_…`."}
            },
        },
    }


def _types(operations: Iterable[Operation]) -> list[Any]:
    found: dict[str, Any] = {repr(one): one for one in (Problem, *PAYLOADS.values())}
    for operation in operations:
        for one in (operation.body, operation.query, *operation.answers.values()):
            if one is not None:
                found[repr(one)] = one
    return list(found.values())


def _operation(
    operation: Operation, *, schemas: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": _responses(operation, schemas=schemas),
    }
    parameters = [*_path_parameters(operation), *_query_parameters(operation, components=components)]
    parameters += [
        {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
        for name, text in operation.headers.items()
    ]
    if parameters:
        entry["parameters"] = parameters
    if operation.body is not None:
        content: dict[str, Any] = {"schema": schemas[repr(operation.body)]}
        if operation.example is not None:
            content["example"] = operation.example
        entry["requestBody"] = {
            "required": operation.is_body_required,
            "content": {"application/json": content},
        }
    entry["security"] = []
    if operation.scope is not None:
        entry["description"] = f"Needs an API key with the scope `{operation.scope}`."
        entry["security"] = [{"apiKey": [operation.scope]}]
    return entry


def _responses(operation: Operation, *, schemas: dict[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, body in operation.answers.items():
        content = {} if body is None else {"application/json": {"schema": schemas[repr(body)]}}
        if status == HTTPStatus.OK:
            content |= {media_type: {"schema": {"type": "string"}} for media_type in operation.texts}
        response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        responses[str(status)] = {**response, "content": content} if content else response
    if operation.stream_example:
        responses["200"]["content"] = {
            "text/event-stream": {"schema": {"type": "string"}, "example": operation.stream_example}
        }
    slugs = {*operation.problems, INTERNAL.slug}
    if not operation.is_open:
        slugs |= {"unauthenticated", "forbidden-scope", "too-many-requests"}
    if "validation" in slugs and operation.body is not None:
        responses["400"] = _problem(["validation"], schemas=schemas)
    for status in sorted({KINDS[slug].status for slug in slugs}):
        of_status = sorted(slug for slug in slugs if KINDS[slug].status == status)
        responses.setdefault(str(status), _problem(of_status, schemas=schemas))
    return responses


def _problem(slugs: Sequence[str], *, schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": "; ".join(f"`{slug}`: {KINDS[slug].title}" for slug in slugs),
        "content": {
            "application/problem+json": {
                "schema": schemas[repr(Problem)],
                "examples": {slug: {"value": _example(slug)} for slug in slugs},
            }
        },
    }


def _example(slug: str) -> dict[str, Any]:
    kind = KINDS[slug]
    return {
        "type": f"/problems/{slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.cause,
        "code": slug,
        "help": kind.cure,
        "request_id": "b7c9f0a4d21e4c0b9a55e0d1c3f2a690",
        "trace_id": None,
    }


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _PATH_SCHEMAS.get(name, {"type": "string"})}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]


def _query_parameters(operation: Operation, *, components: dict[str, Any]) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    fields = components[operation.query.__name__]["properties"]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in fields.items()]

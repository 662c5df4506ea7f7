"""The API reference for people: the OpenAPI document as one page that loads nothing from anywhere."""

from collections.abc import Iterable
from html import escape
from typing import Any

import msgspec

from gateway import pages

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code,pre{font:.9rem/1.4 ui-monospace,monospace;background:#8882;border-radius:.2rem}"
    "code{padding:.1rem .3rem}pre{padding:.6rem;overflow:auto;max-height:24rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-top:1px solid #8886;padding:.3rem .6rem;"
    "text-align:left;vertical-align:top}h2{margin-top:3rem}h3{margin-top:2rem}"
)

HEADERS = pages.headers(style_src=pages.source_of(_STYLE))


def render(document: dict[str, Any]) -> str:
    """Return the page. document: as `gateway.openapi.document` makes it."""
    tags: dict[str, list[str]] = {}
    for path, entries in document["paths"].items():
        for method, entry in entries.items():
            tags.setdefault(entry["tags"][0], []).append(_operation(f"{method.upper()} {path}", entry))
    title = f"{document['info']['title']} {document['info']['version']}"
    contents = "".join(f'<li><a href="#tag-{escape(tag)}">{escape(tag)}</a></li>' for tag in tags)
    sections = "".join(
        f'<section id="tag-{escape(tag)}"><h2>{escape(tag)}</h2>{"".join(shown)}</section>'
        for tag, shown in tags.items()
    )
    schemas = "".join(
        f'<h3 id="{escape(name)}">{escape(name)}</h3>{_pre(schema)}'
        for name, schema in sorted(document["components"]["schemas"].items())
    )
    body = (
        f"<p>{escape(document['info']['description'])} For programs: "
        '<a href="/openapi.json">openapi.json</a>; what each problem means: <a href="/problems">problems</a>.'
        f'</p><nav><ul>{contents}<li><a href="#schemas">schemas</a></li></ul></nav>{sections}'
        f'<section id="schemas"><h2>schemas</h2>{schemas}</section>'
    )
    return pages.document(title, body, style=_STYLE)


def _operation(name: str, entry: dict[str, Any]) -> str:
    is_open = entry.get("security") == []
    parts = [
        f'<article id="{escape(entry["operationId"])}"><h3><code>{escape(name)}</code></h3>',
        f"<p>{escape(entry['summary'])}{' Needs no API key.' if is_open else ''}</p>",
    ]
    if "parameters" in entry:
        parts.append(_table(("Parameter", "In", "Is", "Means"), map(_parameter, entry["parameters"])))
    if "requestBody" in entry:
        parts += [
            f"<p>Body, {escape(media_type)}: {_type(content['schema'])}</p>{_pre(content['example'])}"
            for media_type, content in entry["requestBody"]["content"].items()
        ]
    parts.append(_table(("Answer", "Means", "Is", "Headers"), map(_answer, entry["responses"].items())))
    parts += [
        f"<details><summary>Example of {escape(status)}, {escape(media_type)}</summary>"
        f"{_pre(content['example'])}</details>"
        for status, answer in entry["responses"].items()
        for media_type, content in answer.get("content", {}).items()
        if "example" in content
    ]
    return "".join((*parts, "</article>"))


def _parameter(one: dict[str, Any]) -> tuple[str, ...]:
    needed = " (required)" if one.get("required") else ""
    return (
        f"<code>{escape(one['name'])}</code>{needed}",
        escape(one["in"]),
        _type(one["schema"]),
        escape(one.get("description", "")),
    )


def _answer(item: tuple[str, dict[str, Any]]) -> tuple[str, ...]:
    status, answer = item
    bodies = (
        f"{escape(media_type)}: {_type(content['schema'])}"
        for media_type, content in answer.get("content", {}).items()
    )
    headers = ", ".join(f"<code>{escape(name)}</code>" for name in answer.get("headers", {}))
    return escape(status), escape(answer["description"]), "<br>".join(bodies), headers


def _type(schema: dict[str, Any]) -> str:
    """Say in a few words what a schema takes."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return " · ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    bounds = ", ".join(
        f"{escape(key)} {escape(str(value))}"
        for key, value in schema.items()
        if key in {"minimum", "maximum", "minLength", "maxLength", "default", "format"}
    )
    return escape(str(schema.get("type", "anything"))) + (f" ({bounds})" if bounds else "")


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """rows: HTML that is safe already."""
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" for cells in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _pre(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value)).decode()
    return f"<pre>{escape(text)}</pre>"

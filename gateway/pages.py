"""The form of the few small HTML pages that people see, and those that tell what a problem means."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from gateway.problems import Kind

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;"
    "overflow-wrap:anywhere}h1{line-height:1.2}"
    "button,input{font:inherit;padding:.4rem .8rem}button{margin:.2rem 0}"
    "input[type=text],input[type=password]{width:100%;box-sizing:border-box}"
    "form{margin:1rem 0}[role=alert]{font-weight:bold}"
)


def source_of(text: str) -> str:
    """Return how a policy admits a style or script that stands in the page: by its digest."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY = {
    "default-src": "'none'",
    "style-src": source_of(_STYLE),
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
}


def headers(**policy: str) -> dict[str, str]:
    """Return what a page is sent with: it loads nothing, sends nothing and tells nobody where it was.

    policy: what it may do besides, by directive of a Content Security Policy with `_` for `-`.
    """
    directives = {**_POLICY, **{name.replace("_", "-"): sources for name, sources in policy.items()}}
    return {
        "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in directives.items()),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


HEADERS = headers()


def problem(kind: Kind, *, detail: str | None = None) -> str:
    """Tell what a kind of problem means and what cures it."""
    return page(kind.title, detail or kind.cause, f"What helps: {kind.cure}")


def problem_list(kinds: Sequence[Kind]) -> str:
    """List the kinds of problems, each with the way to its page."""
    lines = (
        f'<li><a href="/problems/{escape(kind.slug)}">{escape(kind.slug)}</a> ({kind.status}): '
        f"{escape(kind.title)}</li>"
        for kind in kinds
    )
    return document("Problems", f"<ul>{''.join(lines)}</ul>")


def page(title: str, *paragraphs: str) -> str:
    return document(title, "".join(f"<p>{escape(text)}</p>" for text in paragraphs))


def document(title: str, body: str, *, style: str = _STYLE) -> str:
    """body: HTML that is safe already. style: another one, which the policy then has to admit."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)} – Crossplay</title><style>{style}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )

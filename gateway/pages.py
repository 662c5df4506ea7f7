"""The few small HTML pages that people see: results of a sign-in, and what a problem means."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from gateway.problems import Kind
from shared.db.connect_sessions import ConnectStatus

_STYLE = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}"
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""What every page is sent with: it loads nothing, is framed by nobody and tells nobody where it was."""

_RESULTS = {
    ConnectStatus.PENDING: ("Not finished yet", "The sign-in is still under way in another window."),
    ConnectStatus.DENIED: ("Not connected", "You did not allow it, and nothing was stored."),
    ConnectStatus.EXPIRED: ("Too late", "The sign-in took more than ten minutes. Start to connect again."),
    ConnectStatus.FAILED: ("Not connected", "The sign-in failed. Start to connect again."),
}


def connect_result(
    status: ConnectStatus, *, platform_label: str, account_label: str | None, failure: str | None
) -> str:
    """Tell how a sign-in ended."""
    if status is ConnectStatus.CONNECTED:
        who = f" as {account_label}" if account_label else ""
        text = f"{platform_label} is connected{who}. You can close this window."
        return _page("Connected", text)
    title, text = _RESULTS[status]
    return _page(f"{platform_label}: {title}", failure or text)


def problem(kind: Kind, *, detail: str | None = None) -> str:
    """Tell what a kind of problem means and what cures it."""
    return _page(kind.title, detail or kind.cause, f"What helps: {kind.cure}")


def problem_list(kinds: Sequence[Kind]) -> str:
    """List the kinds of problems, each with the way to its page."""
    lines = (
        f'<li><a href="/problems/{escape(kind.slug)}">{escape(kind.slug)}</a> ({kind.status}): '
        f"{escape(kind.title)}</li>"
        for kind in kinds
    )
    return _document("Problems", f"<ul>{''.join(lines)}</ul>")


def _page(title: str, *paragraphs: str) -> str:
    return _document(title, "".join(f"<p>{escape(text)}</p>" for text in paragraphs))


def _document(title: str, body: str) -> str:
    """body: HTML that is safe already."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)} – Crossplay</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )

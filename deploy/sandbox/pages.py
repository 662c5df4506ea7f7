"""The few HTML pages that people see in a sandbox: forms to sign in with, and what became of it."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape

from aiohttp import web

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:30rem;margin:3rem auto;padding:0 1rem}"
    "label{display:block;margin:1rem 0}"
    "button{font:inherit;margin-right:.5rem;padding:.3rem 1rem}"
)
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
# No form-action: browsers hold it against redirects too, and a form leads back to an app of any origin.
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; script-src 'self'; "
    "img-src data:; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
# No icon: else a browser asks for /favicon.ico, which would count as a call of the platform.
_DOCUMENT = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
    "<title>{title}</title><style>{style}</style></head>"
    "<body><main><h1>{title}</h1>{body}</main></body></html>"
)


def page(title: str, body: str, *, status: int = 200) -> web.Response:
    """body: HTML that is safe already. The page runs scripts of this server only and is framed by nobody."""
    text = _DOCUMENT.format(title=escape(title), style=_STYLE, body=body)
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)


def sign_in_form(*, method: str, action: str, kept: Mapping[str, str], user: str, more: str = "") -> str:
    """A form that asks who signs in and whether they agree.

    It sends `sandbox_user` and `sandbox_allow` or `sandbox_deny`, beside what is `kept` from the request.
    more: further fields, as HTML.
    """
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in kept.items()
    )
    return (
        f'<form method="{method}" action="{escape(action)}">{hidden}'
        f'<label>Account <input name="sandbox_user" value="{escape(user)}" required maxlength="100"></label>'
        f"{more}"
        '<p><button name="sandbox_allow" value="1">Agree</button>'
        '<button name="sandbox_deny" value="1" formnovalidate>Cancel</button></p></form>'
    )

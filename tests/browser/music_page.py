"""A page of an app's own that lets people sign in to Apple Music with the script MusicKit."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec
from aiohttp import ClientSession, web
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import Page
from yarl import URL

from deploy.sandbox.options import Options
from tests.browser.servers import sandbox, serving

KEY = generate_private_key(SECP256R1())
PUBLIC_KEY = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
LIFE_S = 3600
POLICY = (
    "default-src 'none'; script-src 'self' {apple}; connect-src {apple}; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
PAGE = """<!doctype html><html lang="en"><title>Connect</title><link rel="icon" href="data:,">
<script src="/page.js"></script>
<script src="{apple}/musickit/v3/musickit.js" async></script>
<button id="authorize">Sign in</button><button id="unauthorize">Sign out</button>
<p>Configured: <output id="configured"></output></p><p>Answer: <output id="answer"></output></p></html>"""
SCRIPT = """
const show = (id, text) => { document.getElementById(id).textContent = text; };
const said = (error) => error.errorCode ?? String(error);
const ask = (call) => {
  show("answer", "");
  MusicKit.getInstance()[call]().then(
    (token) => show("answer", token ?? "done"), (error) => show("answer", said(error)));
};
document.addEventListener("musickitloaded", async () => {
  const app = { name: "Quiet Harbour", build: "1" };
  await MusicKit.configure({ developerToken: TOKEN, app }).then(
    (music) => show("configured", `yes, ${music.isAuthorized ? "signed in" : "signed out"}`),
    (error) => show("configured", said(error)));
  if (location.hash === "#at-once") ask("authorize");
});
addEventListener("DOMContentLoaded", () => {
  for (const call of ["authorize", "unauthorize"]) {
    document.getElementById(call).addEventListener("click", () => ask(call));
  }
});
"""


@dataclass(frozen=True, kw_only=True)
class MusicPage:
    """Where the app's page and simulated Apple Music are, and what the two say."""

    app: URL
    apple: URL

    @property
    def origin(self) -> str:
        return str(self.app.origin())

    async def visit(self, page: Page, *, is_asked_at_once: bool = False, **claims: Any) -> str:
        """Open the page with a developer token that claims this beside the usual; say what MusicKit did.

        is_asked_at_once: the page asks for a user token without waiting for a click.
        """
        address = self.app.with_query(claims=msgspec.json.encode(claims).decode())
        await page.goto(str(address.with_fragment("at-once" if is_asked_at_once else None)))
        return await said(page, "configured")

    async def storefront_status(self, user_token: str) -> int:
        """Ask the platform with the user token, as a server would."""
        headers = {"Authorization": f"Bearer {developer_token()}", "Music-User-Token": user_token}
        address = self.apple / "v1/me/storefront"
        async with ClientSession() as session, session.get(address, headers=headers) as answer:
            return answer.status


async def said(page: Page, output: str) -> str:
    """Wait until the page shows something there, and return it."""
    shown = page.locator(f"output#{output}:not(:empty)")
    return await shown.inner_text()


def developer_token(**claims: Any) -> str:
    now_s = int(time.time())
    usual = {"iss": "TEAM123456", "iat": now_s - 60, "exp": now_s + LIFE_S}
    return jwt.encode({**usual, **claims}, KEY, algorithm="ES256", headers={"kid": "KEY1234567"})


@asynccontextmanager
async def music_page(*, auto_approve: bool, **headers: str) -> AsyncIterator[MusicPage]:
    """Run both. headers: what the page is sent with, instead of a policy that admits MusicKit alone."""
    options = Options(platform="apple_music", auto_approve=auto_approve, developer_public_key=PUBLIC_KEY)
    async with sandbox(options) as apple:
        origin = str(apple.origin())
        sent = headers or {"Content-Security-Policy": POLICY.format(apple=origin)}

        async def show(_: web.Request) -> web.Response:
            return web.Response(text=PAGE.format(apple=origin), content_type="text/html", headers=sent)

        async def script(request: web.Request) -> web.Response:
            claims = msgspec.json.decode(URL(request.headers["Referer"]).query["claims"])
            token = msgspec.json.encode(developer_token(**claims)).decode()
            return web.Response(text=f"const TOKEN = {token};{SCRIPT}", content_type="text/javascript")

        app = web.Application()
        app.router.add_get("/", show)
        app.router.add_get("/page.js", script)
        async with serving(app) as own:
            yield MusicPage(app=own, apple=apple)

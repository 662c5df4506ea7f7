"""The web side of Apple Music: a stand-in for the script MusicKit, and the window in which people sign in."""

from html import escape
from importlib.resources import files
from typing import Annotated

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.apple_music.access import Access
from deploy.sandbox.changes import TokenRevoked
from deploy.sandbox.desk import Desk
from deploy.sandbox.pages import page, sign_in_form
from deploy.sandbox.user_tokens import issue_user_token

TITLE = "Sandbox Apple Music"
FOLDER = files("deploy.sandbox.apple_music")
SUBSCRIBED = (
    '<label><input type="checkbox" name="sandbox_subscribed" value="1" checked> '
    "The account has a subscription</label>"
)
# Other origins may load it, whatever their policy on embedding is.
SCRIPT_HEADERS = {"Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "no-store"}

Text = Annotated[str, msgspec.Meta(max_length=2000)]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the script asks for in the window's address; `id` tells its answer from others'."""

    developer_token: Text
    origin: Annotated[str, msgspec.Meta(pattern=r"^https?://[^/?#\s]+$", max_length=300)]
    id: Text
    name: Text = ""

    def __repr__(self) -> str:
        return f"Asked(origin={self.origin!r})"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why no token is given: MusicKit's code, and a sentence for people."""

    code: str
    text: str


NOT_AGREED = Refusal(code="AUTHORIZATION_ERROR", text="You did not agree.")
NOT_SUBSCRIBED = Refusal(code="SUBSCRIPTION_ERROR", text="This account has no subscription.")
BAD_APP = Refusal(code="UNAUTHORIZED_ERROR", text="The app's developer token is not good for its page.")


class MusicKit:
    """GET /musickit/v3/musickit.js, the window at /musickit/authorize, and POST /musickit/unauthorize."""

    def __init__(self, desk: Desk, *, access: Access) -> None:
        self._desk = desk
        self._access = access

    async def script(self, _: web.Request) -> web.Response:
        return _script("musickit.js")

    async def answer_script(self, _: web.Request) -> web.Response:
        return _script("answer.js")

    async def ask(self, request: web.Request) -> web.Response:
        """Show the form, or agree at once if the sandbox is to."""
        asked = _asked(dict(request.query))
        if refusal := self._refusal(request, asked):
            return _refused(asked, refusal)
        if self._desk.options.auto_approve:
            return self._agreed(asked, user=self._desk.options.user)
        form = sign_in_form(
            method="post",
            action=request.path,
            kept=msgspec.to_builtins(asked),
            user=self._desk.options.user,
            more=SUBSCRIBED,
        )
        who = f"<b>{escape(asked.name or 'An app')}</b> at {escape(asked.origin)}"
        return page(TITLE, f"<p>{who} asks for access to your Apple Music library.</p>{form}")

    async def decide(self, request: web.Request) -> web.Response:
        """Do what the person chose."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        asked = _asked(form)
        if refusal := self._refusal(request, asked):
            return _refused(asked, refusal)
        if "sandbox_allow" not in form:
            return _refused(asked, NOT_AGREED)
        if "sandbox_subscribed" not in form:
            return _refused(asked, NOT_SUBSCRIBED)
        return self._agreed(asked, user=form.get("sandbox_user") or self._desk.options.user)

    def _refusal(self, request: web.Request, asked: Asked) -> Refusal | None:
        try:
            self._access.check(asked.developer_token, origin=asked.origin)
        except Refused:
            return BAD_APP
        return NOT_AGREED if self._desk.fault("deny", request) else None

    def _agreed(self, asked: Asked, *, user: str) -> web.Response:
        token = issue_user_token(self._desk.store, user=user)
        return _answer(asked, {"token": token}, text=f"You are signed in as {user}.")

    async def sign_out(self, request: web.Request) -> web.Response:
        """Revoke the user token that the request carries; one that is dead already is none to refuse."""
        self._access.developer(request)
        store, value = self._desk.store, request.headers.get("Music-User-Token", "")
        token = store.tokens.get(value)
        if token and token.kind == "user" and value not in store.revoked:
            store.record(TokenRevoked(value=value))
        return web.Response(status=204)


def _asked(fields: dict[str, str]) -> Asked:
    try:
        return msgspec.convert(fields, type=Asked)
    except msgspec.ValidationError as error:
        raise web.HTTPBadRequest(text=str(error)) from error


def _refused(asked: Asked, refusal: Refusal) -> web.Response:
    return _answer(asked, {"errorCode": refusal.code, "description": refusal.text}, text=refusal.text)


def _answer(asked: Asked, answer: dict[str, str], *, text: str) -> web.Response:
    """Hand the answer to the window that asked, and to no page of another origin."""
    message = msgspec.json.encode({"id": asked.id, **answer}).decode()
    script = (
        f'<script src="/musickit/answer.js" data-origin="{escape(asked.origin)}" '
        f'data-answer="{escape(message)}"></script>'
    )
    return page(TITLE, f"<p>{escape(text)} You can close this window.</p>{script}")


def _script(name: str) -> web.Response:
    text = (FOLDER / name).read_text()
    return web.Response(text=text, content_type="text/javascript", headers=SCRIPT_HEADERS)

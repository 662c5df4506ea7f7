"""Signs the caller of a simulated YouTube in, as an app with a secret does."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.integration.sandbox.harness import REDIRECT, VERIFIER, Caller

AUTHORIZE = "/o/oauth2/v2/auth"
SCOPE = "https://www.googleapis.com/auth/youtube"
API = "/youtube/v3"

Json = dict[str, Any]


async def code_of(caller: Caller, **query: str) -> str:
    """Agree to what is asked and return the code."""
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    asked = {
        "client_id": "app",
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": SCOPE,
        "access_type": "offline",
        "code_challenge_method": "S256",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        **query,
    }
    async with await caller.send("GET", AUTHORIZE, params=asked, allow_redirects=False) as answer:
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


async def exchange(caller: Caller, code: str, *, status: int = 200, **changed: str) -> Json:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "client_id": "app",
        "client_secret": "quiet",
        "code_verifier": VERIFIER,
        **changed,
    }
    answer: Json = await caller.json("POST", "/token", status=status, data=form, headers={})
    return answer


async def sign_in(caller: Caller, **query: str) -> Json:
    """Go through the sign-in and use the access token from now on; return the answer."""
    tokens = await exchange(caller, await code_of(caller, **query))
    caller.headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return tokens

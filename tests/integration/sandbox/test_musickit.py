"""The web side of simulated Apple Music: script, sign-in window, sign-out, and what pages may call."""

import re
from html import unescape
from typing import Any

import msgspec
import pytest

from tests.integration.sandbox.harness import Caller, Json, Starter, developer_token

ORIGIN = "http://127.0.0.1:8080"
WINDOW = "/musickit/authorize"
AGREED = {"sandbox_user": "ada", "sandbox_allow": "1", "sandbox_subscribed": "1"}


def asked(*, claims: Json | None = None, **fields: str) -> dict[str, str]:
    token = developer_token(**(claims or {}))
    return {"developer_token": token, "origin": ORIGIN, "id": "q1", "name": "Quiet Harbour", **fields}


async def page(apple: Caller, method: str = "GET", *, status: int = 200, **other: Any) -> str:
    async with await apple.send(method, WINDOW, headers={}, **other) as response:
        text = await response.text()
        assert response.status == status, text
    return text


def answer_in(text: str) -> tuple[str, Json]:
    """Read from the page to which origin it speaks, and what it says."""
    found = re.search(r'data-origin="([^"]+)" data-answer="([^"]+)"', text)
    assert found, text
    return found[1], msgspec.json.decode(unescape(found[2]))


async def test_the_script_may_be_loaded_by_any_page(starter: Starter) -> None:
    apple = await starter("apple_music")

    async with await apple.send("GET", "/musickit/v3/musickit.js", headers={}) as answer:
        script = await answer.text()

    assert answer.content_type == "text/javascript"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "musickitloaded" in script


@pytest.mark.parametrize("path", ["/v1/test", "/musickit/unauthorize"])
async def test_pages_may_call_what_the_script_calls_and_read_refusals(starter: Starter, path: str) -> None:
    apple = await starter("apple_music", is_signed_in=False)

    async with await apple.send("OPTIONS", path) as preflight:
        allowed = preflight.headers["Access-Control-Allow-Headers"]
    async with await apple.send("GET" if path == "/v1/test" else "POST", path) as refused:
        origin = refused.headers["Access-Control-Allow-Origin"]

    assert (preflight.status, allowed) == (204, "Authorization, Music-User-Token")
    assert (refused.status, origin) == (401, "*")


async def test_pages_may_not_read_the_library(starter: Starter) -> None:
    apple = await starter("apple_music")

    async with await apple.send("GET", "/v1/me/storefront") as answer:
        names = {name for name in answer.headers if name.startswith("Access-Control-")}

    assert (answer.status, names) == (200, set())


async def test_with_auto_approval_the_window_answers_at_once(starter: Starter) -> None:
    apple = await starter("apple_music", user="ada")

    origin, answer = answer_in(await page(apple, params=asked(claims={"origin": [ORIGIN]})))
    headers = {**apple.headers, "Music-User-Token": answer["token"]}
    await apple.json("GET", "/v1/me/storefront", headers=headers)
    revoked = await apple.json("POST", "/_sandbox/tokens/revoke", json={"token": answer["token"]})

    assert (origin, answer["id"], revoked) == (ORIGIN, "q1", {"revoked_count": 1})


async def test_without_auto_approval_the_window_asks_first(starter: Starter) -> None:
    apple = await starter("apple_music", auto_approve=False)

    text = await page(apple, params=asked(name="<i>Harbour</i>"))

    assert "&lt;i&gt;Harbour&lt;/i&gt;" in text
    assert "data-answer" not in text


@pytest.mark.parametrize(
    ("left_out", "code"),
    [("sandbox_allow", "AUTHORIZATION_ERROR"), ("sandbox_subscribed", "SUBSCRIPTION_ERROR")],
)
async def test_what_a_person_refuses_or_lacks_has_its_code(
    starter: Starter, left_out: str, code: str
) -> None:
    apple = await starter("apple_music", auto_approve=False)
    fields = {**asked(), **AGREED}
    del fields[left_out]

    _, answer = answer_in(await page(apple, "POST", data=fields))

    assert (answer["errorCode"], "token" in answer) == (code, False)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("claims", [{"origin": ["https://music.example"]}, {"exp": 1}])
async def test_a_developer_token_that_is_not_good_gets_nobody_signed_in(
    starter: Starter, method: str, claims: Json
) -> None:
    apple = await starter("apple_music")
    fields = {**asked(claims=claims), **AGREED}

    text = await (page(apple, params=fields) if method == "GET" else page(apple, "POST", data=fields))

    assert answer_in(text)[1]["errorCode"] == "UNAUTHORIZED_ERROR"


@pytest.mark.parametrize("origin", ["", "null", "javascript:alert(1)", f"{ORIGIN}/path", "*"])
async def test_an_answer_goes_to_a_web_origin_only(starter: Starter, origin: str) -> None:
    apple = await starter("apple_music")

    text = await page(apple, status=400, params=asked(origin=origin))

    assert "$.origin" in text


async def test_who_signs_out_loses_the_token_however_often(starter: Starter) -> None:
    apple = await starter("apple_music")

    for _ in range(2):
        await apple.json("POST", "/musickit/unauthorize", status=204)
    refused = await apple.json("GET", "/v1/me/storefront", status=403)

    assert refused["errors"][0]["code"] == "40300"


async def test_sign_ins_are_counted_without_what_they_carry(starter: Starter) -> None:
    apple = await starter("apple_music")

    await page(apple, params=asked())
    told = await apple.json("GET", "/_sandbox/requests?calls=1")

    assert told["by_operation"]["musickit_authorize"] == {"200": 1}
    assert "developer_token" not in msgspec.json.encode(told).decode()

"""Sign-in pages show what they were given as text, never as markup, and run their own script alone."""

import base64
import hashlib
import re

import msgspec

from gateway import sign_in_pages
from gateway.sign_in_pages import Invitation
from shared.db.connect_sessions import ConnectStatus

EVIL = '"><script>alert(1)</script>'
INVITATION = Invitation(
    platform_label="Spotify", user_name=EVIL, account_label=EVIL, proof=EVIL, failure=EVIL
)


def test_names_from_outside_are_no_markup() -> None:
    texts = [
        sign_in_pages.redirect(INVITATION),
        sign_in_pages.paste(INVITATION, redirect_uri=EVIL),
        sign_in_pages.musickit(INVITATION, script_url=EVIL, token=EVIL, is_fresh=True),
        sign_in_pages.result(
            ConnectStatus.CONNECTED, platform_label="Spotify", account_label=EVIL, failure=None
        ),
        sign_in_pages.result(
            ConnectStatus.FAILED, platform_label="Spotify", account_label=None, failure=EVIL
        ),
    ]

    for text in texts:
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_every_end_of_a_sign_in_has_its_words() -> None:
    for status in ConnectStatus:
        text = sign_in_pages.result(status, platform_label="Spotify", account_label=None, failure=None)

        assert "Spotify" in text


def test_the_policy_admits_the_pages_own_script_by_its_digest() -> None:
    invitation = msgspec.structs.replace(
        INVITATION, user_name="mira", account_label=None, proof="p", failure=""
    )

    text = sign_in_pages.musickit(invitation, script_url="https://a.example/x.js", token="t", is_fresh=False)

    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = sign_in_pages.musickit_policy(sources=("https://a.example",))["Content-Security-Policy"]
    assert f"script-src 'sha256-{digest}' https://a.example" in policy

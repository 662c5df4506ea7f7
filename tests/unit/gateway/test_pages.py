"""Pages show what they were given as text, never as markup."""

import base64
import hashlib
import re

from gateway import pages
from gateway.problems import INTERNAL
from shared.db.connect_sessions import ConnectStatus


def test_names_from_outside_are_no_markup() -> None:
    text = pages.connect_result(
        ConnectStatus.CONNECTED,
        platform_label="Spotify",
        account_label="<script>alert(1)</script>",
        failure=None,
    )

    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_every_end_of_a_sign_in_has_its_words() -> None:
    for status in ConnectStatus:
        text = pages.connect_result(status, platform_label="Spotify", account_label=None, failure=None)

        assert "Spotify" in text


def test_the_policy_admits_the_pages_own_style_and_nothing_else() -> None:
    text = pages.problem(INTERNAL)
    style = re.findall(r"<style>(.*?)</style>", text)

    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in pages.HEADERS["Content-Security-Policy"]
    assert pages.HEADERS["Content-Security-Policy"].startswith("default-src 'none'")
    assert "src=" not in text

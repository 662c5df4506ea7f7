"""Pages show what they were given as text, never as markup."""

import base64
import hashlib
import re

from gateway import pages
from gateway.problems import INTERNAL


def test_the_policy_admits_the_pages_own_style_and_nothing_else() -> None:
    text = pages.problem(INTERNAL)
    style = re.findall(r"<style>(.*?)</style>", text)

    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in pages.HEADERS["Content-Security-Policy"]
    assert pages.HEADERS["Content-Security-Policy"].startswith("default-src 'none'")
    assert "src=" not in text

"""The search for secrets finds them where they are hidden."""

import base64

import pytest

from tests.leaks import leaks

SECRET = "a-secret-of-some-length_∞"


@pytest.mark.parametrize("prefix", ["", "x", "xy", "xyz:"])
@pytest.mark.parametrize("suffix", ["", "x", "xy"])
def test_a_secret_is_found_in_every_base64(prefix: str, suffix: str) -> None:
    content = f"{prefix}{SECRET}{suffix}".encode()
    texts = {"plain": base64.b64encode(content), "url": base64.urlsafe_b64encode(content)}

    assert leaks(texts, secrets={"it": SECRET}) == ["it in plain", "it in url"]


def test_a_secret_is_found_raw_and_in_hex() -> None:
    texts = {"raw": f"<{SECRET}>".encode(), "hex": SECRET.encode().hex().encode(), "none": b"a-secret"}

    assert leaks(texts, secrets={"it": SECRET}) == ["it in hex", "it in raw"]

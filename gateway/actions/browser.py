"""Which browser it is that takes part in a sign-in: a secret in its cookie, and what proves to know it."""

import hashlib
import hmac
import secrets


def new_browser() -> str:
    """Make the secret by which a browser is known again: 256 bits of chance."""
    return secrets.token_urlsafe(32)


def digest_of(browser: str) -> bytes:
    """Return what is stored of a browser."""
    return hashlib.sha256(browser.encode(errors="replace")).digest()


def proof_of(browser: str, *, session_id: str) -> str:
    """Return what a page of ours puts into its form: another site cannot, for it never sees the cookie."""
    return hmac.new(browser.encode(errors="replace"), session_id.encode(), hashlib.sha256).hexdigest()


def is_proof(text: str, *, browser: str, session_id: str) -> bool:
    """Whether a form comes from a page that we have shown to this browser."""
    expected = proof_of(browser, session_id=session_id)
    return bool(browser) and hmac.compare_digest(text.encode(errors="replace"), expected.encode())

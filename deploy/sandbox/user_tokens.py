"""User tokens of Apple Music, as a sign-in or a test gets them."""

import secrets

from deploy.sandbox.changes import Token, TokenIssued
from deploy.sandbox.store import Store

# About six months; nobody says when one ends.
USER_TOKEN_LIFE_S = 180 * 86400.0


def issue_user_token(store: Store, *, user: str) -> str:
    """Make a user token of this account, keep it, and return it."""
    now_s = store.clock.now_s()
    token = Token(
        value=f"{secrets.token_urlsafe(96)}==",
        kind="user",
        user=user,
        issued_at_s=now_s,
        ends_at_s=now_s + USER_TOKEN_LIFE_S,
        authorized_at_s=now_s,
    )
    store.record(TokenIssued(token=token))
    return token.value

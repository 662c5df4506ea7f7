"""API keys: shown once, stored as a hash, looked up for every request so that a revocation holds at once."""

import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from shared import key_text
from shared.db.pool import STORE_ERRORS, Pool, Row
from shared.errors import Unauthenticated
from shared.models import UserId
from shared.scopes import USER_SCOPES, Scope, known, with_included
from shared.secret import Secret


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """What may be known of a key. scopes: those that it was given, without what they include."""

    id: str
    user_id: UserId
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class IssuedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key and its whole text, which nobody can show again."""

    row: ApiKey
    secret: Secret


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a good key speaks for, and what it may do, included scopes among them."""

    user_id: UserId
    key_id: str
    scopes: frozenset[Scope]


INSERT = """
INSERT INTO api_keys (id, user_id, secret_sha256, name, scopes, expires_at)
VALUES ($1, $2, $3, $4, $5, now() + $6::interval) RETURNING *
"""
FIND = """
SELECT api_keys.*, users.disabled_at IS NOT NULL AS is_disabled,
       coalesce(expires_at <= now(), false) AS is_expired,
       coalesce(last_used_at < now() - interval '1 minute', true) AS is_use_news
FROM api_keys JOIN users ON users.id = api_keys.user_id WHERE api_keys.id = $1
"""
IS_GOOD = """
SELECT EXISTS (
    SELECT FROM api_keys JOIN users ON users.id = api_keys.user_id
    WHERE api_keys.id = $1 AND revoked_at IS NULL AND disabled_at IS NULL
          AND coalesce(expires_at > now(), true)
)
"""
TOUCH = "UPDATE api_keys SET last_used_at = now() WHERE id = $1"
PAGE = """
SELECT * FROM api_keys
WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
ORDER BY created_at DESC, id DESC LIMIT $4
"""
REVOKE = """
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 AND user_id = $2 RETURNING true
"""


async def create(
    pool: Pool,
    user_id: UserId,
    *,
    name: str = "",
    scopes: Iterable[Scope] = USER_SCOPES,
    life: timedelta | None = None,
) -> IssuedKey:
    """Make a key for a user who exists. life: after it the key is refused; None for no end."""
    key_id, secret = secrets.token_hex(8), secrets.token_hex(32)
    row = await pool.fetchrow(INSERT, key_id, user_id, _digest(secret), name, sorted(set(scopes)), life)
    return IssuedKey(row=_from_row(row), secret=Secret(key_text.compose(key_id, secret=secret)))


async def authenticate(pool: Pool, *, text: str) -> Access:
    """Return what this key gives access to. Raises Unauthenticated, whose text says why not.

    Why a key is refused is told only to those who have its secret.
    """
    parts = key_text.parse(text)
    if parts is None:
        raise Unauthenticated("This API key was not copied whole, or is none: its check sum is wrong.")
    key_id, secret = parts
    row = await pool.fetchrow(FIND, key_id)
    stored = row["secret_sha256"] if row else bytes(32)  # an unknown id takes as long as a wrong secret
    if not hmac.compare_digest(stored, _digest(secret)) or row is None:
        raise Unauthenticated("This API key is not known here.")
    refusal = _refusal(row)
    if refusal:
        raise Unauthenticated(refusal)
    if row["is_use_news"]:
        with contextlib.suppress(*STORE_ERRORS):  # one that takes no changes can still be read
            await pool.execute(TOUCH, key_id)
    scopes = with_included(known(row["scopes"]))
    return Access(user_id=UserId(str(row["user_id"])), key_id=key_id, scopes=scopes)


async def is_good(pool: Pool, key_id: str) -> bool:
    """Say whether a key that was accepted before still would be."""
    return bool(await pool.fetchval(IS_GOOD, key_id))


async def page(
    pool: Pool, user_id: UserId, *, before: tuple[datetime, str] | None, limit: int
) -> list[ApiKey]:
    """Return a user's keys, newest first, those made before `before`; revoked ones too."""
    at, key_id = before or (None, None)
    return [_from_row(row) for row in await pool.fetch(PAGE, user_id, at, key_id, limit)]


async def revoke(pool: Pool, key_id: str, *, user_id: UserId) -> bool:
    """Refuse a key from now on; may be repeated. False if the user has no such key."""
    return bool(await pool.fetchval(REVOKE, key_id, user_id))


def _refusal(row: Row) -> str | None:
    if row["revoked_at"] is not None:
        return "This API key was revoked."
    if row["is_expired"]:
        return "This API key has expired: take another one, or ask for a new one."
    if row["is_disabled"]:
        return "The user of this API key is disabled on this server: ask its operator."
    return None


def _from_row(row: Row) -> ApiKey:
    values = {name: row[name] for name in ApiKey.__struct_fields__}
    scopes = tuple(sorted(known(row["scopes"])))
    return ApiKey(**{**values, "user_id": UserId(str(row["user_id"])), "scopes": scopes})


def _digest(secret: str) -> bytes:
    # The secret has 256 bits of chance: a slow password hash would add nothing.
    return hashlib.sha256(secret.encode()).digest()

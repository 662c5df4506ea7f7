"""Users and their API keys: a key is shown once and stored as a hash."""

import contextlib
import hashlib
import hmac
import re
import secrets
import uuid

import msgspec

from shared.db.pool import STORE_ERRORS, Pool
from shared.models import UserId
from shared.settings import Secret

_KEY = re.compile(r"cp_live_([0-9a-f]{16})_([0-9a-f]{64})")

ENSURE = """
INSERT INTO users (id, name) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING id
"""
READ_NAME = "SELECT name FROM users WHERE id = $1"
INSERT_KEY = "INSERT INTO api_keys (id, user_id, secret_sha256) VALUES ($1, $2, $3)"
FIND_KEY = """
SELECT user_id, secret_sha256, coalesce(last_used_at < now() - interval '1 minute', true) AS is_use_news
FROM api_keys WHERE id = $1 AND revoked_at IS NULL
"""
TOUCH_KEY = "UPDATE api_keys SET last_used_at = now() WHERE id = $1"


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key. secret is the whole text `cp_live_<id>_<secret>`, which nobody can show again."""

    id: str
    secret: Secret


async def ensure(pool: Pool, *, name: str) -> UserId:
    """Return the user of this name, made now where there is none."""
    return UserId(str(await pool.fetchval(ENSURE, uuid.uuid4(), name)))


async def read_name(pool: Pool, user_id: UserId) -> str:
    """Return a user's name, empty where there is no such user."""
    return str(await pool.fetchval(READ_NAME, user_id) or "")


async def create_api_key(pool: Pool, user_id: UserId) -> ApiKey:
    key_id, secret = secrets.token_hex(8), secrets.token_hex(32)
    await pool.execute(INSERT_KEY, key_id, user_id, _digest(secret))
    return ApiKey(id=key_id, secret=Secret(f"cp_live_{key_id}_{secret}"))


async def authenticate(pool: Pool, *, key: str) -> UserId | None:
    """Return whose key this is; None for one that is malformed, unknown, revoked or has a wrong secret."""
    parts = _KEY.fullmatch(key)
    if parts is None:
        return None
    key_id, secret = parts.groups()
    row = await pool.fetchrow(FIND_KEY, key_id)
    stored = row["secret_sha256"] if row else bytes(32)  # an unknown id takes as long as a wrong secret
    if not hmac.compare_digest(stored, _digest(secret)) or row is None:
        return None
    if row["is_use_news"]:
        with contextlib.suppress(*STORE_ERRORS):  # one that takes no changes can still be read
            await pool.execute(TOUCH_KEY, key_id)
    return UserId(str(row["user_id"]))


def _digest(secret: str) -> bytes:
    # The secret has 256 bits of chance: a slow password hash would add nothing.
    return hashlib.sha256(secret.encode()).digest()

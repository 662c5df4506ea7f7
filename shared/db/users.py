"""Users: who has connections, transfers and API keys, and whether they are let in."""

import uuid
from datetime import datetime

import msgspec

from shared.db.pool import Pool, Row
from shared.models import UserId


class User(msgspec.Struct, frozen=True, kw_only=True):
    """disabled_at: since when none of the user's keys is accepted; None while they are."""

    id: UserId
    name: str
    created_at: datetime
    disabled_at: datetime | None


PUT = """
INSERT INTO users (id, name) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING *, xmax = 0 AS is_new
"""
GET = "SELECT * FROM users WHERE id = $1"
PAGE = """
SELECT * FROM users WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2::uuid)
ORDER BY created_at DESC, id DESC LIMIT $3
"""
SET_DISABLED = """
UPDATE users SET disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, now()) END
WHERE id = $1 RETURNING *
"""


async def put(pool: Pool, *, name: str) -> tuple[User, bool]:
    """Return the user of this name, and whether there was none before."""
    row = await pool.fetchrow(PUT, uuid.uuid4(), name)
    return _from_row(row), row["is_new"]


async def ensure(pool: Pool, *, name: str) -> UserId:
    """Return the user of this name, made now where there is none."""
    return (await put(pool, name=name))[0].id


async def get(pool: Pool, user_id: UserId) -> User | None:
    row = await pool.fetchrow(GET, user_id)
    return _from_row(row) if row else None


async def read_name(pool: Pool, user_id: UserId) -> str:
    """Return a user's name, empty where there is no such user."""
    user = await get(pool, user_id)
    return user.name if user else ""


async def page(pool: Pool, *, before: tuple[datetime, UserId] | None, limit: int) -> list[User]:
    """Return users, newest first, those made before `before`."""
    at, user_id = before or (None, None)
    return [_from_row(row) for row in await pool.fetch(PAGE, at, user_id, limit)]


async def set_disabled(pool: Pool, user_id: UserId, *, is_disabled: bool) -> User | None:
    """Let a user's keys in or not; may be repeated. None where there is no such user."""
    row = await pool.fetchrow(SET_DISABLED, user_id, is_disabled)
    return _from_row(row) if row else None


def _from_row(row: Row) -> User:
    values = {name: row[name] for name in User.__struct_fields__}
    return User(**{**values, "id": UserId(str(row["id"]))})

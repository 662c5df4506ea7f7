"""What is sealed where: the one list of columns with sealed texts, and how they come under another key."""

from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID

import msgspec

from shared.cipher import Cipher, SealBroken
from shared.db.pool import Connection, Pool, Row

_BATCH_COUNT = 200
_PASS_COUNT = 5  # rows that others change all the time are left to them


class SealedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of sealed texts. Its table has a primary key `id`.

    place: what operators call it. context: what a row's text is bound to; it gets the whole row.
    needed: which rows still need their text, in SQL; a text that nobody will open may lose its key.
    """

    place: str
    table: str
    column: str
    context: Callable[[Row], str]
    needed: str = "true"


def tokens_context(connection_id: str, platform: str) -> str:
    return f"{connection_id}|{platform}|tokens"


def verifier_context(session_id: str, platform: str) -> str:
    return f"{session_id}|{platform}|verifier"


def webhook_context(webhook_id: str) -> str:
    return f"{webhook_id}|webhook|secret"


SEALED: tuple[SealedColumn, ...] = (
    SealedColumn(
        place="connections",
        table="connections",
        column="sealed_tokens",
        context=lambda row: tokens_context(str(row["id"]), row["platform"]),
    ),
    SealedColumn(
        place="connect sessions",
        table="connect_sessions",
        column="sealed_verifier",
        context=lambda row: verifier_context(str(row["id"]), row["platform"]),
        needed="used_at IS NULL AND expires_at > now()",
    ),
    SealedColumn(
        place="webhooks",
        table="webhooks",
        column="sealed_secret",
        context=lambda row: webhook_context(str(row["id"])),
    ),
    SealedColumn(
        place="webhooks, rotated secrets",
        table="webhooks",
        column="sealed_old_secret",
        context=lambda row: webhook_context(str(row["id"])),
        needed="old_secret_until > now()",
    ),
)
"""Every column that holds sealed texts; a new one is a new row here."""

# The names in braces are those of SEALED, never what came from outside.
COUNT = """
SELECT CASE WHEN {column} LIKE 'v1.%.%.%' THEN split_part({column}, '.', 2) END AS kid, count(*) AS text_count
FROM {table} WHERE {column} <> '' AND {needed} GROUP BY 1 ORDER BY 1
"""
OLDER = """
SELECT * FROM {table}
WHERE {column} <> '' AND {needed} AND NOT starts_with({column}, 'v1.' || $1::text || '.')
      AND (id > $2 OR $2 IS NULL)
ORDER BY id LIMIT $3
"""
# A row that has another text meanwhile is left out. In the order of ids: two rotations wait, and never for
# each other.
RESEAL = """
WITH held AS (
    SELECT {table}.id, fresh.sealed
    FROM {table} JOIN unnest($1::uuid[], $2::text[], $3::text[]) AS fresh (id, before, sealed) USING (id)
    WHERE {column} = fresh.before ORDER BY id FOR NO KEY UPDATE OF {table}
)
UPDATE {table} SET {column} = held.sealed FROM held WHERE {table}.id = held.id RETURNING {table}.id
"""


class KeyUse(msgspec.Struct, frozen=True, kw_only=True):
    """How many texts of a place need a key. kid: the key's id, None for what is no sealed text at all."""

    place: str
    kid: str | None
    text_count: int


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """A row whose text no key of the ring opens, and why."""

    id: str
    reason: str


class Resealed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a place's older texts. left_count: others changed these rows all the time."""

    place: str
    resealed_count: int
    left_count: int
    locked: tuple[Locked, ...]


async def key_uses(store: "Pool | Connection") -> list[KeyUse]:
    """Count the stored texts by place and key; opens none."""
    return [
        KeyUse(place=one.place, kid=row["kid"], text_count=row["text_count"])
        for one in SEALED
        for row in await store.fetch(_sql(COUNT, one))
    ]


async def reseal(
    pool: Pool, cipher: Cipher, *, column: SealedColumn, batch_count: int = _BATCH_COUNT
) -> Resealed:
    """Seal what another key has sealed with the ring's first one, in batches of so many rows.

    A row that somebody changes meanwhile keeps their text, and is looked at again. May be cut off anywhere
    and repeated: what is done is done. A text that cannot be opened stays as it is and stops nothing.
    """
    resealed_count = overtaken_count = 0
    locked: list[Locked] = []
    for _ in range(_PASS_COUNT):
        overtaken_count, locked = 0, []
        async for rows in _older(pool, cipher, column=column, batch_count=batch_count):
            fresh, broken = _sealed_anew(rows, cipher, column=column)
            done_count = await store(pool, fresh, column=column)
            resealed_count += done_count
            overtaken_count += len(fresh) - done_count
            locked += broken
        if not overtaken_count:
            break
    return Resealed(
        place=column.place,
        resealed_count=resealed_count,
        left_count=overtaken_count,
        locked=tuple(locked),
    )


async def store(pool: Pool, fresh: Sequence[tuple[UUID, str, str]], *, column: SealedColumn) -> int:
    """Store texts in place of those that they were made of; return how many rows still had these.

    fresh: id, the text before, the new one.
    """
    if not fresh:
        return 0
    ids, before, sealed = zip(*fresh, strict=True)
    return len(await pool.fetch(_sql(RESEAL, column), ids, before, sealed))


async def _older(
    pool: Pool, cipher: Cipher, *, column: SealedColumn, batch_count: int
) -> AsyncIterator[list[Row]]:
    """Iterate, in the order of ids, over the rows that the first key has not sealed."""
    last_id = None
    while rows := await pool.fetch(_sql(OLDER, column), cipher.sealing_kid, last_id, batch_count):
        yield rows
        last_id = rows[-1]["id"]


def _sealed_anew(
    rows: Sequence[Row], cipher: Cipher, *, column: SealedColumn
) -> tuple[list[tuple[UUID, str, str]], list[Locked]]:
    """Return what `store` takes, and the rows that no key opens."""
    fresh, locked = [], []
    for row in rows:
        before, context = row[column.column], column.context(row)
        try:
            text = cipher.open(before, context=context)
        except SealBroken as error:
            locked.append(Locked(id=str(row["id"]), reason=str(error)))
        else:
            fresh.append((row["id"], before, cipher.seal(text, context=context)))
    return fresh, locked


def _sql(statement: str, column: SealedColumn) -> str:
    return statement.format(table=column.table, column=column.column, needed=column.needed)

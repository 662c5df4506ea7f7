"""Transfers: made once per idempotency key, counted from their items, changed with a rising revision."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from shared.db import target_parts
from shared.db.pool import Connection, Pool, Row, changed_count
from shared.db.target_parts import TargetPart
from shared.lifecycle import Bucket, PauseReason, Phase, State, count_buckets
from shared.models import (
    ConnectionId,
    Explicit,
    Outcome,
    Platform,
    PlaylistId,
    Policy,
    TransferId,
    UserId,
)


class NewTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asked for, checked. request_sha256 tells whether a repeated key means the same.

    source_connection_id is None where everybody may see the source and nobody's account reads it, in the
    catalog of source_market then ("": of the server's own choice).
    """

    id: TransferId
    user_id: UserId
    idempotency_key: str | None
    request_sha256: bytes
    source_connection_id: ConnectionId | None
    source_platform: Platform
    source_playlist_id: PlaylistId
    source_name: str
    source_market: str | None = None
    target_connection_id: ConnectionId
    target_platform: Platform
    target_playlist_id: PlaylistId | None
    target_name: str
    target_url: str | None
    policy: Policy
    explicit: Explicit = Explicit.AS_SOURCE
    on_duplicate: str
    warnings: tuple[dict[str, str], ...] = ()
    trace: dict[str, str]


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer's row, see the migration for what the columns mean."""

    id: TransferId
    user_id: UserId
    request_sha256: bytes
    source_connection_id: ConnectionId | None
    source_platform: Platform
    source_playlist_id: PlaylistId
    source_name: str
    target_connection_id: ConnectionId
    target_platform: Platform
    target_playlist_id: PlaylistId | None
    target_name: str
    target_url: str | None
    target_is_new: bool
    policy: Policy
    explicit: Explicit
    on_duplicate: str
    state: State
    phase: Phase
    revision: int
    is_read: bool
    is_cancelling: bool
    pause_reason: PauseReason | None
    pause_platform: Platform | None
    pause_text: str = ""
    resume_at: datetime | None
    error_code: str | None
    error_text: str | None
    warnings: tuple[dict[str, Any], ...]
    trace: dict[str, str]
    is_target_claimed: bool
    target_base_count: int | None
    target_count: int | None
    source_count: int | None = None
    repair_count: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    reopened_at: datetime | None = None
    retry_scope: str | None = None
    undoes: TransferId | None = None
    undone_by: TransferId | None = None
    # Of the worker's business alone, and in tables beside: public_sources, doubtful_targets, target_parts.
    source_market: str | None = None
    is_target_doubtful: bool = False
    part: int = 1


_BESIDE = ("source_market", "is_target_doubtful", "part")
_COLUMNS = tuple(name for name in Transfer.__struct_fields__ if name not in _BESIDE)


def from_row(row: Row) -> Transfer:
    values = {name: row[name] for name in _COLUMNS}
    for name in ("id", "user_id", "source_connection_id", "target_connection_id", "undoes", "undone_by"):
        values[name] = values[name] and str(values[name])
    return msgspec.convert(values, Transfer)


INSERT = """
INSERT INTO transfers (
    id, user_id, idempotency_key, request_sha256, source_connection_id, source_platform,
    source_playlist_id, source_name, target_connection_id, target_platform, target_playlist_id,
    target_name, target_url, target_is_new, policy, explicit, on_duplicate, trace, warnings)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text, $12, $13, $11::text IS NULL, $14, $15, $16, $17,
        $18)
ON CONFLICT (user_id, idempotency_key) DO NOTHING
RETURNING *
"""
PUBLIC_SOURCE = "INSERT INTO public_sources VALUES ($1, $2)"
BY_KEY = "SELECT * FROM transfers WHERE user_id = $1 AND idempotency_key = $2"
FIRST_JOB = """
INSERT INTO jobs (id, transfer_id, user_id, platform, phase, batch)
VALUES (gen_random_uuid(), $1, $2, $3, 'read', 0)
"""
GET = "SELECT * FROM transfers WHERE id = $1 AND user_id = $2"
LOAD = """
SELECT transfers.*, public_sources.market AS source_market, current.part,
       coalesce(doubtful_targets.part <= current.part, false) AS is_target_doubtful
FROM transfers
CROSS JOIN LATERAL (
    SELECT coalesce(max(part), 1) AS part FROM target_parts WHERE transfer_id = id AND NOT is_closed
) AS current
LEFT JOIN doubtful_targets ON doubtful_targets.transfer_id = id
LEFT JOIN public_sources ON public_sources.transfer_id = id
WHERE id = $1
"""
LOCK = "SELECT * FROM transfers WHERE id = $1 AND user_id = $2 FOR UPDATE"
COUNTS = "SELECT outcome, is_written, item_count FROM item_counts WHERE transfer_id = $1"
LIST = """
SELECT * FROM transfers WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
ORDER BY created_at DESC, id DESC LIMIT $4
"""
RESUME_DUE = """
UPDATE transfers SET state = 'running', pause_reason = NULL, pause_platform = NULL, resume_at = NULL,
       revision = revision + 1
WHERE state = 'paused' AND resume_at <= now()
"""
RESUME_CONNECTION = """
UPDATE transfers SET state = CASE WHEN started_at IS NULL THEN 'queued' ELSE 'running' END,
       pause_reason = NULL, pause_platform = NULL, resume_at = NULL, revision = revision + 1
WHERE state = 'paused'
      AND pause_reason IN (
          'reconnect_required', 'platform_denied', 'platform_not_configured', 'tokens_locked'
      )
      AND $1::uuid IN (source_connection_id, target_connection_id)
"""
# A source that is read is done with. What is being cancelled goes on: its worker tells what is unsettled.
PAUSE_CONNECTION = """
UPDATE transfers SET state = 'paused', pause_reason = 'reconnect_required', resume_at = NULL,
       pause_platform = CASE WHEN target_connection_id = $1 THEN target_platform ELSE source_platform END,
       revision = revision + 1
WHERE (state IN ('queued', 'running') OR (state = 'paused' AND pause_reason = 'rate_limited'))
      AND NOT is_cancelling
      AND (target_connection_id = $1 OR (source_connection_id = $1 AND NOT is_read))
"""


async def insert(pool: Pool, new: NewTransfer) -> tuple[Transfer, bool]:
    """Store a transfer with its first job in one transaction; return it and whether it is new.

    With an idempotency key that this user has used before, the earlier transfer is returned instead.
    """
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            INSERT,
            new.id,
            new.user_id,
            new.idempotency_key,
            new.request_sha256,
            new.source_connection_id,
            new.source_platform,
            new.source_playlist_id,
            new.source_name,
            new.target_connection_id,
            new.target_platform,
            new.target_playlist_id,
            new.target_name,
            new.target_url,
            new.policy,
            new.explicit,
            new.on_duplicate,
            new.trace,
            new.warnings,
        )
        if row is None:
            earlier = await connection.fetchrow(BY_KEY, new.user_id, new.idempotency_key)
            return from_row(earlier), False
        if new.source_market is not None:
            await connection.execute(PUBLIC_SOURCE, new.id, new.source_market)
        await connection.execute(FIRST_JOB, new.id, new.user_id, new.source_platform)
        return from_row(row), True


async def find_by_key(pool: Pool, user_id: UserId, *, idempotency_key: str) -> Transfer | None:
    row = await pool.fetchrow(BY_KEY, user_id, idempotency_key)
    return from_row(row) if row else None


class TransferView(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer, its counts and its playlists, where it has more than one, all of one moment."""

    transfer: Transfer
    counts: dict[Bucket, int]
    parts: tuple[TargetPart, ...] = ()


async def get_with_counts(pool: Pool, transfer_id: TransferId, *, user_id: UserId) -> TransferView | None:
    """Return a user's transfer; None if the user has no such one."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        row = await connection.fetchrow(GET, transfer_id, user_id)
        if row is None:
            return None
        parts = await target_parts.of(connection, [transfer_id])
        return TransferView(
            transfer=from_row(row),
            counts=await counts(connection, transfer_id),
            parts=tuple(parts.get(transfer_id, ())),
        )


async def revision(pool: Pool, transfer_id: TransferId, *, user_id: UserId) -> int | None:
    """Return the revision alone, which is cheap to ask for often."""
    found: int | None = await pool.fetchval(
        "SELECT revision FROM transfers WHERE id = $1 AND user_id = $2", transfer_id, user_id
    )
    return found


async def page(
    pool: Pool, user_id: UserId, *, before: tuple[datetime, TransferId] | None, limit: int
) -> list[Transfer]:
    """Return a user's transfers, newest first, those older than `before`; each with its first playlist."""
    at, transfer_id = before or (None, None)
    async with pool.acquire() as connection:
        found = [from_row(row) for row in await connection.fetch(LIST, user_id, at, transfer_id, limit)]
        parts = await target_parts.of(connection, [transfer.id for transfer in found])
    return [_with_first(transfer, parts.get(transfer.id)) for transfer in found]


def _with_first(transfer: Transfer, parts: Sequence[TargetPart] | None) -> Transfer:
    if not parts or transfer.undoes is not None:
        return transfer
    return msgspec.structs.replace(transfer, target_playlist_id=parts[0].playlist_id, target_url=parts[0].url)


async def load(pool: Pool, transfer_id: TransferId) -> Transfer:
    """Return a transfer as its workers need it."""
    row = await pool.fetchrow(LOAD, transfer_id)
    if row is None:
        raise LookupError(transfer_id)
    return msgspec.structs.replace(from_row(row), **{name: row[name] for name in _BESIDE})


async def lock(connection: Connection, transfer_id: TransferId, *, user_id: UserId) -> Transfer | None:
    """Keep a user's transfer as it is until the transaction ends; None if the user has no such one."""
    row = await connection.fetchrow(LOCK, transfer_id, user_id)
    return from_row(row) if row else None


async def counts(connection: Connection, transfer_id: TransferId) -> dict[Bucket, int]:
    rows = await connection.fetch(COUNTS, transfer_id)
    return count_buckets({(Outcome(row["outcome"]), row["is_written"]): row["item_count"] for row in rows})


async def resume_due(pool: Pool) -> int:
    """Let transfers go on whose waiting time is over; return how many."""
    return changed_count(await pool.execute(RESUME_DUE))


async def resume_connection(connection: Connection, connection_id: ConnectionId) -> int:
    """Let transfers go on that waited for this connection; return how many."""
    return changed_count(await connection.execute(RESUME_CONNECTION, connection_id))


async def pause_connection(connection: Connection, connection_id: ConnectionId) -> None:
    """Let transfers wait that cannot go on without this connection."""
    await connection.execute(PAUSE_CONNECTION, connection_id)

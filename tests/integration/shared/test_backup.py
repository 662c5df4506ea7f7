"""A backup on two real databases: what comes back is what was there, or it is said what is wrong."""

import asyncio
import gzip
import io
import stat
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.cli.backup import told_settings
from shared.backup_file import BackupReader, BackupWriter, Header, rows_of
from shared.cipher import Cipher
from shared.db import catalog, migrate, schema, seals
from shared.db.dump import dump
from shared.db.migrate import migrate as migrate_database
from shared.db.restore import restore
from shared.db.schema import Moment
from shared.errors import MaintenanceRefused
from shared.secret import Secret
from shared.settings import Settings, parse_key_ring
from tests.conftest import TestServers, own_database
from tests.databases import connected, is_waited_for
from tests.e2e.stack import clean_environ, crossplay
from tests.waiting import until_answered, within

pytestmark = pytest.mark.integration

RING = "k7:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OTHER_RING = "k8:HxAREhMUFRYXGBkaGxwdHh8AAQIDBAUGBwgJCgsMDQ4="
ODD = "tab\t, line\n, back\\slash, \\N, ünï, 夜, quote '"

USER = "INSERT INTO users (id, name) VALUES ($1, $2)"
CONNECTION = """
INSERT INTO connections (id, user_id, platform, account_id, label, market, sealed_tokens, authorized_at)
VALUES ($1, $2, 'spotify', 'a', $3, 'DE', $4, now())
"""
TRANSFER = """
INSERT INTO transfers (id, user_id, request_sha256, source_connection_id, source_platform, source_playlist_id,
    source_name, target_connection_id, target_platform, target_name, target_is_new, policy, on_duplicate)
VALUES ($1, $2, '\\x00ff', $3, 'spotify', 'p', $4, $3, 'apple_music', 'x', true, 'exact', 'keep')
"""
POINT = "UPDATE transfers SET undone_by = $2 WHERE id = $1"
ITEM = """
INSERT INTO items (transfer_id, position, source, outcome, score, refused_track_ids)
VALUES ($1, $2, '{"a": "b\\nc"}', 'exact', 0.1, ARRAY['x', NULL, 'a,"b'])
"""
FILE = """
WITH playlist AS (
    INSERT INTO shelf_playlists (id, user_id, name, rest, track_count)
    VALUES ($1, $2, $3, '[{"row": 2, "reason": "a"}]', 2) RETURNING id, user_id),
track AS (
    INSERT INTO shelf_tracks (user_id, id, track)
    VALUES ($2, 't', jsonb_build_object('title', $3::text)) RETURNING id)
INSERT INTO shelf_items (playlist_id, user_id, position, track_id, odd)
SELECT playlist.id, user_id, 0, track.id, NULL::jsonb FROM playlist, track
UNION ALL SELECT playlist.id, user_id, 1, NULL, '{"title": "b"}' FROM playlist
"""
WEBHOOK = """
INSERT INTO webhooks (id, user_id, url, description, events, sealed_secret)
VALUES ($1, $2, 'https://a.example', '', ARRAY['transfer.queued', 'connection.connected'], $3)
"""
DELIVERY = """
INSERT INTO webhook_deliveries (webhook_id, type) VALUES ($1, 'webhook.test') RETURNING number
"""


async def test_everything_comes_back_and_nothing_is_told_again(
    database_url: str, empty_database_url: str
) -> None:
    async with connected(database_url) as connection:
        webhook_id = await fill(connection)
        number = await connection.fetchval(DELIVERY, webhook_id)
        before = await content(connection)
    backup = await backed_up(database_url)

    manifest = await restore(empty_database_url, BackupReader(io.BytesIO(backup)))

    async with connected(empty_database_url) as connection:
        after = await content(connection)
        next_number = await connection.fetchval(DELIVERY, webhook_id)
        await connection.execute("UPDATE connections SET state = 'reconnect_required'")
        await connection.execute("UPDATE connections SET state = 'connected'")
        told_count = await connection.fetchval("SELECT count(*) FROM webhook_deliveries WHERE type LIKE 'c%'")
    assert before["items"]  # there is something to compare
    assert after == before
    assert next_number == number + 1
    assert told_count == 2  # one when the account was connected, one just now
    assert manifest.key_ids == ("k7",)
    assert {table.name: table.row_count for table in manifest.tables}["items"] == 300


async def test_a_backup_of_an_older_schema_is_brought_to_this_one(
    servers: TestServers, empty_database_url: str
) -> None:
    async with own_database(servers, template="template1") as older_url:
        await migrate_database(older_url, wanted=frozenset({Moment.PRE}))
        backup = await backed_up(older_url)

    await restore(empty_database_url, BackupReader(io.BytesIO(backup)))

    plan = await migrate.look(empty_database_url)
    assert (plan.steps, plan.waiting) == ((), ())


async def test_a_database_that_is_not_empty_is_left_alone(database_url: str) -> None:
    backup = await backed_up(database_url)

    with pytest.raises(MaintenanceRefused, match="not empty: it has"):
        await restore(database_url, BackupReader(io.BytesIO(backup)))


async def test_a_backup_of_a_newer_release_is_refused_by_its_name(empty_database_url: str) -> None:
    migrations = {one.name: one.sha256 for one in schema.migrations()} | {"9999_pre_more.sql": "x"}
    header = Header(format=1, release="9.9.9", taken_at=datetime.now(UTC), migrations=migrations)
    stream = io.BytesIO()
    with BackupWriter(stream, header=header) as writer:
        writer.end(key_ids=(), settings={})
    stream.seek(0)

    with pytest.raises(MaintenanceRefused, match=r"release 9\.9\.9, whose migration 9999_pre_more\.sql"):
        await restore(empty_database_url, BackupReader(stream))


async def test_what_is_cut_off_or_changed_is_noticed_and_leaves_an_empty_database(
    database_url: str, empty_database_url: str
) -> None:
    async with connected(database_url) as connection:
        await fill(connection)
    plain = gzip.decompress(await backed_up(database_url))
    damaged = {
        "cut off": plain[: len(plain) // 2 // 512 * 512],
        "a letter changed": plain.replace(b"Mira", b"Mara", 1),
        "no manifest": plain[: plain.index(b"manifest.json")],
        "an item less": plain.replace(b"\t297\t", b"\t298\t", 1),
        "something else": b"hello",
    }

    for name, content_of_it in damaged.items():
        assert content_of_it != plain, name
        with pytest.raises((MaintenanceRefused, asyncpg.PostgresError)):
            await restore(empty_database_url, BackupReader(io.BytesIO(gzip.compress(content_of_it))))

    async with connected(empty_database_url) as connection:
        assert await catalog.first_names(connection) == []


async def test_a_backup_is_of_one_moment_though_the_system_works_on(
    database_url: str, empty_database_url: str
) -> None:
    async with connected(database_url) as connection, connected(database_url) as watching:
        webhook_id = await fill(connection)
        before_count = await connection.fetchval("SELECT count(*) FROM webhook_deliveries")
        async with connection.transaction():
            await connection.execute("LOCK TABLE webhook_deliveries")
            backing_up = asyncio.create_task(backed_up(database_url))
            await until_answered(lambda: is_waited_for(watching))
            await connection.execute(DELIVERY, webhook_id)

    await restore(empty_database_url, BackupReader(io.BytesIO(await within(backing_up))))

    async with connected(empty_database_url) as connection:
        assert await connection.fetchval("SELECT count(*) FROM webhook_deliveries") == before_count


def test_secret_settings_are_named_and_not_told() -> None:
    told = told_settings(Settings(database_url=Secret("postgresql://u:hush@h/d"), lease_s=44.5))

    assert told["CROSSPLAY_LEASE_S"] == "44.5"
    assert "hush" not in str(told)
    assert "secret" in told["CROSSPLAY_DATABASE_URL"]
    assert "CROSSPLAY_SPOTIFY_CLIENT_SECRET" not in told  # there is none


async def test_the_command_makes_proves_and_restores_a_backup(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    async with connected(database_url) as connection:
        await fill(connection)
    file = tmp_path / "backup.tar.gz"
    environ = {
        **clean_environ(),
        "CROSSPLAY_DATABASE_URL": database_url,
        "CROSSPLAY_REDIS_URL": "redis://127.0.0.1:1/0",
        "CROSSPLAY_SECRET_KEYS": RING,
    }
    there = {**environ, "CROSSPLAY_DATABASE_URL": empty_database_url}

    made = await crossplay("backup", "create", str(file), environ=environ)
    proved = await crossplay("backup", "verify", str(file), "--keys", environ=environ)
    locked = {**there, "CROSSPLAY_SECRET_KEYS": OTHER_RING}
    closed = await crossplay("backup", "verify", str(file), "--keys", environ=locked)
    refused = await crossplay("backup", "restore", str(file), environ=locked)
    restored = await crossplay("backup", "restore", str(file), environ=there)

    assert [one[0] for one in (made, proved, closed, refused, restored)] == [0, 0, 1, 78, 0]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert names_in(tmp_path) == ["backup.tar.gz"]  # nothing unfinished beside it
    assert "opens all of its 2 sealed texts" in proved[2]
    assert "lacks: k7" in refused[2]
    assert "Restored 1 users, 1 connections" in restored[2]
    whole = gzip.decompress(file.read_bytes())
    assert RING.partition(":")[2].encode() not in whole


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def fill(connection: Any) -> uuid.UUID:
    """Put in something of every odd kind; return the id of a webhook."""
    cipher = Cipher(parse_key_ring(Secret(RING)))
    user_id, connection_id, webhook_id = (uuid.uuid4() for _ in range(3))
    tokens = cipher.seal("tokens", context=seals.tokens_context(str(connection_id), "spotify"))
    secret = cipher.seal("secret", context=seals.webhook_context(str(webhook_id)))
    await connection.execute(USER, user_id, "mira")
    await connection.execute(WEBHOOK, webhook_id, user_id, secret)
    await connection.execute(CONNECTION, connection_id, user_id, f"Mira {ODD}", tokens)
    transfer_ids = [uuid.uuid4() for _ in range(2)]
    for transfer_id in transfer_ids:
        await connection.execute(TRANSFER, transfer_id, user_id, connection_id, ODD)
    for one, other in (transfer_ids, reversed(transfer_ids)):
        await connection.execute(POINT, one, other)  # to and fro: no order would do
    await connection.executemany(ITEM, [(transfer_ids[0], position) for position in range(300)])
    await connection.execute(FILE, uuid.uuid4(), user_id, ODD)
    return webhook_id


async def content(connection: Any) -> dict[str, list[str]]:
    """Return all rows of all tables, but for what a restore changes on purpose."""
    await connection.execute("SET timezone = 'UTC'")
    changed = {
        "transfers": "to_jsonb(t) - 'revision'",
        "connections": "to_jsonb(t) - 'version'",
        "webhooks": "to_jsonb(t) - 'epoch'",
    }
    names = [table.name for table in await catalog.tables(connection) if table.name != "doubtful_targets"]
    return {
        name: sorted(
            row[0]
            for row in await connection.fetch(
                f"SELECT ({changed.get(name, 'to_jsonb(t)')})::text FROM {name} AS t"
            )
        )
        for name in names
    }


async def backed_up(database_url: str) -> bytes:
    stream = io.BytesIO()
    await dump(database_url, stream, taken_at=datetime.now(UTC), settings={}, part_bytes=2000)
    return stream.getvalue()


def test_rows_are_read_as_postgres_writes_them() -> None:
    rows = rows_of(b"a\\tb\\\\\\n\t\\N\n\t2\n", columns=("text", "number"))

    assert list(rows) == [{"text": "a\tb\\\n", "number": None}, {"text": "", "number": "2"}]

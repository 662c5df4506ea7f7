"""Looks at Postgres: whether it can be reached and used, fits this release, and has room for the fleet."""

from datetime import UTC, datetime, timedelta

import asyncpg

from deploy.doctor.findings import Finding, fail, ok, warn, words_of
from shared.cipher import Cipher
from shared.db import diagnosis, seals
from shared.db.diagnosis import Crew, ServerFacts
from shared.db.pool import STORE_ERRORS, Pool
from shared.db.schema import SchemaMismatch, require
from shared.settings import Settings, parse_key_ring

OLDEST, NEWEST = 15, 18
GATEWAY_CONNECTION_COUNT = 20
_SKEW_WARN_S = 2.0
_SKEW_FAIL_S = 60.0

ERRORS = (*STORE_ERRORS, asyncpg.PostgresError, ValueError)
"""What a look may end with: whatever the server says, it is told."""


async def examine(pool: Pool, *, settings: Settings) -> tuple[list[Finding], Crew | None]:
    """Return what was found, and the workers; None where they cannot be read."""
    before = datetime.now(UTC)
    try:
        facts = await diagnosis.server_facts(pool)
    except ERRORS as error:
        return [unreachable(error)], None
    after = datetime.now(UTC)
    findings = [
        version(facts),
        *usable(facts),
        clock(facts.now, asked_at=before, answered_at=after),
    ]
    schema = await _schema(pool, facts)
    findings.append(schema)
    if schema.verdict == "fail":
        return [*findings, connections(facts, settings=settings, worker_count=0)], None
    crew = await diagnosis.crew(pool)
    findings.append(connections(facts, settings=settings, worker_count=len(crew.alive)))
    findings += await _keys(pool, settings)
    return findings, crew


def unreachable(error: BaseException) -> Finding:
    """Say what hinders: each of the usual hindrances has a cure of its own."""
    check = "postgres"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return fail(
            check,
            "Postgres refuses the user or the password.",
            cure="Correct them in CROSSPLAY_DATABASE_URL; special signs of a password must be encoded.",
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return fail(
            check,
            "The database does not exist.",
            cure="Create it (CREATE DATABASE name), or correct the name in CROSSPLAY_DATABASE_URL.",
        )
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return fail(
            check,
            "All connections of Postgres are taken.",
            cure="Raise max_connections, run fewer workers, or put a pooler in front.",
        )
    return fail(
        check,
        f"Postgres does not answer: {words_of(error)}.",
        cure="Check host and port in CROSSPLAY_DATABASE_URL, that the server runs, and firewalls in between.",
    )


def version(facts: ServerFacts) -> Finding:
    major = facts.version_number // 10_000
    if major < OLDEST:
        return fail(
            "postgres version",
            f"Postgres {facts.version} is too old.",
            cure=f"Upgrade it: {OLDEST} to {NEWEST} are supported.",
        )
    if major > NEWEST:
        return warn(
            "postgres version",
            f"Postgres {facts.version} is newer than what this release was tested with.",
            cure=f"{OLDEST} to {NEWEST} are supported; look for a newer release of Crossplay.",
        )
    return ok("postgres version", f"Postgres {facts.version}.")


def usable(facts: ServerFacts) -> list[Finding]:
    """Say what keeps a server that answers from doing its work, or its promise."""
    findings = []
    if facts.encoding != "UTF8":
        findings.append(
            fail(
                "postgres encoding",
                f"The database holds {facts.encoding}, and names of music need every script.",
                cure="Make a database with ENCODING 'UTF8' TEMPLATE template0.",
            )
        )
    if facts.is_read_only:
        findings.append(
            fail(
                "postgres writes",
                "Postgres takes no changes: it is a replica, or transactions are read only.",
                cure="Point CROSSPLAY_DATABASE_URL at the primary server.",
            )
        )
    if facts.unsafe:
        findings.append(
            warn(
                "postgres safety",
                f"{', '.join(facts.unsafe)} off: after a crash, commits may be lost, and tracks added twice.",
                cure="Turn on in postgresql.conf what is off.",
            )
        )
    return findings


def clock(server_at: datetime, *, asked_at: datetime, answered_at: datetime) -> Finding:
    """Compare this machine's clock with the database's; the answer took some time."""
    half: timedelta = (answered_at - asked_at) / 2
    skew_s = abs((server_at - (asked_at + half)).total_seconds())
    doubt_s = half.total_seconds()
    if skew_s - doubt_s <= _SKEW_WARN_S:
        return ok("clock", f"This machine's clock and the database's differ by {skew_s:.1f} s.")
    text = f"This machine's clock and the database's differ by {skew_s:.0f} s."
    judge = fail if skew_s > _SKEW_FAIL_S else warn
    return judge("clock", text, cure="Let NTP set both clocks (timedatectl set-ntp true).")


def connections(facts: ServerFacts, *, settings: Settings, worker_count: int) -> Finding:
    """Say whether one more gateway or worker would still get its connections."""
    check = "postgres connections"
    per_worker_count = settings.worker_concurrency + 4
    left_count = facts.connection_limit_count - facts.connection_count
    text = (
        f"{facts.connection_count} of {facts.connection_limit_count} connections are taken; "
        f"a gateway takes up to {GATEWAY_CONNECTION_COUNT}, a worker up to {per_worker_count}"
        f"{f', and {worker_count} run' if worker_count else ''}."
    )
    cure = "Raise max_connections in postgresql.conf, or lower CROSSPLAY_WORKER_CONCURRENCY."
    if left_count <= 1:
        return fail(check, text, cure=cure)
    wanted_count = GATEWAY_CONNECTION_COUNT + per_worker_count * max(1, worker_count)
    if left_count < per_worker_count or facts.connection_limit_count < wanted_count:
        return warn(check, text, cure=cure)
    return ok(check, text)


async def _schema(pool: Pool, facts: ServerFacts) -> Finding:
    try:
        async with pool.acquire() as connection:
            names = await require(connection)
    except SchemaMismatch as mismatch:
        return fail("schema", str(mismatch), cure="Run the release that the database belongs to.")
    if not names:
        return ok("schema", "The schema is current.")
    text = f"{len(names)} migrations are missing: {', '.join(names)}."
    if facts.may_create_tables:
        return fail("schema", text, cure="Run: crossplay migrate")
    return fail(
        "schema",
        f"{text} The database's user may create no tables.",
        cure="As owner: GRANT CREATE ON SCHEMA public TO the user of CROSSPLAY_DATABASE_URL; "
        "then: crossplay migrate",
    )


async def _keys(pool: Pool, settings: Settings) -> list[Finding]:
    """Open some of what is stored: two different keys may have the same id."""
    cipher = Cipher(parse_key_ring(settings.secret_keys))
    uses = await seals.key_uses(pool)
    missing = sorted({use.kid for use in uses if use.kid is not None} - set(cipher.kids))
    cure = "Add the key to CROSSPLAY_SECRET_KEYS again; where it is lost, accounts are connected again."
    if missing:
        return [fail("keys", f"Stored texts need keys that the ring lacks: {', '.join(missing)}.", cure=cure)]
    broken = await diagnosis.unopened(pool, cipher)
    if broken:
        return [fail("keys", reason, cure=cure) for reason in broken]
    return [ok("keys", f"The ring ({', '.join(cipher.kids)}) opens what is stored.")]

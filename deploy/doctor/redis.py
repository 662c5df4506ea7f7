"""Looks at Redis: whether it can be reached and used, and keeps what the streams need kept."""

from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from deploy.doctor.findings import Finding, fail, ok, warn, words_of, worst_of
from shared.streams import STORE_ERRORS, nodes_of

_FULL_WARN = 0.75
_FULL_FAIL = 0.95


async def examine(redis: Redis) -> list[Finding]:
    """Look at each node of a cluster, and tell of each thing how it is where it is worst."""
    try:
        servers: list[dict[str, Any]] = [await node.info() for node in await nodes_of(redis)]
    except STORE_ERRORS as error:
        return [unreachable(error)]
    judges = (version, role, eviction, memory, persistence)
    return [worst_of([judge(facts) for facts in servers]) for judge in judges]


def unreachable(error: BaseException) -> Finding:
    """Say what hinders."""
    words = words_of(error)
    if isinstance(error, NoPermissionError):
        return fail(
            "redis", f"The user may not do what is needed: {words}.", cure="Allow it: ACL SETUSER … +@all ~*"
        )
    is_refused = isinstance(error, AuthenticationError) or "NOAUTH" in words or "WRONGPASS" in words
    if is_refused or (isinstance(error, ResponseError) and "password" in words):
        return fail(
            "redis",
            "Redis refuses the user or the password.",
            cure="Correct them in CROSSPLAY_REDIS_URL; special signs of a password must be encoded.",
        )
    return fail(
        "redis",
        f"Redis does not answer: {words}.",
        cure="Check host and port in CROSSPLAY_REDIS_URL, rediss:// for TLS, and that the server runs.",
    )


def version(facts: Mapping[str, Any]) -> Finding:
    """Valkey tells a version of Redis beside its own: 7.2.4 is what it began from."""
    valkey = facts.get("valkey_version")
    name, number, least = ("Valkey", valkey, (8, 0)) if valkey else ("Redis", facts["redis_version"], (7, 0))
    if tuple(int(part) for part in str(number).split(".")[:2]) < least:
        return fail(
            "redis version", f"{name} {number} is too old.", cure="Upgrade it: Redis ≥ 7.0 or Valkey ≥ 8.0."
        )
    return ok("redis version", f"{name} {number}.")


def role(facts: Mapping[str, Any]) -> Finding:
    if facts.get("role") != "master":
        return fail(
            "redis writes",
            "Redis takes no changes: it is a replica.",
            cure="Point CROSSPLAY_REDIS_URL at the primary server.",
        )
    if facts.get("rdb_last_bgsave_status") == "err" or facts.get("aof_last_write_status") == "err":
        return fail(
            "redis writes",
            "Redis could not write to its disk, and takes no changes until it can.",
            cure="Make room on its disk; its log says what hinders.",
        )
    return ok("redis writes", "Redis takes changes.")


def eviction(facts: Mapping[str, Any]) -> Finding:
    policy = facts.get("maxmemory_policy", "noeviction")
    cure = "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf."
    if policy == "noeviction":
        return ok("redis eviction", "Nothing is thrown away when memory is full.")
    if str(policy).startswith("allkeys"):
        text = f"With maxmemory-policy {policy} Redis throws away streams when its memory is full."
        return fail("redis eviction", text, cure=cure)
    text = f"With maxmemory-policy {policy} Redis throws away request budgets when its memory is full."
    return warn("redis eviction", text, cure=cure)


def memory(facts: Mapping[str, Any]) -> Finding:
    used, limit = int(facts["used_memory"]), int(facts.get("maxmemory", 0))
    if not limit:
        return ok("redis memory", f"{_mib(used)} are used; no limit is set.")
    text = f"{_mib(used)} of {_mib(limit)} are used."
    cure = "Raise maxmemory: a full Redis refuses to queue work."
    if used > _FULL_FAIL * limit:
        return fail("redis memory", text, cure=cure)
    return warn("redis memory", text, cure=cure) if used > _FULL_WARN * limit else ok("redis memory", text)


def persistence(facts: Mapping[str, Any]) -> Finding:
    """Nothing depends on it: what Redis loses is found in Postgres again."""
    if facts.get("loading"):
        return warn("redis persistence", "Redis is still loading its data.", cure="Wait until it is done.")
    kept = "an append-only file" if facts.get("aof_enabled") else "snapshots or nothing"
    return ok(
        "redis persistence",
        f"Redis keeps {kept}; what it loses costs time and no track, since work is found in Postgres again.",
    )


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.0f} MiB"

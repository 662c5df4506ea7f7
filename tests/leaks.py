"""Looks for secrets: in whatever spelling, in texts, and in all that both stores hold."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
import redis.asyncio

TABLES = """
SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
"""


def spellings(secret: str) -> set[bytes]:
    """Return what a secret looks like raw, in hex, and inside of any base64."""
    raw = secret.encode()
    # What stands before it moves it against the groups of three bytes; signs that share a group with a
    # neighbour depend on that.
    inside = {
        encode(bytes(shift) + raw).rstrip(b"=")[4 if shift else 0 : -2]
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
        for shift in range(3)
    }
    return {raw, raw.hex().encode(), raw.hex().upper().encode(), *inside}


def leaks(texts: Mapping[str, bytes], *, secrets: Mapping[str, str]) -> list[str]:
    """Name each text that holds a secret, and which."""
    wanted = [(name, spelling) for name, secret in secrets.items() for spelling in spellings(secret)]
    return sorted(
        {f"{name} in {place}" for place, text in texts.items() for name, one in wanted if one in text}
    )


async def dump_database(url: str) -> dict[str, bytes]:
    """Return every row of every table as JSON, by table; a bytea is hex there."""
    connection = await asyncpg.connect(url)
    try:
        tables = [row["table_name"] for row in await connection.fetch(TABLES)]
        return {
            f"table {table}": _lines(
                row[0]
                for row in await connection.fetch(f'SELECT row_to_json(one)::text FROM "{table}" AS one')
            )
            for table in tables
        }
    finally:
        await connection.close()


async def dump_redis(url: str) -> dict[str, bytes]:
    """Return every key of a Redis database with its value."""
    async with redis.asyncio.Redis.from_url(url, decode_responses=False) as client:
        return {f"redis {key!r}": key + b" " + await _value(client, key) async for key in client.scan_iter()}


async def _value(client: "redis.asyncio.Redis", key: bytes) -> bytes:
    kind: Any = await client.type(key)
    readers: dict[str, Any] = {
        "string": client.get,
        "hash": client.hgetall,
        "stream": client.xrange,
        "set": client.smembers,
        "list": lambda name: client.lrange(name, 0, -1),
        "zset": lambda name: client.zrange(name, 0, -1, withscores=True),
    }
    value = await readers[kind.decode()](key) if kind != b"none" else b""
    return value if isinstance(value, bytes) else repr(value).encode()


def _lines(rows: Iterable[str]) -> bytes:
    return "\n".join(rows).encode()

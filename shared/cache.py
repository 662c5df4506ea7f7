"""Short calls to Redis for values that may be lost: where it is away, things are slower, nothing else."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import msgspec
from redis.asyncio import Redis

from shared.streams import STORE_ERRORS

T = TypeVar("T")

_TIMEOUT_S = 0.5


class Cache:
    """Values as JSON under a key, each with an end of life."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get(self, key: str, *, into: type[T]) -> T | None:
        """Return what is stored; None where nothing is, in another release's form, or Redis is away."""
        return _decode(await _attempt(self._redis.get(key)), into=into)

    async def put(self, key: str, *, value: Any, life_s: int, is_new: bool = False) -> None:
        """Store a value. is_new: only where none is stored."""
        await _attempt(self._redis.set(key, msgspec.json.encode(value), ex=life_s, nx=is_new))

    async def get_part(self, key: str, part: str, *, into: type[T]) -> T | None:
        """Return a value that stands with others under one key, as `get` does."""
        call: Any = self._redis.hget(key, part)
        return _decode(await _attempt(call), into=into)

    async def put_part(self, key: str, part: str, *, value: Any, life_s: int) -> None:
        """Store a value beside others, which all live on for as long, to be dropped together."""
        calls = self._redis.pipeline()
        calls.hset(key, part, msgspec.json.encode(value).decode())
        calls.expire(key, life_s)
        await _attempt(calls.execute())

    async def drop(self, key: str) -> None:
        await _attempt(self._redis.delete(key))


def _decode(text: Any, *, into: type[T]) -> T | None:
    try:
        return msgspec.json.decode(text, type=into) if text else None
    except msgspec.DecodeError:
        return None


async def _attempt(call: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await call
    except STORE_ERRORS:
        return None

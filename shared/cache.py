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
        text = await _attempt(self._redis.get(key))
        try:
            return msgspec.json.decode(text, type=into) if text else None
        except msgspec.DecodeError:
            return None

    async def put(self, key: str, *, value: Any, life_s: int) -> None:
        await _attempt(self._redis.set(key, msgspec.json.encode(value), ex=life_s))

    async def drop(self, key: str) -> None:
        await _attempt(self._redis.delete(key))


async def _attempt(call: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await call
    except STORE_ERRORS:
        return None

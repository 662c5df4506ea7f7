"""The cache gives back what fits, and nothing where Redis is away or speaks another form."""

from typing import Any

import msgspec
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from shared.cache import Cache


class Value(msgspec.Struct):
    name: str


class FakeRedis:
    """A dictionary with Redis's names; away: every call fails."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.values: dict[str, Any] = {}
        self._is_away = is_away

    async def get(self, key: str) -> Any:
        self._check()
        return self.values.get(key)

    async def set(self, key: str, value: bytes, *, ex: int, nx: bool = False) -> None:
        self._check()
        if not nx or key not in self.values:
            self.values[key] = value.decode()

    async def delete(self, key: str) -> None:
        self._check()
        self.values.pop(key, None)

    def _check(self) -> None:
        if self._is_away:
            raise RedisConnectionError("away")


async def test_a_value_comes_back_until_it_is_dropped() -> None:
    cache = Cache(FakeRedis())  # type: ignore[arg-type]  # a stand-in with the three calls

    await cache.put("k", value=Value(name="a"), life_s=5)
    kept = await cache.get("k", into=Value)
    await cache.drop("k")

    assert kept == Value(name="a")
    assert await cache.get("k", into=Value) is None


async def test_a_value_that_must_be_new_leaves_the_one_that_stands_there() -> None:
    cache = Cache(FakeRedis())  # type: ignore[arg-type]  # as above

    await cache.put("k", value=Value(name="a"), life_s=5, is_new=True)
    await cache.put("k", value=Value(name="b"), life_s=5, is_new=True)
    kept = await cache.get("k", into=Value)
    await cache.put("k", value=Value(name="c"), life_s=5)

    assert kept == Value(name="a")
    assert await cache.get("k", into=Value) == Value(name="c")


@pytest.mark.parametrize("text", ['{"title": "a"}', "garbage", "[]"])
async def test_a_value_of_another_form_is_none(text: str) -> None:
    redis = FakeRedis()
    redis.values["k"] = text

    assert await Cache(redis).get("k", into=Value) is None  # type: ignore[arg-type]  # as above


async def test_without_redis_nothing_is_kept_and_nothing_fails() -> None:
    cache = Cache(FakeRedis(is_away=True))  # type: ignore[arg-type]  # as above

    await cache.put("k", value=Value(name="a"), life_s=5)
    await cache.drop("k")

    assert await cache.get("k", into=Value) is None

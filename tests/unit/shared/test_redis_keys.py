"""Where keys are in a cluster: those of one command share a slot, and of each command the key is found."""

from typing import Any

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from shared.limiter import bookings_of
from shared.models import Platform, Track
from shared.platforms.profile import REQUESTS, Pool
from shared.redis_cluster import key_of
from shared.streams import key
from tests.fakes.adapter import MemoryAdapter, MemoryPlatform
from tests.fakes.pools import profile_of
from tests.integration.worker.engine import APPENDING
from worker.desk import Desk

PLATFORM = Platform.SPOTIFY


def desk_keys() -> list[str]:
    pool: Any = None
    redis: Any = None
    adapter = MemoryAdapter(MemoryPlatform(PLATFORM, capabilities=APPENDING))
    desk = Desk(adapter, market="DE", form=tuple[Track, ...], pool=pool, redis=redis)
    questions = ("isrc:XXAAA2600001", "text:{0f}", "album:}{", "album-tracks:1")
    return [make(question) for question in questions for make in (desk._answer_key, desk._mark_key)]


def test_all_keys_of_a_platform_share_a_slot_whatever_is_in_them() -> None:
    redis = Redis()
    book = bookings_of(
        redis, profile=profile_of(Pool(limit=5, window_s=1.0)), limit_key="{app}:a}{b", pool_name=REQUESTS
    )
    names = [key(PLATFORM, "jobs"), key(PLATFORM, "health"), book._key, *desk_keys()]

    assert {key_slot(name.encode()) for name in names} == {key_slot(b"crossplay:spotify")}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("XADD", "s", "*", "f", "v"), "s"),
        (("XGROUP CREATE", "s", "g", "0", "MKSTREAM"), "s"),
        (("XINFO CONSUMERS", "s", "g"), "s"),
        (("XREADGROUP", b"GROUP", "STREAMS", "c", b"COUNT", 1, b"BLOCK", 5, b"STREAMS", "s", ">"), "s"),
        (("EVALSHA", "sha", 1, "k", "a"), "k"),
        (("EVALSHA", "sha", 0, "a"), None),
        (("MGET", "a", "b"), "a"),
        (("SET", b"k", "v", "NX", "PX", 5), b"k"),
        (("MEMORY USAGE", "k"), "k"),
        (("SCRIPT LOAD", "return 1"), None),
        (("CLUSTER SLOTS",), None),
        (("TIME",), None),
    ],
)
def test_the_key_of_a_command_is_found(command: tuple[Any, ...], name: str | bytes | None) -> None:
    assert key_of(command) == name

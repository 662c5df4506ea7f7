"""One process at a time for work that all could do: a key in Redis with an end, kept by its holder."""

from redis.asyncio import Redis

# The holder alone lets go: another one may lead by now.
_RESIGN = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Leader:
    """Saves work and guards nothing: for a moment there may be two, or none.

    Every method raises streams.STORE_ERRORS. was_me: what was last heard, for who can go on without Redis.
    """

    def __init__(self, redis: Redis, *, key: str, name: str, term_s: float) -> None:
        self._redis = redis
        self._key = key
        self._name = name
        self._term_ms = int(term_s * 1000)
        self.was_me = False

    async def is_me(self) -> bool:
        """Take the lead if it is free, prolong it if it is ours, and say whether it is."""
        self.was_me = await self._claim()
        return self.was_me

    async def resign(self) -> None:
        """Let another one lead at once."""
        if self.was_me:
            self.was_me = False
            await self._redis.eval(_RESIGN, 1, self._key, self._name)

    async def _claim(self) -> bool:
        if await self._redis.set(self._key, self._name, nx=True, px=self._term_ms):
            return True
        if await self._redis.get(self._key) != self._name:
            return False
        await self._redis.pexpire(self._key, self._term_ms)
        return True

"""TIDAL's budget: a bucket of tokens for each client, from which every request takes what it costs."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from deploy.sandbox.answers import Throttled
from deploy.sandbox.desk import Desk
from deploy.sandbox.options import TokenBucket
from deploy.sandbox.tidal.access import anybody
from deploy.sandbox.tidal.voice import TidalVoice

Handler = Callable[[web.Request], Awaitable[web.Response]]


class _Bucket:
    def __init__(self, size: TokenBucket, *, now_s: float) -> None:
        self._size = size
        self._tokens = float(size.capacity)
        self._at_s = now_s

    def take(self, cost: int, *, now_s: float) -> tuple[int, float]:
        """Take the tokens if they are there. Returns what is left, and the wait in seconds, 0 where taken."""
        grown = self._tokens + (now_s - self._at_s) * self._size.per_s
        self._tokens, self._at_s = min(float(self._size.capacity), grown), now_s
        if self._tokens < cost:
            return int(self._tokens), (cost - self._tokens) / self._size.per_s
        self._tokens -= cost
        return int(self._tokens), 0.0


class Buckets:
    """Meters the API's calls, where the sandbox was started with a bucket."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._size = desk.options.token_bucket
        self._by_client: dict[str, _Bucket] = {}

    def metered(self, handler: Handler) -> Handler:
        """Return the handler with its price in front of it, and the headers that tell of it."""
        size = self._size
        if size is None:
            return handler

        async def asked(request: web.Request) -> web.Response:
            now_s = self._desk.clock.now_s()
            client_id = anybody(self._desk, request).client_id
            bucket = self._by_client.setdefault(client_id, _Bucket(size, now_s=now_s))
            cost = min(cost_of(request), size.capacity)
            left, wait_s = bucket.take(cost, now_s=now_s)
            if wait_s:
                answer = TidalVoice().throttled(Throttled(retry_after_s=wait_s, is_own_limit=True))
            else:
                answer = await handler(request)
            answer.headers.update(
                {
                    "X-RateLimit-Remaining": str(left),
                    "X-RateLimit-Burst-Capacity": str(size.capacity),
                    "X-RateLimit-Replenish-Rate": f"{size.per_s:g}",
                    "X-RateLimit-Requested-Tokens": str(cost),
                }
            )
            return answer

        return asked


def cost_of(request: web.Request) -> int:
    """One token, and one more for each kind of resource that is to be included."""
    paths = ",".join(request.query.getall("include", []))
    return 1 + len(set(filter(None, paths.replace(".", ",").split(","))))

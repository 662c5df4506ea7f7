"""Looks at who works, and at the streams between the stores: whether anything waits for nobody."""

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from deploy.doctor.findings import Finding, fail, ok, warn, words_of
from shared.db.diagnosis import Crew
from shared.models import Platform
from shared.streams import GROUP, STORE_ERRORS, key


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """The stream of one platform. has_group: workers make the group when they start.

    pending: entries by the consumer that has them, where it has any. lag_count: entries that nobody has.
    """

    platform: Platform
    has_group: bool
    lag_count: int
    pending: dict[str, int]


async def examine(redis: Redis, *, crew: Crew) -> list[Finding]:
    try:
        queues = [await _queue(redis, platform) for platform in Platform]
    except STORE_ERRORS as error:
        text = f"The streams cannot be read: {words_of(error)}."
        return [workers(crew), fail("streams", text, cure="What Redis needs is told above.")]
    return [workers(crew), *(stream(queue, crew=crew) for queue in queues)]


def workers(crew: Crew) -> Finding:
    if not crew.alive:
        text = f"No worker is alive; {crew.active_transfer_count} transfers want one."
        cure = "Start some: crossplay worker"
        judge = fail if crew.active_transfer_count else warn
        return judge("workers", text, cure=cure)
    text = f"{len(crew.alive)} alive; {crew.active_transfer_count} transfers under way."
    if crew.silent:
        return warn(
            "workers",
            f"{text} {len(crew.silent)} ended within the last hour without saying so.",
            cure="Their logs say more; killed for memory, or given less time than CROSSPLAY_DRAIN_S?",
        )
    return ok("workers", text)


def stream(queue: Queue, *, crew: Crew) -> Finding:
    """Say whether entries are with workers that are no more while nobody is there to take them over."""
    check = f"stream {queue.platform}"
    orphans = {name: count for name, count in queue.pending.items() if name not in crew.alive}
    orphan_count = sum(orphans.values())
    text = f"{queue.lag_count} entries wait, {sum(queue.pending.values())} are with workers."
    if not queue.has_group:
        return ok(check, "No worker has opened it yet.")
    if not crew.alive and (orphan_count or queue.lag_count):
        return fail(check, f"{text} No worker is alive.", cure="Start some: crossplay worker")
    if orphan_count:
        return warn(
            check,
            f"{text} {orphan_count} of them are with workers that are no more.",
            cure="The others take them over when CROSSPLAY_LEASE_S is over; if not, read their logs.",
        )
    return ok(check, text)


async def _queue(redis: Redis, platform: Platform) -> Queue:
    name = key(platform, "jobs")
    try:
        groups = await redis.xinfo_groups(name)
    except ResponseError as error:
        if "no such key" not in str(error):
            raise
        groups = []
    group = next((one for one in groups if one["name"] == GROUP), None)
    if group is None:
        return Queue(platform=platform, has_group=False, lag_count=0, pending={})
    consumers = await redis.xinfo_consumers(name, GROUP)
    return Queue(
        platform=platform,
        has_group=True,
        lag_count=group["lag"] or 0,
        pending={one["name"]: one["pending"] for one in consumers if one["pending"]},
    )

"""How deliveries arrive: signed, again after a failure, one at a time, and never where they must not."""

import socket
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks import WebhookVerificationError

from shared.db import webhook_queue
from shared.db.pool import Pool
from shared.db.webhooks import WebhookChange, change, rotate
from shared.webhook_events import WebhookEvent
from shared.webhook_secrets import new_secret, seal
from tests.integration.worker.engine import Engine
from tests.integration.worker.webhooks import CIPHER, LEASE_S, Hook, delivering, hook, pass_time
from tests.receivers import Receiver
from tests.waiting import until_answered
from worker.webhooks.deliverer import FAILING_SLOT_COUNT, KEPT_DAYS, PER_USER_COUNT
from worker.webhooks.verdicts import DAY_S, RETRY_DELAYS_S

pytestmark = pytest.mark.integration

MOVE_END = """
UPDATE connections SET sign_in_ends_at = now() + make_interval(secs => $2) WHERE id = $1
"""
CONNECT = """
INSERT INTO connections (id, user_id, platform, label, market, sealed_tokens, authorized_at, sign_in_ends_at)
VALUES (gen_random_uuid(), $1, 'spotify', 'Mira', 'DE', 'sealed', now(), now() + make_interval(secs => $2))
RETURNING id
"""


async def settled(mine: Hook, *, attempts: int = 1) -> dict[str, object]:
    """Wait until the latest delivery has so many attempts and none under way; return its row."""

    async def is_settled() -> bool:
        delivery = await mine.delivery()
        lease = (await mine.row())["lease_until"]
        return delivery["attempt_count"] >= attempts and lease is None

    await until_answered(is_settled)
    return await mine.delivery()


async def test_a_transfer_arrives_in_order_signed_and_thin(positioned: Engine) -> None:
    async with Receiver() as receiver, delivering(positioned.pool):
        mine = await hook(positioned.pool, receiver.url)
        transfer_id = await positioned.transfer(range(6))
        await positioned.run()
        await receiver.arrived(5)
        await settled(mine)

    assert [one for one in receiver.types if one.startswith("transfer.")] == [
        "transfer.queued",
        "transfer.started",
        "transfer.completed",
    ]
    assert len(set(receiver.ids)) == len(receiver.ids)
    for arrival in receiver.arrivals:
        arrival.verify(mine.secret.reveal())
        assert arrival.headers["content-type"] == "application/json"
        assert len(arrival.body) < 2000
    last = receiver.arrivals[-1].payload["data"]
    assert (last["id"], last["state"], last["outcome"]) == (transfer_id, "completed", "full")
    assert last["revision"] == (await positioned.load(transfer_id)).revision
    assert last["counts"]["written"] == last["counts"]["total"] == 6
    assert last["summary"] == "All 6 are in “Tides” on Apple_Music, checked."
    delivery = await mine.delivery()
    assert (delivery["state"], delivery["last_status"], delivery["last_error"]) == ("delivered", 204, None)


async def test_a_failure_is_followed_by_the_same_message_signed_anew(pool: Pool) -> None:
    async with Receiver(500, 302, 204) as receiver, delivering(pool):
        mine = await hook(pool, receiver.url)
        await mine.add()
        first = await settled(mine)
        await pass_time(pool, RETRY_DELAYS_S[0] * 1.2)
        await settled(mine, attempts=2)
        failing = await mine.row()
        await pass_time(pool, RETRY_DELAYS_S[1] * 1.2)
        last = await settled(mine, attempts=3)
        recovered = await mine.row()

    assert (first["state"], first["last_status"], first["last_error"]) == ("pending", 500, "status")
    assert len(receiver.arrivals) == 3  # the redirect has not been followed
    assert len(set(receiver.ids)) == 1
    assert len({arrival.body for arrival in receiver.arrivals}) == 1
    for arrival in receiver.arrivals:
        arrival.verify(mine.secret.reveal())
    assert (last["state"], last["attempt_count"], last["next_try_at"]) == ("delivered", 3, None)
    assert failing["failing_since"] is not None
    assert recovered["failing_since"] is None


async def test_a_wish_to_wait_is_kept(pool: Pool) -> None:
    async with Receiver(503) as receiver, delivering(pool):
        receiver.headers["Retry-After"] = "120"
        mine = await hook(pool, receiver.url)
        await mine.add()

        delivery = await settled(mine)

    wait = delivery["next_try_at"] - datetime.now(UTC)  # type: ignore[operator]  # a datetime
    assert timedelta(seconds=90) < wait <= timedelta(seconds=120)


async def test_a_receiver_that_is_gone_is_disabled_and_hears_nothing_more(positioned: Engine) -> None:
    pool = positioned.pool
    async with Receiver(410) as receiver, delivering(pool):
        mine = await hook(pool, receiver.url)
        gone = await mine.add()
        await settled(mine)
        await positioned.transfer(range(2))
        row, told = await mine.row(), await mine.told()

    assert (row["is_enabled"], row["disabled_reason"]) == (False, "gone")
    assert (await mine.delivery(gone))["state"] == "failed"
    assert len(told) == len(receiver.arrivals) == 1


async def test_who_takes_nothing_for_days_is_disabled_until_the_user_enables_it(
    pool: Pool,
) -> None:
    async with Receiver(*[500] * 10, 204) as receiver, delivering(pool):
        mine = await hook(pool, receiver.url)
        await mine.add()
        for attempts, delay_s in enumerate((*RETRY_DELAYS_S, DAY_S), start=1):
            await settled(mine, attempts=attempts)
            is_enabled = (await mine.row())["is_enabled"]
            assert is_enabled == (attempts < 10)
            await pass_time(pool, delay_s * 1.2)
        disabled, delivery = await mine.row(), await mine.delivery()
        waiting = await mine.add()
        await change(pool, mine.id, user_id=mine.user_id, wish=WebhookChange(is_enabled=True))
        await receiver.arrived(11)
        enabled = await mine.row()

    assert (disabled["disabled_reason"], delivery["state"]) == ("failing", "failed")
    assert receiver.ids[-1] == waiting
    assert (enabled["is_enabled"], enabled["disabled_reason"]) == (True, None)


async def test_a_receiver_that_answers_too_late_has_failed(pool: Pool) -> None:
    async with Receiver() as receiver, delivering(pool, timeout_s=0.05):
        receiver.gate.clear()
        mine = await hook(pool, receiver.url)
        await mine.add()

        delivery = await settled(mine)

    assert (delivery["state"], delivery["last_error"], delivery["last_status"]) == (
        "pending",
        "timeout",
        None,
    )


async def test_a_test_that_is_not_taken_is_not_sent_again(pool: Pool) -> None:
    async with Receiver(500) as receiver, delivering(pool):
        mine = await hook(pool, receiver.url)
        await mine.add(WebhookEvent.WEBHOOK_TEST)

        delivery = await settled(mine)

    assert (delivery["state"], len(receiver.arrivals)) == ("failed", 1)


async def test_receivers_that_do_not_answer_hold_up_nobody_who_does(pool: Pool) -> None:
    async with Receiver() as dead, Receiver() as alive, delivering(pool):
        dead.gate.clear()
        count = 2 * FAILING_SLOT_COUNT + 4
        silent = [await hook(pool, dead.url, user=f"user {number}") for number in range(count)]
        await pool.execute("UPDATE webhooks SET failing_since = now()")
        for one in silent:
            await one.add()
        await dead.arrived(FAILING_SLOT_COUNT)
        mine = await hook(pool, alive.url)
        sent = [await mine.add() for _ in range(5)]

        await alive.arrived(5)

        held_count = len(dead.arrivals)
        dead.gate.set()
        await dead.arrived(len(silent))

    assert alive.ids == sent
    assert held_count == FAILING_SLOT_COUNT


async def test_a_user_with_many_slow_receivers_takes_a_few_places(pool: Pool) -> None:
    async with Receiver() as slow, Receiver() as other, delivering(pool):
        slow.gate.clear()
        hooks = [await hook(pool, slow.url) for _ in range(PER_USER_COUNT + 3)]
        for one in hooks:
            await one.add()
        await slow.arrived(PER_USER_COUNT)
        mine = await hook(pool, other.url, user="somebody else")
        await mine.add()
        await other.arrived(1)
        slow.gate.set()
        await slow.arrived(len(hooks))

    assert slow.most_at_once == PER_USER_COUNT


async def test_a_webhook_gets_one_at_a_time_from_all_workers_together_and_each_once(pool: Pool) -> None:
    async with Receiver() as receiver, delivering(pool), delivering(pool), delivering(pool):
        mine = await hook(pool, receiver.url)
        sent = [await mine.add() for _ in range(30)]
        await receiver.arrived(30)
        await settled(mine)

    assert receiver.ids == sent
    assert receiver.most_at_once == 1


async def test_many_webhooks_get_each_delivery_once_from_all_workers_together(pool: Pool) -> None:
    async with Receiver() as receiver:
        hooks = [await hook(pool, receiver.url) for _ in range(10)]
        sent = [await one.add() for one in hooks for _ in range(5)]
        async with delivering(pool), delivering(pool), delivering(pool):
            await receiver.arrived(50)
            for one in hooks:
                await settled(one)

    assert sorted(receiver.ids) == sorted(sent)


async def test_a_worker_that_dies_before_it_notes_the_result_leaves_the_rest_in_order(pool: Pool) -> None:
    async with Receiver() as receiver:
        mine = await hook(pool, receiver.url)
        first, second = await mine.add(), await mine.add()
        receiver.gate.clear()
        async with delivering(pool) as victim:
            await receiver.arrived(1)
            victim.cancel()
        receiver.gate.set()
        async with delivering(pool):
            alone = await mine.row()
            await pass_time(pool, LEASE_S)
            await receiver.arrived(3)
            await settled(mine)

    assert alone["lease_until"] is not None
    assert receiver.ids == [first, first, second]
    assert receiver.arrivals[0].body == receiver.arrivals[1].body
    assert (await mine.delivery(first))["attempt_count"] == 2


async def test_a_result_that_comes_after_the_lease_changes_nothing(pool: Pool) -> None:
    async with Receiver(500, 204) as receiver:
        mine = await hook(pool, receiver.url)
        sent = await mine.add()
        receiver.gate.clear()
        async with delivering(pool), delivering(pool):
            await receiver.arrived(1)
            await pass_time(pool, LEASE_S)
            await receiver.arrived(2)
            receiver.gate.set()
            delivery = await settled(mine, attempts=2)

    assert receiver.ids == [sent, sent]
    assert (delivery["state"], delivery["last_status"]) == ("delivered", 204)
    assert (await mine.row())["failing_since"] is None


async def test_a_new_address_gets_what_the_old_one_was_just_being_sent(pool: Pool) -> None:
    async with Receiver(410) as old, Receiver() as new, delivering(pool):
        mine = await hook(pool, old.url)
        sent = await mine.add()
        old.gate.clear()
        await old.arrived(1)

        await change(pool, mine.id, user_id=mine.user_id, wish=WebhookChange(url=new.url))
        old.gate.set()
        await new.arrived(1)
        await settled(mine, attempts=2)

    assert new.ids == [sent]
    assert (await mine.row())["is_enabled"]


async def test_both_secrets_sign_for_a_day_then_the_new_one_alone(pool: Pool) -> None:
    fresh = new_secret()
    async with Receiver() as receiver, delivering(pool):
        mine = await hook(pool, receiver.url)
        sealed = seal(CIPHER, fresh, webhook_id=mine.id)
        await rotate(pool, mine.id, user_id=mine.user_id, sealed_secret=sealed, overlap_s=DAY_S)
        await mine.add()
        await receiver.arrived(1)
        await settled(mine)
        await pass_time(pool, DAY_S)
        await mine.add()
        await receiver.arrived(2)

    overlapping, later = receiver.arrivals
    for secret in (mine.secret, fresh):
        overlapping.verify(secret.reveal())
    later.verify(fresh.reveal())
    with pytest.raises(WebhookVerificationError):
        later.verify(mine.secret.reveal())


async def test_what_no_key_opens_is_not_sent_and_blames_nobody(pool: Pool) -> None:
    async with Receiver() as receiver, delivering(pool):
        mine = await hook(pool, receiver.url)
        await pool.execute("UPDATE webhooks SET sealed_secret = 'v1.k9.x.y'")
        await mine.add()

        delivery = await settled(mine)

    assert (delivery["state"], delivery["last_error"]) == ("pending", "unsigned")
    assert receiver.arrivals == []


class TurningResolver(AbstractResolver):
    """Answers each question with the next list of addresses, the last one for ever. An empty one is none."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "nobody has this name")
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0)
            for one in addresses
        ]

    async def close(self) -> None:
        """Has nothing to close."""


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), ("127.0.0.1", "127.0.0.2"), ("169.254.169.254",), ("10.0.0.1", "127.0.0.1")]
)
async def test_a_name_that_leads_inside_is_not_called(pool: Pool, addresses: tuple[str, ...]) -> None:
    async with Receiver() as receiver, delivering(pool, networks="", resolver=TurningResolver(addresses)):
        mine = await hook(pool, f"https://receiver.example:{receiver.port}/hook")
        await mine.add()

        delivery = await settled(mine)

    assert (delivery["state"], delivery["last_error"]) == ("pending", "address_refused")
    assert receiver.arrivals == []


async def test_a_name_that_changes_its_mind_is_judged_where_the_connection_goes(pool: Pool) -> None:
    resolver = TurningResolver(("127.0.0.9",), ("127.0.0.1",))
    async with Receiver() as receiver, delivering(pool, networks="127.0.0.9/32", resolver=resolver):
        mine = await hook(pool, f"http://receiver.example:{receiver.port}/hook")
        await mine.add()
        first = await settled(mine)
        await pass_time(pool, RETRY_DELAYS_S[0] * 1.2)
        second = await settled(mine, attempts=2)

    assert first["last_error"] == "connection_failed"  # it was let pass, and nobody listens there
    assert second["last_error"] == "address_refused"
    assert receiver.arrivals == []


async def test_what_was_allowed_once_is_refused_when_it_is_not_any_more(pool: Pool) -> None:
    async with Receiver() as receiver, delivering(pool, networks=""):
        mine = await hook(pool, receiver.url)
        await mine.add()

        delivery = await settled(mine)

    assert delivery["last_error"] == "address_refused"
    assert receiver.arrivals == []


async def test_an_address_without_tls_or_without_a_name_is_told_apart(pool: Pool) -> None:
    async with Receiver() as receiver, delivering(pool, resolver=TurningResolver(())):
        plain = await hook(pool, receiver.url.replace("http://", "https://"))
        nameless = await hook(pool, "https://nobody.example/hook")
        for one in (plain, nameless):
            await one.add()

        errors = [(await settled(one))["last_error"] for one in (plain, nameless)]

    assert errors == ["tls_failed", "name_unknown"]


async def test_old_deliveries_are_forgotten(pool: Pool) -> None:
    mine = await hook(pool)
    old = await mine.add()
    await pool.execute("UPDATE webhooks SET is_enabled = false")
    age = "UPDATE webhook_deliveries SET created_at = now() - make_interval(days => $1)"
    await pool.execute(age, KEPT_DAYS + 1)
    kept = await mine.add()

    async with delivering(pool):

        async def is_pruned() -> bool:
            return bool(await pool.fetchval("SELECT count(*) = 1 FROM webhook_deliveries"))

        await until_answered(is_pruned)

    assert (await mine.delivery())["id"] != old
    assert str((await mine.delivery())["id"]) == kept


@pytest.mark.parametrize("days_left", [-1, 31, 400])
async def test_an_end_of_a_sign_in_that_is_past_or_far_away_is_not_told(pool: Pool, days_left: int) -> None:
    mine = await hook(pool)
    await ending_connection(mine, pool, days_left=days_left)

    await webhook_queue.tell_expiring(pool)

    assert await mine.told() == ["connection.connected"]


async def test_an_end_of_a_sign_in_is_told_at_thirty_seven_and_one_day_once_each(pool: Pool) -> None:
    mine, stranger = await hook(pool), await hook(pool, user="somebody else")
    connection_id = await ending_connection(mine, pool, days_left=29.5)

    counts = []
    for days_left in (29.5, 10, 6.5, 2, 0.9, 0.1):
        for _ in range(2):  # the next look at the same end, which is nearer now
            await pool.execute(MOVE_END, connection_id, days_left * DAY_S)
            await webhook_queue.tell_expiring(pool)
        counts.append((await mine.told()).count("connection.expiring"))

    facts = await mine.facts("connection.expiring")
    assert counts == [1, 1, 2, 2, 3, 3]
    assert set(facts) == {"id", "platform", "label", "state", "sign_in_ends_at"}
    assert await stranger.told() == []


async def test_a_connection_that_does_not_work_is_not_told_to_expire(pool: Pool) -> None:
    mine = await hook(pool)
    connection_id = await ending_connection(mine, pool, days_left=3)
    await pool.execute("UPDATE connections SET state = 'reconnect_required' WHERE id = $1", connection_id)

    await webhook_queue.tell_expiring(pool)

    assert (await mine.told())[-1] == "connection.reconnect_required"


async def ending_connection(mine: Hook, pool: Pool, *, days_left: float) -> str:
    return str(await pool.fetchval(CONNECT, mine.user_id, days_left * DAY_S))

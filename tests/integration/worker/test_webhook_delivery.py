"""How deliveries arrive: signed, again after a failure, and never where they must not."""

import socket
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from opentelemetry.trace import SpanKind, StatusCode
from standardwebhooks import WebhookVerificationError

from shared.db.pool import Pool
from shared.db.webhooks import WebhookChange, change, rotate
from shared.webhook_events import WebhookEvent
from shared.webhook_secrets import new_secret, seal
from tests.fakes.spans import recorded_spans
from tests.integration.worker.engine import Engine
from tests.integration.worker.webhooks import CIPHER, delivering, hook, pass_time, settled
from tests.receivers import Receiver
from worker.webhooks.verdicts import DAY_S, RETRY_DELAYS_S

pytestmark = pytest.mark.integration


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


async def test_an_attempt_is_a_span_that_names_its_transfer_and_no_address(positioned: Engine) -> None:
    with recorded_spans() as spans:
        async with Receiver(500) as receiver, delivering(positioned.pool):
            mine = await hook(positioned.pool, receiver.url)
            transfer_id = await positioned.transfer([1])
            await settled(mine)

    (attempt,) = (span for span in spans.get_finished_spans() if span.name == "deliver transfer.queued")
    assert (attempt.kind, attempt.parent, attempt.status.status_code) == (
        SpanKind.CLIENT,
        None,
        StatusCode.ERROR,
    )
    assert dict(attempt.attributes or {}) == {
        "http.request.method": "POST",
        "http.request.resend_count": 0,
        "http.response.status_code": 500,
        "error.type": "status",
        "crossplay.webhook_id": mine.id,
        "crossplay.delivery_id": str((await mine.delivery())["id"]),
        "crossplay.transfer_id": transfer_id,
    }


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

    wait = delivery["next_try_at"] - datetime.now(UTC)
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

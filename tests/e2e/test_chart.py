"""What the chart renders is started for real, probed and stopped as pods are."""

import asyncio
from collections.abc import Callable

import pytest

from tests.charts import Manifest, one, render
from tests.e2e.pods import Pod

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

RING = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


async def test_an_installation_becomes_ready_and_leaves_within_its_grace(
    empty_database_url: str, redis_url: str, free_tcp_port_factory: Callable[[], int]
) -> None:
    secrets = {"database_url": empty_database_url, "redis_url": redis_url, "secret_keys": RING}
    manifests = render({"secret": {"values": secrets}, "migrations": {"post": False}})

    def pod(manifest: Manifest) -> Pod:
        spec = manifest["spec"]["template"]["spec"]
        return Pod(spec, manifests=manifests, port=free_tcp_port_factory())

    async with pod(one(manifests, "Deployment", role="worker")) as worker:
        await worker.passes("startup")
        before = [await worker.probed(name) for name in ("liveness", "readiness")]
        async with pod(one(manifests, "Job")) as migration:
            migrated = await migration.ended()
        async with pod(one(manifests, "Deployment", role="gateway")) as gateway:
            await asyncio.gather(worker.passes("readiness"), gateway.passes("readiness"))
            after = [await each.probed("liveness") for each in (worker, gateway)]
            ends = await asyncio.gather(worker.told_to_stop(), gateway.told_to_stop())

    assert before == [200, 503], "without a schema it lives, but a rollout must not go on"
    assert migrated == 0
    assert after == [200, 200]
    assert list(ends) == [0, 0]

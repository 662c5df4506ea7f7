"""No secret leaves the system, whatever goes wrong: every kind is known here, and then looked for."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.gossips import GossipStack, canary, told_by
from tests.e2e.stack import Stack, wait_until
from tests.e2e.users import Json
from tests.e2e.worlds import Worlds
from tests.fakes.otlp import OtlpReceiver
from tests.faults.gossip import Mood
from tests.leaks import dump_database, dump_redis, leaks

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

REFUSALS = (
    Mood(status=400),
    Mood(status=403, form="text"),
    Mood(status=404),
    Mood(status=429),
    Mood(status=200, form="garbage"),
)


@pytest.fixture(scope="module")
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as receiver:
        yield receiver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gossips(
    common_stack: Stack, tmp_path_factory: pytest.TempPathFactory, receiver: OtlpReceiver
) -> AsyncIterator[GossipStack]:
    directory: Path = tmp_path_factory.mktemp("gossips")
    async with GossipStack.run(common_stack, directory=directory, receiver=receiver) as running:
        yield running


async def rest_of(gossips: GossipStack, transfer_id: str) -> Json:
    """Wait until a transfer has ended or waits for a person; return its status."""

    async def rests() -> bool:
        return (await gossips.user.status(transfer_id))["state"] not in ("queued", "running")

    await wait_until(rests)
    await gossips.heard("GET", f"/status/{transfer_id}")
    return await gossips.user.status(transfer_id)


async def read_everything(gossips: GossipStack, transfer_id: str) -> None:
    for path in (
        *("/platforms", "/openapi.json", "/connections", "/transfers", "/readyz", "/problems"),
        f"/status/{transfer_id}/tracks",
        *(f"/status/{transfer_id}/report.{form}" for form in ("csv", "json", "md")),
    ):
        assert await gossips.heard("GET", path) == 200, path


async def be_refused(gossips: GossipStack) -> None:
    """Let the platforms refuse what the gateway asks, in all ways, repeating each secret that came."""
    for mood in REFUSALS:
        for name, platform in gossips.platforms.items():
            platform.mood = mood
            assert await gossips.heard("GET", f"/playlists?platform={name}&refresh=true") >= 400
            platform.mood = None


async def ask_wrongly(gossips: GossipStack, secrets: dict[str, str]) -> None:
    """Send secrets where none belong, and wrong ones where some do."""
    secret = secrets["told by mistake"]
    for headers in ({"Authorization": f"Bearer cp_live_{secret}"}, {"Authorization": f"Basic {secret}"}):
        assert await gossips.heard("GET", "/transfers", headers=headers) == 401
    for body in (f'{{"music_user_token": "{secret}', f'{{"music_user_token": 1, "{secret}": 2}}', secret):
        assert await gossips.heard("POST", "/connect/apple_music", data=body) in (400, 415, 422)
    for query in (f"code={secret}&state={secret}", f"error={secret}&state=x", f"{secret}=1"):
        assert await gossips.heard("GET", f"/connect/spotify/callback?{query}") >= 400
    assert await gossips.heard("GET", f"/status/{secret}") == 404
    assert await gossips.heard("POST", "/transfer", json={"source": {"playlist": secret}}) == 422
    # The path of a callback that has been used is in a browser's history.
    state = next(value for name, value in secrets.items() if name.startswith("state"))
    assert await gossips.heard("GET", f"/connect/spotify/callback?code=x&state={state}") == 422


async def fail_transfers(gossips: GossipStack, worlds: Worlds) -> list[str]:
    """Let a worker be refused in each way that ends or pauses a transfer; return what became of them."""
    ends = []
    for platform, mood in (
        ("apple_music", Mood(status=400, methods=("POST",))),
        ("apple_music", Mood(status=403, methods=("POST",))),
        ("spotify", Mood(status=403, routes=("/items",))),
        ("spotify", Mood(status=401, routes=("/items", "/api/token"), word="invalid_grant")),
    ):
        await gossips.connect()
        gossips.platforms[platform].mood = mood
        transfer_id = await gossips.user.start("spotify", worlds.movable.name, "apple_music")
        status = await rest_of(gossips, transfer_id)
        gossips.platforms[platform].mood = None
        reason = status["paused"]["reason"] if status["paused"] else status["error"]["code"]
        ends.append(f"{status['state']} {reason}")
    return ends


async def start_wrongly(gossips: GossipStack, secrets: dict[str, str]) -> dict[str, bytes]:
    """Start roles and verbs with settings that cannot be used; return what each one printed."""
    good = gossips.settings
    secret = secrets["told by mistake"]
    nowhere = f"postgresql://mira:{secret}@127.0.0.1:9/x"
    bad = {
        "CROSSPLAY_DATABASE_URL": f"mysql://mira:{secret}/x@127.0.0.1/x",
        "CROSSPLAY_REDIS_URL": f"redis://:{secret}#@127.0.0.1/x",
        "CROSSPLAY_SECRET_KEYS": f"{good['CROSSPLAY_SECRET_KEYS']},k3:{secret}",
        "CROSSPLAY_APPLE_MUSIC_PRIVATE_KEY": secret,
        "CROSSPLAY_PORT": secret,
    }
    command = "deploy.cli.main"
    runs: dict[str, tuple[int, tuple[str, ...], dict[str, str]]] = {
        "gateway": (78, ("gateway",), bad),
        "gateway without keys": (78, ("gateway",), {**good, "CROSSPLAY_SECRET_KEYS": ""}),
        "worker without keys": (78, ("worker",), {**good, "CROSSPLAY_SECRET_KEYS": ""}),
        "migrate": (7, (command, "migrate"), {**good, "CROSSPLAY_DATABASE_URL": nowhere}),
        "keys": (0, (command, "keys", "status", "-o", "json"), dict(good)),
        "config show": (0, (command, "config", "show", "-o", "json"), dict(good)),
        "config check": (78, (command, "config", "check"), {**bad, "CROSSPLAY_PORT": ""}),
        "doctor": (0, (command, "doctor"), dict(good)),
    }
    ended = await asyncio.gather(
        *(told_by(*arguments, environ=environ) for _, arguments, environ in runs.values())
    )
    assert [code for code, _ in ended] == [code for code, _, _ in runs.values()], ended
    told = {f"output of {name}": text for name, (_, text) in zip(runs, ended, strict=True)}
    for role in ("gateway", "worker"):
        assert b"CROSSPLAY_SECRET_KEYS is missing" in told[f"output of {role} without keys"]
        assert b"crossplay keys generate" in told[f"output of {role} without keys"]
    return told


async def break_handlers(gossips: GossipStack) -> None:
    """Let requests meet what nobody expects: a table that is gone, then stores that take no password."""
    await gossips.execute("ALTER TABLE connections RENAME TO mislaid")
    assert await gossips.heard("GET", "/connections") == 500
    await gossips.execute("ALTER TABLE mislaid RENAME TO connections")
    await gossips.lock_out()
    assert await gossips.heard("GET", "/connections") == 503
    assert await gossips.heard("GET", "/readyz") == 503


async def test_no_secret_leaves_the_system_whatever_goes_wrong(
    gossips: GossipStack, worlds: Worlds, receiver: OtlpReceiver
) -> None:
    told_by_mistake = {"told by mistake": canary("mistake")}
    assert await gossips.connect() == 303
    await be_refused(gossips)
    transfer_id = await gossips.user.start("spotify", worlds.movable.name, "apple_music")
    done = await rest_of(gossips, transfer_id)
    await read_everything(gossips, transfer_id)
    await ask_wrongly(gossips, {**told_by_mistake, **gossips.secrets()})
    ends = await fail_transfers(gossips, worlds)
    outputs = await start_wrongly(gossips, told_by_mistake)
    stores = {**await dump_database(gossips.database_url), **await dump_redis(gossips.redis_url)}
    await break_handlers(gossips)

    left = await gossips.stop()

    secrets = {**gossips.secrets(), **told_by_mistake}
    texts = {**gossips.texts(), **gossips.heard.texts, **outputs, **stores}
    kinds = {name.partition(" ")[0] for name in secrets}
    assert done["state"] == "completed"
    assert ends == [
        "failed platform-rejected",
        "paused reconnect_required",
        "paused platform_denied",
        "paused reconnect_required",
    ]
    assert left == {"gateway": 0, "worker": 0}
    assert kinds >= {
        "access_token",
        "refresh_token",
        "code",
        "code_verifier",
        "state",
        "music",
        "client",
        "API",
    }
    assert any(secret.startswith("eyJ") for secret in secrets.values())  # Apple's developer token
    assert b"Unexpected fault" in texts["gateway.log"]
    assert len(receiver.spans) > 50
    assert leaks(texts, secrets=secrets) == []

"""Every operation of the API document under generated requests: schemathesis over a real socket.

The command runs as a process of its own, as anybody would run it against a server. Other seeds and more
requests: `make fuzz SEED=7 RUNS=200`.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient

from gateway.actions.follow_transfer import STREAM_LIMITS
from gateway.app import build_app
from gateway.problems import KINDS
from shared.db import api_keys, users
from shared.db.pool import Pool
from shared.scopes import Scope
from shared.settings import Settings
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, state_of
from tests.integration.gateway.real_server import RealServer
from tests.integration.gateway.test_status import change, fill, start

pytestmark = pytest.mark.integration

RUNS = int(os.environ.get("CROSSPLAY_TEST_FUZZ_RUNS", "60"))
"""Generated requests for each operation, beside those that its document leads to by itself."""
SEED = int(os.environ.get("CROSSPLAY_TEST_FUZZ_SEED", "1"))
LEAST_COUNT = min(3_000, 50 * RUNS)
PATIENCE_S = 120.0 + 5.0 * RUNS
KNOWN_SHARE = 0.7
"""How many of the requests have an id of a thing that exists."""

SEEDS: dict[str, dict[str, str]] = {
    "createTransfer": {"body.source.playlist": "links"},
    "undoTransfer": {"path.id": "transfers"},
    "getStatus": {"path.id": "transfers"},
    "listTracks": {"path.id": "transfers"},
    "getReport": {"path.id": "transfers"},
    "getReportCsv": {"path.id": "transfers"},
    "getReportJson": {"path.id": "transfers"},
    "getReportMarkdown": {"path.id": "transfers"},
    "streamEvents": {"path.id": "transfers"},
    "pauseTransfer": {"path.id": "transfers"},
    "resumeTransfer": {"path.id": "transfers"},
    "cancelTransfer": {"path.id": "transfers"},
    "retryTransfer": {"path.id": "transfers"},
    "decideTrack": {"path.id": "transfers", "path.position": "positions"},
    "listPlaylists": {"query.connection": "connections", "query.platform": "platforms"},
    "putRule": {"body.source.track": "tracks"},
    "removeRule": {"path.id": "rules"},
    "getFile": {"path.id": "files"},
    "getFileContent": {"path.id": "files"},
    "removeFile": {"path.id": "files"},
    "connect": {"path.platform": "platforms"},
    "finishConnect": {"path.platform": "platforms", "query.state": "states"},
    "getConnectSession": {"path.id": "sessions"},
    "handInAnswer": {"path.id": "sessions"},
    "showConnectPage": {"path.id": "sessions"},
    "sendConnectPage": {"path.id": "sessions"},
    "showConnectResult": {"path.id": "sessions"},
    "explainProblem": {"path.slug": "slugs"},
    "getConnection": {"path.id": "connections"},
    "testConnection": {"path.id": "connections"},
    "addWebhook": {"body.url": "urls"},
    "changeWebhook": {"path.id": "webhooks", "body.url": "urls"},
    "getWebhook": {"path.id": "webhooks"},
    "rotateWebhookSecret": {"path.id": "webhooks"},
    "testWebhook": {"path.id": "webhooks"},
    "listDeliveries": {"path.id": "webhooks"},
    "replayDelivery": {"path.id": "webhooks", "path.delivery_id": "deliveries"},
    "disableUser": {"path.id": "users"},
    "enableUser": {"path.id": "users"},
    "listKeysOfUser": {"path.id": "users"},
    "createKeyOfUser": {"path.id": "users"},
}
"""Where an operation gets what exists; one that is not named here gets random values, to be refused."""


@pytest.fixture
def answered() -> Counter[int]:
    """Answers by status."""
    return Counter()


@pytest_asyncio.fixture
async def client(
    settings: Settings, platforms: FakePlatforms, answered: Counter[int]
) -> AsyncIterator["TestClient[Any, Any]"]:
    """Serve as the process does, with event streams that end soon."""
    app = build_app(
        msgspec.structs.replace(settings, key_requests_per_minute=0, failed_keys_per_minute=0),
        open_platforms=lambda *parts: platforms.on(parts[-1]),
        stream_limits=msgspec.structs.replace(STREAM_LIMITS, life_s=0.05),
    )

    async def count(_: web.Request, response: web.StreamResponse) -> None:
        answered[response.status] += 1

    app.on_response_prepare.append(count)
    async with TestClient(RealServer(app)) as one:
        yield one


async def things(call: Caller, pool: Pool, platforms: FakePlatforms) -> dict[str, Sequence[Any]]:
    """Make one of everything; return the ids of all that, by sort."""
    for platform in platforms.accounts:
        platforms.accounts[platform].know("t-one", "Lantern")
    transfers = [await start(call) for _ in range(6)]
    await fill(pool, transfers[0])
    await fill(pool, transfers[1])
    await change(pool, transfers[1], state="paused", phase="match", pause_reason="user")
    await fill(pool, transfers[2])
    await change(pool, transfers[2], state="completed", phase="verify", target_playlist_id="id-made")
    await change(pool, transfers[3], state="failed", error_code="broken", error_text="Something.")
    await change(pool, transfers[4], state="cancelled")
    rule = await call("PUT", "/rules", json={"source": _track("spotify"), "target": _track("apple_music")})
    started = await call("POST", "/connect/spotify", json={"hand_in": True})
    waiting = await call("POST", "/connect/spotify")
    files = [await call("POST", "/files", data="title\nLantern\n") for _ in range(12)]
    listed = await call("GET", "/connections")
    webhook = await call("POST", "/webhooks", json={"url": "https://hooks.example/crossplay"})
    delivery = await call("POST", f"/webhooks/{webhook.json['id']}/test")
    return {
        "transfers": transfers,
        # Whatever else a source names: they fit beside a platform, a connection, or nothing.
        "links": [
            f"https://spotify.example/playlist/{one}" for one in ("id-road", "id-calm", "id-chart", "id-none")
        ],
        "connections": [one["id"] for one in listed.json["items"]],
        "platforms": list(map(str, platforms.accounts)),
        "rules": [rule.json["id"]],
        "files": [one.json["items"][0]["id"] for one in files],
        "tracks": ["t-one", "t-two"],
        "positions": list(range(6)),
        "sessions": [one.headers["Location"].rpartition("/")[2] for one in (started, waiting)],
        "states": [state_of(started.json["authorize_url"])],
        "slugs": list(KINDS),
        "urls": ["https://hooks.example/crossplay"],
        "webhooks": [webhook.json["id"]],
        "deliveries": [delivery.json["id"]],
        "users": [await users.ensure(pool, name="somebody else")],
    }


def _track(platform: str) -> dict[str, str]:
    return {"platform": platform, "track": "t-one"}


def configuration(key: str, known: Mapping[str, Sequence[Any]]) -> str:
    """Write the file that tells schemathesis what to do; strings and lists of TOML are those of JSON."""
    lines = [
        f"seed = {SEED}",
        "warnings = false",
        'hooks = "tests.fuzz_hooks"',
        "continue-on-failure = true",
        f'[auth.openapi.apiKey]\nbearer = "{key}"',
        "[output.truncation]\nmax-lines = 60",
        f'[generation]\nmode = "all"\nmax-examples = {RUNS}\ndeterministic = {str(SEED == 1).lower()}',
        'database = "none"',
        "[checks]\nenabled = true",
        # It learns from refusals what to send next, which costs more than it finds here.
        "[phases.fuzzing.error-feedback]\nenabled = false",
    ]
    lines += [f"[dictionaries.{sort}]\nvalues = {json.dumps(list(ids))}" for sort, ids in known.items()]
    for name, places in SEEDS.items():
        lines += ["[[operations]]", f'include-operation-id = "{name}"', "[operations.parameters]"]
        lines += [
            f'"{place}" = {{ dictionary = "{sort}", probability = {KNOWN_SHARE} }}'
            for place, sort in places.items()
        ]
    return "\n".join(lines) + "\n"


async def test_no_generated_request_gets_an_answer_that_the_document_does_not_promise(
    connected: Caller, pool: Pool, platforms: FakePlatforms, answered: Counter[int], tmp_path: Path
) -> None:
    known = await things(connected, pool, platforms)
    key = await api_keys.create(pool, connected.user_id, scopes=Scope)
    (tmp_path / "schemathesis.toml").write_text(configuration(key.secret.reveal(), known))
    answered.clear()

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run"),
        *("--no-color", str(connected.client.make_url("/openapi.json"))),
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "CROSSPLAY_FUZZ_SPARED": f"{key.row.id},{connected.user_id}",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert process.returncode == 0, output.decode()[-20_000:]
    assert answered[500] == 0
    assert answered.total() >= LEAST_COUNT

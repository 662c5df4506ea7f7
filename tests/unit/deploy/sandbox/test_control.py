"""Who may use the control routes of a sandbox."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from deploy.sandbox.command import main
from deploy.sandbox.options import Options
from deploy.sandbox.server import build_app
from deploy.sandbox.world import World


async def health_for(caller: str) -> web.StreamResponse:
    app = build_app(
        World.load(()), options=Options(platform="spotify", control_networks=("10.1.2.0/24", "fd00::/8"))
    )
    route = next(route for route in app.router.routes() if route.resource and "health" in str(route.resource))
    return await route.handler(make_mocked_request("GET", "/_sandbox/health", app=app).clone(remote=caller))


@pytest.mark.parametrize("caller", ["127.0.0.1", "::1", "10.1.2.77", "fd00::1"])
async def test_this_machine_and_the_named_networks_may_order(caller: str) -> None:
    answer = await health_for(caller)

    assert answer.status == 200


@pytest.mark.parametrize("caller", ["10.1.3.1", "192.0.2.1", "2001:db8::1"])
async def test_nobody_else_may_order(caller: str) -> None:
    with pytest.raises(web.HTTPForbidden):
        await health_for(caller)


def test_a_network_that_is_none_is_refused_at_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--platform", "spotify", "--control-from", "everybody"])

    assert "expected a network, for example 10.1.2.0/24" in capsys.readouterr().err

"""The guard at a real socket: it judges the address that a connection goes to, not what was written."""

import aiohttp
import pytest

from shared.address_guard import AddressGuard, AddressRefused, ThreadedResolver
from shared.settings import parse_networks
from tests.receivers import Receiver

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize(("scheme", "networks"), [("https", ""), ("http", ""), ("http", "10.0.0.0/8")])
async def test_no_socket_is_opened_to_what_is_not_allowed(host: str, scheme: str, networks: str) -> None:
    guard, resolver = AddressGuard(parse_networks(networks)), ThreadedResolver()
    async with (
        Receiver() as receiver,
        guard.session(is_encrypted=scheme == "https", resolver=resolver) as session,
    ):
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.post(f"{scheme}://{host}:{receiver.port}/hook")
    await resolver.close()

    assert isinstance(caught.value.os_error, AddressRefused)
    assert receiver.arrivals == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_allowed_network_is_reached_by_address_and_by_name(host: str) -> None:
    guard, resolver = AddressGuard(parse_networks("127.0.0.0/8")), ThreadedResolver()
    async with (
        Receiver() as receiver,
        guard.session(is_encrypted=False, resolver=resolver) as session,
        session.post(f"http://{host}:{receiver.port}/hook", headers={"webhook-id": "m"}) as answer,
    ):
        status = answer.status
    await resolver.close()

    assert (status, receiver.ids) == (204, ["m"])

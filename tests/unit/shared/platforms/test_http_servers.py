"""Servers of users' own: each with its budget, called where the guard lets us, and nothing sent twice."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer, unused_port
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from yarl import URL

from shared.address_guard import AddressGuard
from shared.errors import LeaseLost, PlatformDenied, PlatformNotFound, PlatformUnavailable, RateLimited
from shared.models import TokenSet
from shared.platforms.call import Call, Proof
from shared.platforms.http import Endpoint, PlatformHttp
from shared.settings import parse_networks
from tests.fakes.budget import FakeBudget
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import PROFILE, Answerer, raw_server

READ = Call(operation="ping", route="/rest/ping")
WRITE = Call(operation="add_tracks", method="GET", route="/rest/add", query={"id": ["a", "b"]})
FORM = Call(operation="add_tracks", method="POST", route="/rest/add", form={"id": ["a", "b"]})
LOOPBACK = "127.0.0.0/8"


class Names(AbstractResolver):
    """Gives each question the next address, the last one for ever; "" is no such name."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = list(addresses)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self._addresses.pop(0) if len(self._addresses) > 1 else self._addresses[0]
        if not address:
            raise OSError("nobody has this name")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
        ]

    async def close(self) -> None:
        """Has nothing to close."""


class Budgets(dict[str, FakeBudget]):
    """A budget for each server that was asked for."""

    def __missing__(self, server: str) -> FakeBudget:
        self[server] = FakeBudget()
        return self[server]


@contextlib.asynccontextmanager
async def opened(
    *, networks: str = LOOPBACK, names: Names | None = None, budgets: Budgets | None = None
) -> AsyncIterator[PlatformHttp]:
    endpoint = Endpoint(
        label="Subsonic",
        profile=PROFILE,
        base_url="",
        read_timeout_s=5.0,
        send_timeout_s=5.0,
        sign=lambda _: Proof(fields={"t": "proof"}),
        guard=AddressGuard(parse_networks(networks)),
    )
    found = Budgets() if budgets is None else budgets
    async with PlatformHttp(endpoint, budget=lambda server: found[server], resolver=names) as http:
        yield http


def at(server: str | URL) -> FakeSession:
    return FakeSession(TokenSet(access_token="token"), server=str(server))


def open_gate() -> None:
    """The lease is ours."""


async def test_calls_go_to_the_sessions_server_and_are_counted_there(answerer: Answerer) -> None:
    answerer.answers = [{"text": "{}"}]
    budgets = Budgets()
    async with TestServer(web.Application()) as other, opened(budgets=budgets) as http:
        elsewhere = other.make_url("/")
        await http.read(READ, session=at(answerer.url), into=dict)
        with pytest.raises(PlatformNotFound):
            await http.read(READ, session=at(elsewhere), into=dict)

    assert [request.path for request in answerer.requests] == ["/v1/rest/ping"]
    assert {server: budget.granted_count for server, budget in budgets.items()} == {
        f"127.0.0.1:{URL(answerer.url).port}": 1,
        f"127.0.0.1:{elsewhere.port}": 1,
    }


async def test_a_server_that_asks_to_wait_stops_nobody_elses(answerer: Answerer) -> None:
    answerer.answers = [{"status": 429, "headers": {"Retry-After": "900"}}]
    budgets = Budgets()
    async with opened(budgets=budgets) as http:
        with pytest.raises(RateLimited):
            await http.read(READ, session=at(answerer.url), into=dict)

    (budget,) = budgets.values()
    assert budget.cool_downs == [("requests", 900.0)]


@pytest.mark.parametrize("networks", ["", "10.0.0.0/8"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_address_inside_the_operators_network_is_not_called(
    answerer: Answerer, networks: str, scheme: str
) -> None:
    address = URL(answerer.url).with_scheme(scheme)
    async with opened(networks=networks) as http:
        for call in (READ, WRITE):
            with pytest.raises(PlatformDenied, match="not called from here"):
                await attempt(http, call, at(address))

    assert answerer.requests == []


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.1.1"])
async def test_a_name_that_leads_inside_is_not_called(answerer: Answerer, address: str) -> None:
    server = f"https://music.example.org:{URL(answerer.url).port}"
    async with opened(networks="", names=Names(address)) as http:
        for call in (READ, WRITE):
            with pytest.raises(PlatformDenied, match="not everybody can reach") as caught:
                await attempt(http, call, at(server))
            assert address not in str(caught.value)

    assert answerer.requests == []


async def test_a_name_that_changes_its_mind_is_judged_where_the_connection_goes(answerer: Answerer) -> None:
    answerer.answers = [{"text": "{}", "headers": {"Connection": "close"}}]
    session = at(f"http://music.example.org:{URL(answerer.url).port}")
    async with opened(networks="127.0.0.1/32", names=Names("127.0.0.1", "127.0.0.2")) as http:
        await http.read(READ, session=session, into=dict)
        with pytest.raises(PlatformDenied):
            await http.read(READ, session=session, into=dict)

    assert len(answerer.requests) == 1


async def test_a_redirect_leads_nowhere(answerer: Answerer) -> None:
    answerer.answers = [{"status": 302, "headers": {"Location": "/v1/elsewhere"}}]
    async with opened() as http:
        for call in (READ, WRITE):
            with pytest.raises(PlatformUnavailable, match="redirect"):
                await attempt(http, call, at(answerer.url))

    assert [request.path for request in answerer.requests] == ["/v1/rest/ping", "/v1/rest/add"]


async def test_why_a_server_is_not_reached_is_said_in_words(answerer: Answerer, tmp_path: Path) -> None:
    plain = URL(answerer.url).with_scheme("https")
    async with self_signed(tmp_path) as unknown, opened(names=Names("")) as http:
        servers = {
            "name": "https://music.example.org",
            "nobody": f"http://127.0.0.1:{unused_port()}",
            "tls": str(plain),
            "certificate": str(unknown),
        }
        said = {name: await refusal(http, at(server)) for name, server in servers.items()}

    assert "name cannot be found" in said["name"]
    assert "Nothing listens" in said["nobody"]
    assert "does not speak TLS" in said["tls"]
    assert "certificate" in said["certificate"]


async def test_an_answer_without_an_end_is_cut(answerer: Answerer) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 1_000_000)
        return response

    answerer.answers = [endless]
    async with opened() as http:
        with pytest.raises(PlatformUnavailable, match="more than anybody"):
            await http.read(READ, session=at(answerer.url), into=dict)

    assert len(answerer.requests) == 1


@pytest.mark.parametrize("call", [WRITE, FORM], ids=["get", "form"])
async def test_a_write_by_any_method_is_sent_once(answerer: Answerer, call: Call) -> None:
    answerer.answers = [{"status": 500}]
    async with opened() as http:
        with pytest.raises(PlatformUnavailable):
            await attempt(http, call, at(answerer.url))

    assert len(answerer.requests) == 1


@pytest.mark.parametrize("call", [WRITE, FORM], ids=["get", "form"])
async def test_a_write_whose_gate_is_shut_never_leaves(answerer: Answerer, call: Call) -> None:
    def shut_gate() -> None:
        raise LeaseLost("The lease is over.")

    arrived: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(1000):
                arrived.append(piece)

    async with raw_server(listen) as url, opened() as http:
        with pytest.raises(LeaseLost):
            await http.write(call, session=at(url), gate=shut_gate)

    assert arrived == []


async def test_what_proves_who_calls_goes_with_the_parameters(answerer: Answerer) -> None:
    answerer.answers = [{"text": "{}"}]
    async with opened() as http:
        await attempt(http, WRITE, at(answerer.url))
        await attempt(http, FORM, at(answerer.url))

    by_query, by_form = answerer.requests
    assert (by_query.method, by_query.query_string) == ("GET", "id=a&id=b&t=proof")
    assert (by_form.query_string, answerer.bodies[1]) == ("", b"id=a&id=b&t=proof")


async def attempt(http: PlatformHttp, call: Call, session: FakeSession) -> None:
    if call is READ:
        await http.read(call, session=session, into=dict)
    else:
        await http.write(call, session=session, gate=open_gate)


async def refusal(http: PlatformHttp, session: FakeSession) -> str:
    with pytest.raises(PlatformUnavailable) as caught:
        await http.read(READ, session=session, into=dict)
    return str(caught.value)


@contextlib.asynccontextmanager
async def self_signed(directory: Path) -> AsyncIterator[URL]:
    """A server with a certificate that nobody has signed but itself."""
    key, name = generate_private_key(SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime.now(UTC)
    build: Callable[[], x509.CertificateBuilder] = x509.CertificateBuilder
    certificate = (
        build()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    path = directory / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = TestServer(web.Application(), scheme="https")
    await server.start_server(ssl=context)
    try:
        yield server.make_url("/")
    finally:
        await server.close()

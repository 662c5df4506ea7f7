from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from shared.errors import SettingsError
from shared.platforms.apple_music.developer_token import DeveloperToken

KEY = generate_private_key(SECP256R1())


class TurnedClock:
    """wrong_by: how far its wall time is ahead of the true one."""

    def __init__(self, *, wrong_by: timedelta = timedelta(0)) -> None:
        self.at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        self.wrong_by = wrong_by

    def now(self) -> datetime:
        return self.at + self.wrong_by

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, delay_s: float) -> None:
        raise AssertionError(delay_s)


def pem_of(
    key: EllipticCurvePrivateKey | RSAPrivateKey, *, encryption: KeySerializationEncryption | None = None
) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def minter(clock: TurnedClock, *, pem: str | None = None) -> DeveloperToken:
    return DeveloperToken(team_id="TEAM000001", key_id="KEY0000001", pem=pem or pem_of(KEY), clock=clock)


def test_a_token_for_a_page_is_good_at_its_origin_alone_and_not_for_long() -> None:
    clock = TurnedClock()

    token = minter(clock).for_page(origin="https://music.example")

    claims = jwt.decode(token, KEY.public_key(), algorithms=["ES256"], options={"verify_exp": False})
    assert claims["origin"] == ["https://music.example"]
    assert claims["iss"] == "TEAM000001"
    assert timedelta(0) < datetime.fromtimestamp(claims["exp"], UTC) - clock.now() <= timedelta(hours=2)
    assert jwt.get_unverified_header(token)["kid"] == "KEY0000001"


def test_the_servers_own_token_is_bound_to_no_origin() -> None:
    token = minter(TurnedClock()).current()

    assert "origin" not in jwt.decode(token, options={"verify_signature": False})


def test_token_is_signed_and_says_who_and_how_long() -> None:
    clock = TurnedClock()

    token = minter(clock).current()

    claims = jwt.decode(token, KEY.public_key(), algorithms=["ES256"], options={"verify_exp": False})
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["kid"]) == ("ES256", "KEY0000001")
    assert claims["iss"] == "TEAM000001"
    assert 0 < claims["exp"] - claims["iat"] <= 15_777_000


def test_token_is_kept_for_hours_and_replaced_long_before_its_end() -> None:
    clock = TurnedClock()
    developer = minter(clock)
    first = developer.current()

    clock.at += timedelta(hours=5, minutes=59)
    kept = developer.current()
    clock.at += timedelta(minutes=1)
    renewed = developer.current()

    assert kept == first
    assert renewed != first
    assert clock.at.timestamp() < _claims(first)["exp"]


@pytest.mark.parametrize("wrong_by_h", [-1, 1])
def test_token_of_a_machine_whose_clock_is_wrong_is_good_by_the_true_time(wrong_by_h: int) -> None:
    clock = TurnedClock(wrong_by=timedelta(hours=wrong_by_h))
    developer = minter(clock)

    first = _claims(developer.current())
    until = clock.at + timedelta(hours=6)

    assert first["iat"] <= clock.at.timestamp() < until.timestamp() < first["exp"]


@pytest.mark.parametrize("jump_h", [-1, 1])
def test_a_jump_of_the_clock_keeps_no_token_beyond_its_end(jump_h: int) -> None:
    clock = TurnedClock()
    developer = minter(clock)
    first = developer.current()

    clock.wrong_by = timedelta(hours=jump_h)
    kept = developer.current()
    clock.at += timedelta(hours=6)
    renewed = developer.current()

    assert kept == first
    assert renewed != first
    assert clock.at.timestamp() < _claims(first)["exp"]


def _claims(token: str) -> dict[str, float]:
    claims: dict[str, float] = jwt.decode(
        token, options={"verify_signature": False, "verify_exp": False, "verify_iat": False}
    )
    return claims


@pytest.mark.parametrize(
    "pem",
    [
        "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----",
        pem_of(generate_private_key(SECP384R1())),
        pem_of(generate_rsa_key(65537, 2048)),
        pem_of(KEY, encryption=BestAvailableEncryption(b"hush")),
    ],
    ids=["nonsense", "another curve", "rsa", "encrypted"],
)
def test_key_of_another_kind_is_a_fault_of_the_settings(pem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        minter(TurnedClock(), pem=pem)

    assert pem.splitlines()[1] not in str(caught.value)

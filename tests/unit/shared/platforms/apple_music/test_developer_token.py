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
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, delay_s: float) -> None:
        raise AssertionError(delay_s)


def pem_of(
    key: EllipticCurvePrivateKey | RSAPrivateKey, *, encryption: KeySerializationEncryption | None = None
) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def minter(clock: TurnedClock, *, pem: str | None = None) -> DeveloperToken:
    return DeveloperToken(team_id="TEAM000001", key_id="KEY0000001", pem=pem or pem_of(KEY), clock=clock)


def test_token_is_signed_and_says_who_and_how_long() -> None:
    clock = TurnedClock()

    token = minter(clock).current()

    claims = jwt.decode(token, KEY.public_key(), algorithms=["ES256"], options={"verify_exp": False})
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["kid"]) == ("ES256", "KEY0000001")
    assert (claims["iss"], claims["iat"]) == ("TEAM000001", int(clock.at.timestamp()))
    assert 0 < claims["exp"] - claims["iat"] <= 15_777_000


def test_token_is_kept_until_shortly_before_its_end() -> None:
    clock = TurnedClock()
    developer = minter(clock)
    first = developer.current()

    clock.at += timedelta(hours=10)
    kept = developer.current()
    clock.at += timedelta(hours=1, seconds=1)
    renewed = developer.current()

    assert kept == first
    assert renewed != first
    ends_at = jwt.decode(first, options={"verify_signature": False, "verify_exp": False})["exp"]
    assert clock.at.timestamp() < ends_at


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

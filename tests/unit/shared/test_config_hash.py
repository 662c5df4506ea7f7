"""The config hash: equal for equal settings, and of no use to whoever guesses passwords."""

import base64
import hashlib
from pathlib import Path

import msgspec
import pytest

from shared.config_hash import config_hash
from shared.secret import Secret
from shared.settings import Settings

RING = Secret(f"k1:{base64.b64encode(bytes(range(32))).decode()}")
SETTINGS = Settings(
    database_url=Secret("postgresql://u:secret@h/d"), redis_url=Secret("redis://h/0"), secret_keys=RING
)


def test_equal_settings_have_one_hash_in_every_process() -> None:
    again = Settings(
        secret_keys=RING, redis_url=Secret("redis://h/0"), database_url=Secret("postgresql://u:secret@h/d")
    )

    assert config_hash(SETTINGS) == config_hash(again)
    assert len(config_hash(SETTINGS)) == 12


@pytest.mark.parametrize(
    "change",
    [
        {"port": 9090},
        {"spotify_requests_per_s": 2.0},
        {"database_url": Secret("postgresql://u:other@h/d")},
        {"spotify_client_secret": Secret("x")},
        {"secret_keys": Secret(f"{RING.reveal()},k2:{base64.b64encode(bytes(range(1, 33))).decode()}")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_counts_secrets_too(change: dict[str, object]) -> None:
    assert config_hash(msgspec.structs.replace(SETTINGS, **change)) != config_hash(SETTINGS)


def test_the_text_of_a_key_file_counts_and_not_its_path(tmp_path: Path) -> None:
    hashes = []
    for name, body in (("a", "x"), ("b", "x"), ("c", "y")):
        file = tmp_path / name
        file.write_text(f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n", encoding="ascii")
        hashes.append(
            config_hash(msgspec.structs.replace(SETTINGS, apple_music_private_key=Secret(str(file))))
        )

    assert hashes[0] == hashes[1] != hashes[2]


def test_without_a_ring_there_is_no_hash_to_try_passwords_against() -> None:
    assert config_hash(msgspec.structs.replace(SETTINGS, secret_keys=Secret(""))) == ""


def test_who_has_all_settings_but_the_ring_cannot_make_the_hash() -> None:
    values = {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in msgspec.structs.asdict(SETTINGS).items()
        if name != "secret_keys"
    }

    plain = hashlib.sha256(msgspec.json.encode(values)).hexdigest()[:12]

    other_ring = Secret(f"k1:{base64.b64encode(bytes(range(2, 34))).decode()}")
    assert config_hash(SETTINGS) != plain
    assert config_hash(msgspec.structs.replace(SETTINGS, secret_keys=other_ring)) != config_hash(SETTINGS)

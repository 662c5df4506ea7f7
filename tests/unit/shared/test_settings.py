"""Settings: read once, all faults at once, no secret in any text."""

import base64
from pathlib import Path

import pytest

from shared.environment import load
from shared.errors import SettingsError
from shared.models import Platform
from shared.secret import Secret
from shared.settings import (
    DESCRIPTIONS,
    Settings,
    parse_key_ring,
    parse_origins,
    parse_platforms,
    private_key_pem,
    require_stores,
)

KEY = base64.b64encode(bytes(range(32))).decode()
WEAK_KEY = base64.b64encode(bytes(32)).decode()
OTHER_KEY = base64.b64encode(bytes(range(1, 33))).decode()
PASSWORD = "correct-horse-battery"


def faults_of(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(environ)
    return caught.value.faults


def test_without_variables_the_defaults_hold() -> None:
    assert load({}) == Settings()


def test_variables_are_read_by_their_names_and_others_left_alone() -> None:
    settings = load(
        {
            "CROSSPLAY_PORT": "9090",
            "CROSSPLAY_LEASE_S": " 45.5 ",
            "CROSSPLAY_REDIS_URL": "redis://127.0.0.1:6379/0",
            "CROSSPLAY_HOST": "",
            "PORT": "1",
        }
    )

    assert settings.port == 9090
    assert settings.lease_s == 45.5
    assert settings.redis_url.reveal() == "redis://127.0.0.1:6379/0"
    assert settings.host == "127.0.0.1"


def test_every_setting_is_described() -> None:
    assert set(DESCRIPTIONS) == set(Settings.__struct_fields__)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "app.example",
        "https://app.example/",
        "https://APP.example",
        "https://*.example",
        "ftp://x",
    ],
)
def test_an_origin_that_no_browser_sends_is_a_fault_that_names_it(origin: str) -> None:
    (fault,) = faults_of({"CROSSPLAY_CORS_ORIGINS": f"https://good.example,{origin}"})

    assert "CROSSPLAY_CORS_ORIGINS" in fault
    assert f"`{origin}`" in fault


@pytest.mark.parametrize(
    ("text", "served"),
    [
        ("", tuple(Platform)),
        ("spotify", (Platform.SPOTIFY,)),
        (" Apple_Music ,spotify, spotify", (Platform.APPLE_MUSIC, Platform.SPOTIFY)),
    ],
)
def test_a_worker_serves_the_platforms_that_are_named_or_all(text: str, served: tuple[Platform, ...]) -> None:
    assert parse_platforms(text) == served


def test_origins_are_separated_by_commas() -> None:
    settings = load(
        {"CROSSPLAY_CORS_ORIGINS": "https://app.example, http://127.0.0.1:5173 ,,http://[::1]:80"}
    )

    assert parse_origins(settings.cors_origins) == {
        "https://app.example",
        "http://127.0.0.1:5173",
        "http://[::1]:80",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "x"),
        ("PORT", "70000"),
        ("WORKER_CONCURRENCY", "0"),
        ("LEASE_S", "-1"),
        ("SEND_TIMEOUT_S", "16"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "LOUD"),
        ("LEASE_S", "inf"),
        ("TRACE_URL", "https://traces.example"),
        ("SPOTIFY_REQUESTS_PER_S", "0"),
        ("SPOTIFY_VISIBILITY_S", "-1"),
        ("PUBLIC_URL", "crossplay.example"),
        ("PUBLIC_URL", "http://[broken"),
        ("SPOTIFY_API_URL", "ftp://api.example"),
        ("DATABASE_URL", "mysql://127.0.0.1/x"),
        ("REDIS_URL", "http://127.0.0.1"),
        ("SECRET_KEYS", "k1:short"),
        ("WORKER_PLATFORMS", "spotify,napster"),
        ("WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/8,office"),
        ("WEBHOOK_ALLOWED_NETWORKS", "10.0.0.1/8"),
        ("APPLE_MUSIC_PRIVATE_KEY", "/nowhere/at/all.p8"),
    ],
)
def test_a_faulty_value_is_named_by_its_variable(name: str, value: str) -> None:
    faults = faults_of({f"CROSSPLAY_{name}": value})

    assert len(faults) == 1
    assert f"CROSSPLAY_{name}" in faults[0]


def test_all_faults_are_told_at_once_whatever_their_kind() -> None:
    faults = faults_of(
        {
            "CROSSPLAY_PORT": "x",
            "CROSSPLAY_DATABASE_URL": "mysql://127.0.0.1/x",
            "CROSSPLAY_PUBLIC_URL": "nowhere",
            "CROSSPLAY_SECRET_KEYS": "k1",
            "CROSSPLAY_LEASE_S": "5",
        }
    )

    assert len(faults) == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", f"mysql://crossplay:{PASSWORD}@127.0.0.1/x"),
        ("DATABASE_URL", f"postgresql://crossplay:{PASSWORD}[@127.0.0.1/x"),
        ("DATABASE_URL", f"postgresql://crossplay:{PASSWORD}\u2100@127.0.0.1/x"),
        ("DATABASE_URL", f"postgresql://crossplay:{PASSWORD}/x@127.0.0.1/x"),
        ("REDIS_URL", f"redis://:{PASSWORD}#x@127.0.0.1/0"),
        ("REDIS_URL", f"http://:{PASSWORD}@127.0.0.1"),
        ("SECRET_KEYS", f"k1:{PASSWORD}"),
        ("SECRET_KEYS", f"k1:{PASSWORD}ü"),
        ("APPLE_MUSIC_PRIVATE_KEY", PASSWORD),
        ("SPOTIFY_REQUESTS_PER_S", PASSWORD),
    ],
)
def test_a_fault_never_shows_the_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({f"CROSSPLAY_{name}": value})

    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(caught.value)


def test_no_text_of_settings_shows_a_secret() -> None:
    settings = Settings(
        database_url=Secret(f"postgresql://u:{PASSWORD}@h/d"), spotify_client_secret=Secret(PASSWORD)
    )

    assert PASSWORD not in f"{settings!r} {settings} {settings.database_url!r} {settings.database_url}"


def test_secrets_are_equal_by_value_and_empty_ones_are_false() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert not Secret("")
    assert len({Secret("a"), Secret("a")}) == 1


def test_a_role_that_needs_stores_names_all_that_are_missing() -> None:
    with pytest.raises(SettingsError) as caught:
        require_stores(Settings(redis_url=Secret("redis://h")))

    assert len(caught.value.faults) == 2
    require_stores(
        Settings(
            database_url=Secret("postgresql://h/d"), redis_url=Secret("redis://h"), secret_keys=Secret("k")
        )
    )


def test_who_has_no_key_is_told_how_to_make_one() -> None:
    with pytest.raises(SettingsError, match=r"CROSSPLAY_SECRET_KEYS is missing.*`crossplay keys generate`"):
        require_stores(Settings(database_url=Secret("postgresql://h/d"), redis_url=Secret("redis://h")))


@pytest.mark.parametrize(
    ("ring", "fault"),
    [
        (f"k1:{WEAK_KEY}", "key 1 is not random"),
        (f"k1:{KEY},k2:{base64.b64encode(b'open sesame ' * 3)[:43].decode()}=", "key 2 is not random"),
        (f"k1:{KEY},k2:{base64.b64encode(bytes(range(8)) * 4).decode()}", "key 2 is not random"),
        (f"k1:{KEY},k1:{OTHER_KEY}", "key 2 has the id of another one"),
        (f"k1:{KEY},k2:{KEY}", "key 2 is the same as another one"),
        (f"k-1:{KEY}", "key 1 is not `kid:base64-of-32-bytes`"),
        (f"k٣:{KEY}", "key 1 is not `kid:base64-of-32-bytes`"),
        (f"k1:{KEY[:20]}", "key 1 is not `kid:base64-of-32-bytes`"),
    ],
)
def test_a_ring_that_protects_nothing_is_refused_without_showing_it(ring: str, fault: str) -> None:
    (told,) = faults_of({"CROSSPLAY_SECRET_KEYS": ring})

    assert fault in told
    assert KEY not in told


def test_a_key_ring_keeps_its_order_since_the_first_key_encrypts() -> None:
    ring = parse_key_ring(Secret(f"new:{KEY}, old:{OTHER_KEY},"))

    assert list(ring) == ["new", "old"]
    assert ring["new"] == bytes(range(32))


@pytest.mark.parametrize("text", [KEY, f":{KEY}", f"k 1:{KEY}", "k1:", f"k1:{KEY[:-8]}", "k1:%%%"])
def test_a_malformed_key_is_named_by_its_number(text: str) -> None:
    with pytest.raises(ValueError, match="key 2"):
        parse_key_ring(Secret(f"ok:{KEY},{text}"))


def test_the_music_key_may_be_a_text_or_a_file(tmp_path: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nxyz\n-----END PRIVATE KEY-----\n"
    file = tmp_path / "key.p8"
    file.write_text(pem, encoding="ascii")

    by_text, by_path = (
        private_key_pem(Settings(apple_music_private_key=Secret(value))) for value in (pem, str(file))
    )

    assert by_text == by_path == pem

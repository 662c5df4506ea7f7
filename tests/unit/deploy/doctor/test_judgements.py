"""How the doctor judges facts that no server of a test can be brought to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.doctor import platforms, postgres, redis
from deploy.doctor.findings import Verdict, ok, warn, worst
from shared.db.diagnosis import ServerFacts
from shared.models import Platform
from shared.platforms.registry import Platforms
from shared.secret import Secret
from shared.settings import Settings

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
FACTS = ServerFacts(
    version_number=170_004,
    version="17.4",
    encoding="UTF8",
    is_read_only=False,
    now=NOW,
    connection_limit_count=97,
    connection_count=10,
    may_create_tables=True,
    unsafe=(),
)
OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL


@pytest.mark.parametrize(
    ("number", "verdict"),
    [(140_012, FAIL), (150_000, OK), (180_001, OK), (190_000, WARN)],
)
def test_a_postgres_of_another_age_is_told(number: int, verdict: Verdict) -> None:
    facts = msgspec.structs.replace(FACTS, version_number=number)

    assert postgres.version(facts).verdict is verdict


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"redis_version": "6.2.14"}, FAIL),
        ({"redis_version": "7.0.0"}, OK),
        ({"redis_version": "8.2.1"}, OK),
        ({"redis_version": "7.2.4", "valkey_version": "7.2.9"}, FAIL),
        ({"redis_version": "7.2.4", "valkey_version": "8.0.1"}, OK),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, OK),
    ],
)
def test_a_redis_that_is_too_old_is_told_and_valkey_by_its_own_version(
    facts: dict[str, Any], verdict: Verdict
) -> None:
    assert redis.version(facts).verdict is verdict


@pytest.mark.parametrize("status", ["rdb_last_bgsave_status", "aof_last_write_status"])
def test_a_redis_whose_disk_is_full_takes_no_changes(status: str) -> None:
    assert redis.role({"role": "master", status: "err"}).verdict is FAIL


@pytest.mark.parametrize(("skew_s", "verdict"), [(0.1, OK), (-1.9, OK), (5, WARN), (-30, WARN), (90, FAIL)])
def test_a_wrong_clock_is_told_in_both_directions(skew_s: float, verdict: Verdict) -> None:
    asked, answered = NOW, NOW + timedelta(seconds=0.1)

    finding = postgres.clock(NOW + timedelta(seconds=skew_s), asked_at=asked, answered_at=answered)

    assert finding.verdict is verdict


def test_a_slow_answer_is_no_wrong_clock() -> None:
    finding = postgres.clock(NOW, asked_at=NOW, answered_at=NOW + timedelta(seconds=8))

    assert finding.verdict is OK


@pytest.mark.parametrize(
    ("limit_count", "taken_count", "worker_count", "verdict"),
    [(97, 10, 2, OK), (97, 96, 2, FAIL), (97, 90, 2, WARN), (97, 10, 8, WARN), (22, 2, 1, WARN)],
)
def test_room_for_the_fleet_is_reckoned(
    limit_count: int, taken_count: int, worker_count: int, verdict: Verdict
) -> None:
    facts = msgspec.structs.replace(FACTS, connection_limit_count=limit_count, connection_count=taken_count)

    finding = postgres.connections(facts, settings=Settings(worker_concurrency=8), worker_count=worker_count)

    assert finding.verdict is verdict


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Secret:
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


P256 = pem(ec.generate_private_key(ec.SECP256R1()))
OTHER_CURVE = pem(ec.generate_private_key(ec.SECP384R1()))


@pytest.mark.parametrize(
    ("platform", "values", "verdict", "words"),
    [
        (Platform.SPOTIFY, {}, WARN, "not set up"),
        (Platform.SPOTIFY, {"spotify_client_secret": Secret("x")}, FAIL, "CROSSPLAY_SPOTIFY_CLIENT_ID"),
        (Platform.SPOTIFY, {"spotify_client_id": "my-app"}, WARN, "does not look like one"),
        (
            Platform.SPOTIFY,
            {"spotify_client_id": "a1" * 16},
            OK,
            "https://m.example/connect/spotify/callback",
        ),
        (
            Platform.SPOTIFY,
            {"spotify_client_id": "my-app", "spotify_accounts_url": "http://127.0.0.1:9000"},
            OK,
            "set up",
        ),
        (Platform.APPLE_MUSIC, {"apple_music_team_id": "ABCDE12345"}, FAIL, "KEY_ID, CROSSPLAY_APPLE"),
        (Platform.SPOTIFY, {"spotify_requests_per_s": 1.0}, WARN, "not set up"),
        (Platform.DEEZER, {}, OK, "public can be read. To connect accounts: CROSSPLAY_DEEZER_APP_ID, "),
        (Platform.DEEZER, {"deezer_app_id": "1"}, FAIL, "by half: CROSSPLAY_DEEZER_APP_SECRET missing"),
        (
            Platform.DEEZER,
            {"deezer_app_id": "1", "deezer_app_secret": Secret("x")},
            OK,
            "https://m.example/connect/deezer/callback",
        ),
        (Platform.LISTENBRAINZ, {}, OK, "ListenBrainz is set up."),
        (Platform.TIDAL, {}, WARN, "TIDAL is not set up"),
        (Platform.TIDAL, {"tidal_client_secret": Secret("x")}, FAIL, "CROSSPLAY_TIDAL_CLIENT_ID"),
        (Platform.TIDAL, {"tidal_client_id": "a"}, OK, "https://m.example/connect/tidal/callback"),
        (
            Platform.APPLE_MUSIC,
            {
                "apple_music_team_id": "ABCDE12345",
                "apple_music_key_id": "FGHIJ67890",
                "apple_music_private_key": P256,
            },
            OK,
            "can sign",
        ),
        (
            Platform.APPLE_MUSIC,
            {"apple_music_team_id": "team", "apple_music_key_id": "k", "apple_music_private_key": P256},
            WARN,
            "TEAM_ID does not look",
        ),
    ],
)
def test_credentials_of_platforms_are_judged(
    platform: Platform, values: dict[str, Any], verdict: Verdict, words: str
) -> None:
    settings = Settings(public_url="https://m.example", **values)
    known = Platforms(settings, budgets=platforms._no_budget)

    (finding,) = platforms.credentials(platform, settings=settings, known=known)

    assert finding.verdict is verdict
    assert words in finding.text


def test_a_key_that_cannot_sign_is_a_fault_of_the_settings() -> None:
    settings = Settings(apple_music_team_id="T", apple_music_key_id="K", apple_music_private_key=OTHER_CURVE)

    (fault,) = platforms.signing_faults(settings)

    assert fault.variable == "CROSSPLAY_APPLE_MUSIC_PRIVATE_KEY"
    assert "P-256" in fault.text
    assert platforms.signing_faults(msgspec.structs.replace(settings, apple_music_private_key=P256)) == []


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("", WARN),
        ("http://music.example", WARN),
        ("https://music.example", OK),
        ("http://127.0.0.1:8080", OK),
    ],
)
def test_an_address_that_browsers_do_not_trust_is_told(url: str, verdict: Verdict) -> None:
    assert platforms.public_url(Settings(public_url=url)).verdict is verdict


def test_the_worst_of_all_counts() -> None:
    assert worst([]) is OK
    assert worst([ok("a", "x"), warn("b", "y", cure="z"), ok("c", "x")]) is WARN


@pytest.mark.parametrize(
    ("settings", "verdict", "words"),
    [
        (Settings(), OK, "public https address"),
        (Settings(subsonic_allowed_networks="10.0.0.0/8", public_url="https://a.example"), OK, "10.0.0.0/8"),
        (Settings(subsonic_allowed_networks="10.0.0.0/8", public_url="http://10.0.0.2"), WARN, "without TLS"),
    ],
)
def test_where_users_servers_may_be_is_told(settings: Settings, verdict: Verdict, words: str) -> None:
    known = Platforms(settings, budgets=lambda *_: pytest.fail("no request is sent"))

    (finding,) = platforms.credentials(Platform.SUBSONIC, settings=settings, known=known)

    assert finding.verdict is verdict
    assert words in finding.text

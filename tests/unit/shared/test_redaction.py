"""What the net below the rule catches, in whatever form it comes, and what it lets through."""

import base64
import json
import traceback
from typing import Any

import msgspec
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from shared.redaction import BLANK, RedactingExporter, known_values, redact
from shared.secret import Secret
from shared.settings import Settings

CANARY = "CANARY" * 12
ACCESS = f"BQ{CANARY}"
JWT = f"eyJhbGciOi{CANARY}.eyJpc3Mi{CANARY}.{CANARY}"
PEM = f"-----BEGIN PRIVATE KEY-----\n{CANARY[:64]}\n{CANARY[:40]}==\n-----END PRIVATE KEY-----\n"
RING_KEY = base64.b64encode(bytes(range(7, 39))).decode()

TEXTS = [
    f"Authorization: Bearer {CANARY}",
    f"authorization: basic {CANARY}==",
    "{'Authorization': 'Bearer CANARY'}",
    "[(b'Authorization', b'Bearer CANARY')]",
    'headers={"authorization": "CANARY"}',
    f"Bearer\n{CANARY}",
    f"Bearer\\n{CANARY}",
    f"Bearer%20{CANARY}",
    f"Bearer {CANARY[:20]}\\n{CANARY[:20]}",
    f"key cp_live_ab12_{CANARY} was used",
    f"signed with whsec_{CANARY}+/==",
    '{"refresh_token": "CANARY", "scope": "x"}',
    '{\\"refresh_token\\": \\"CANARY\\"}',
    '"{\\\\\\"access_token\\\\\\":\\\\\\"CANARY\\\\\\"}"',
    "{'music_user_token': 'CANARY'}",
    "Music-User-Token: CANARY",
    "grant_type=refresh_token&refresh_token=CANARY&client_id=x",
    "code=1&client_secret=CANARY",
    "GET /connect/spotify/callback?code=CANARY&state=CANARY HTTP/1.1",
    "code_verifier=CANARY",
    "Set-Cookie: CANARY; Path=/",
    "password=CANARY",
    "CROSSPLAY_SECRET_KEYS=k1:CANARY",
    "postgresql://crossplay:CANARY@127.0.0.1:5432/crossplay",
    "postgresql://crossplay:CAN@ARY-CANARY@127.0.0.1/crossplay",
    "redis://:CANARY@127.0.0.1:6379/0",
    f"the token {ACCESS} was refused",
    f"the token AQ{CANARY}-_",
    f"the token {ACCESS[:40]}\n{ACCESS[40:]}",
    f"the token {ACCESS[:40]}\\r\\n{ACCESS[40:]}",
    f"signed {JWT}.",
    f"signed {JWT[:90]}\n{JWT[90:]}",
    f"signed eyJhbGciOi{CANARY}.eyJpc3Mi{CANARY}.",
    PEM,
    PEM.replace("PRIVATE", "EC PRIVATE"),
    PEM.replace("\n", "\\n"),
    PEM.replace("\n", "\\\\n"),
    PEM.replace("\n", "\r\n"),
    PEM[:90],
    f"CROSSPLAY_APPLE_MUSIC_PRIVATE_KEY={PEM}",
    f'"private_key": "{PEM}"',
    f"Authorization: Bearer {JWT[:90]}\n{JWT[90:]}",
    f"access_token={ACCESS[:40]}\n{ACCESS[40:]}",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_is_blanked(text: str) -> None:
    blanked = redact(text)

    assert "CANARY" not in blanked
    assert BLANK in blanked


@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_is_blanked_in_json_which_stays_json(text: str) -> None:
    line = json.dumps({"message": text, "nested": [json.dumps({"body": text})], "after": "kept"})

    blanked = redact(line)

    assert "CANARY" not in blanked
    assert json.loads(blanked)["after"] == "kept"


@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_is_blanked_in_the_cause_of_an_error(text: str) -> None:
    error = RuntimeError("It broke.")
    error.__cause__ = ValueError(text)
    error.__cause__.__context__ = KeyError(text)

    told = "".join(traceback.format_exception(error))

    assert told.count("CANARY") >= 2
    assert "CANARY" not in redact(told)


@pytest.mark.parametrize(
    "text",
    [
        "Spotify refused the refresh_token grant; basic plan; https://127.0.0.1:8080/connect?x=1",
        "The key ring has no key 'k1': add it to CROSSPLAY_SECRET_KEYS again.",
        "CROSSPLAY_DATABASE_URL is missing: PostgreSQL 15–18, `postgresql://user:password@host:port/name`.",
        "Bearer tokens and a Basic understanding of authorization",
        '{"state": "paused", "code": "tokens-locked", "key_id": "k1", "job_id": "0b7e8a52-3a6f"}',
        "spotify:track:AQ4iV5W9uYEdYUVa79Axb7 and playlist BQ37i9dQZF1DX0XUsuxWHR",
        "password authentication failed for user mira@example.org",
    ],
)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert redact(text) == text


def test_known_values_are_blanked_whatever_they_look_like() -> None:
    settings = Settings(
        database_url=Secret("postgresql://mira:pa%2Fss%22word-of-mira@h/d"),
        redis_url=Secret("redis://:red-is-a-colour@h/0"),
        secret_keys=Secret(f"k1:{RING_KEY}"),
        spotify_client_secret=Secret("spotify says so"),
        apple_music_private_key=Secret(PEM),
    )

    known = known_values(settings)

    for secret in (
        "pa%2Fss%22word-of-mira",
        'pa/ss"word-of-mira',
        'pa/ss\\"word-of-mira',
        "red-is-a-colour",
        RING_KEY,
        RING_KEY.replace("=", "%3D"),
        "spotify says so",
        "spotify%20says%20so",
        CANARY[:64],
    ):
        assert redact(f"it was <{secret}>", known=known) == f"it was <{BLANK}>"


def test_a_short_password_does_not_spoil_every_line() -> None:
    settings = Settings(database_url=Secret("postgresql://crossplay:crossplay@h/crossplay"))

    assert known_values(settings) == ()
    assert redact("crossplay-gateway", known=known_values(settings)) == "crossplay-gateway"


def test_a_private_key_in_a_file_is_known_by_its_lines(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("keys") / "key.p8"
    path.write_text(PEM)

    known = known_values(Settings(apple_music_private_key=Secret(str(path))))

    assert CANARY not in redact(f"{CANARY[:64]}", known=known)
    assert redact(CANARY[:64], known=known) == BLANK


def test_spans_leave_without_secrets() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(RedactingExporter(kept, known=["known-canary"])))
    attributes: dict[str, Any] = {
        "url": f"https://h/?code={CANARY}",
        "list": ["known-canary", ACCESS],
        "count": 3,
    }

    with provider.get_tracer("t").start_as_current_span(f"GET {ACCESS}", attributes=attributes) as span:
        span.add_event(f"got {ACCESS}", {"body": "known-canary"})
        span.record_exception(RuntimeError(f"refused {ACCESS}"))
        span.set_status(StatusCode.ERROR, f"refused {ACCESS}")

    (left,) = kept.get_finished_spans()
    told = (
        f"{left.name} {left.attributes} {[(one.name, one.attributes) for one in left.events]} {left.status}"
    )
    assert left.status.description is not None
    assert left.attributes is not None
    assert left.attributes["count"] == 3
    assert left.context == span.get_span_context()
    assert {one.name for one in left.events} == {f"got {BLANK}", "exception"}
    assert "CANARY" not in told
    assert "known-canary" not in told
    assert f"refused {BLANK}" in left.status.description
    provider.shutdown()


def test_a_line_of_a_megabyte_is_blanked_in_good_time() -> None:
    texts = ["eyJ" * 300_000, "\\" * 1_000_000, "-----BEGIN " * 90_000, "AQ" * 500_000, "://a:" * 200_000]

    blanked = [redact(msgspec.json.encode(text).decode()) for text in texts]

    assert len(blanked) == len(texts)

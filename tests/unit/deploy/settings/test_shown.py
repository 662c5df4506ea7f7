"""What is shown of settings holds no secret, wherever in an address one stands."""

import pytest

from deploy.settings.shown import shown_address, shown_setting, shown_telemetry
from shared.secret import Secret
from shared.settings import Settings

CANARY = "canary"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://u:canary@db:5432/x", "postgresql://u:[redacted]@db:5432/x"),
        ("redis://:canary@[::1]:6379/0", "redis://:[redacted]@[::1]:6379/0"),
        ("postgresql:///x?host=/run&password=canary", "postgresql:///x?host=%2Frun&password=[redacted]"),
        (
            "postgresql://db/x?sslkey=canary&sslmode=require",
            "postgresql://db/x?sslkey=[redacted]&sslmode=require",
        ),
        ("redis://:pass@word@h/0#canary", "redis://:[redacted]@h/0#[redacted]"),
        ("redis://[canary", "[redacted]"),
    ],
)
def test_an_address_keeps_all_but_its_password(address: str, shown: str) -> None:
    assert shown_address(address).replace("%2F", "/") == shown.replace("%2F", "/")


def test_secrets_are_told_by_their_harmless_parts() -> None:
    settings = Settings(
        secret_keys=Secret("k1:canary, k2:canary"),
        spotify_client_secret=Secret("canary"),
        database_url=Secret("postgresql://u:canary@h/d"),
    )

    shown = {name: shown_setting(settings, name) for name in Settings.__struct_fields__}

    assert shown["secret_keys"] == "k1:[redacted], k2:[redacted]"
    assert shown["spotify_client_secret"] == "[redacted]"
    assert shown["apple_music_private_key"] == ""
    assert shown["lease_s"] == "30"
    assert CANARY not in str(shown)


def test_telemetry_is_shown_without_credentials() -> None:
    shown = shown_telemetry(
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://u:canary@collector:4318/v1?api_key=canary",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-api=canary",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": "canary",
            "OTEL_SERVICE_NAME": "crossplay",
            "PATH": "/bin",
        }
    )

    assert set(shown) == {
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
        "OTEL_SERVICE_NAME",
    }
    assert shown["OTEL_SERVICE_NAME"] == "crossplay"
    assert "collector:4318" in shown["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert CANARY not in str(shown)

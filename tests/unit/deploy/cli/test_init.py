"""`crossplay init`: the settings of a new installation."""

import stat
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values

from deploy.cli.exits import Exit
from deploy.cli.init import Profile, environment_text
from deploy.cli.main import run
from shared.environment import load
from shared.settings import parse_key_ring, private_key_pem


def values(text: str) -> dict[str, str]:
    """Read the text as compose does."""
    return {
        name: value or "" for name, value in dotenv_values(stream=StringIO(text), interpolate=False).items()
    }


def test_settings_can_be_used_and_no_secret_comes_twice() -> None:
    one, other = (values(environment_text((), has_own_stores=False)) for _ in range(2))

    assert len(parse_key_ring(load(one).secret_keys)) == 1
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "CROSSPLAY_SECRET_KEYS"):
        assert len(one[name]) >= 48
        assert one[name] != other[name]
    assert one["POSTGRES_PASSWORD"] != one["REDIS_PASSWORD"]
    assert one["COMPOSE_PROFILES"] == ""


def test_sandbox_needs_nothing_to_be_filled_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["init", str(tmp_path / ".env"), "--profile", "sandbox"])

    settings = load(values((tmp_path / ".env").read_text()))
    assert code == Exit.FULL
    assert settings.spotify_api_url == "http://sandbox-spotify:9000/v1"
    assert private_key_pem(settings).splitlines()[0] == "-----BEGIN PRIVATE KEY-----"
    assert "Nothing has to be filled in" in capsys.readouterr().err


def test_observability_gets_its_password_and_its_addresses() -> None:
    chosen = values(environment_text([Profile.OBSERVABILITY, Profile.TLS], has_own_stores=False))

    assert chosen["COMPOSE_PROFILES"] == "observability,tls"
    assert len(chosen["GRAFANA_PASSWORD"]) >= 48
    assert chosen["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://otel-collector:4318"


def test_file_is_for_its_owner_alone_and_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["init", str(tmp_path / ".env"), "--profile", "tls"])

    told = capsys.readouterr()
    assert code == Exit.FULL
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert "CROSSPLAY_PUBLIC_URL" in told.err
    assert "CROSSPLAY_SPOTIFY_" in told.err
    assert told.out == ""


def test_file_that_is_there_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".env").write_text("CROSSPLAY_SECRET_KEYS=precious")

    code = run(["init", str(tmp_path / ".env")])

    assert code == Exit.USAGE_OR_CANCELLED
    assert (tmp_path / ".env").read_text() == "CROSSPLAY_SECRET_KEYS=precious"
    assert "stays as it is" in capsys.readouterr().err


def test_directory_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / "nowhere/.env")]) == Exit.FAILED
    assert "cannot be made" in capsys.readouterr().err


def test_own_stores_are_left_to_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["init", "-", "--own-stores"])

    told = capsys.readouterr()
    assert code == Exit.FULL
    assert "CROSSPLAY_DATABASE_URL=\n" in told.out
    assert "POSTGRES_PASSWORD" not in told.out
    assert "CROSSPLAY_DATABASE_URL and CROSSPLAY_REDIS_URL" in told.err


def test_profiles_and_own_stores_exclude_each_other() -> None:
    assert run(["init", "-", "--own-stores", "--profile", "tls"]) == Exit.USAGE_OR_CANCELLED

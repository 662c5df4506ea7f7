"""What is written from the settings' model: current, complete, and understood by its readers."""

import json
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploy.settings.env_file import env_example
from deploy.settings.files import ROOT, written_files
from deploy.settings.schema import settings_schema
from shared.environment import load
from shared.setting_kinds import settings_by_name
from shared.settings import DESCRIPTIONS, GROUPS, REQUIRED, Settings


@pytest.mark.parametrize("path", written_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_written_file_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == written_files()[path], "run: python -m deploy.settings"


def test_every_setting_is_described_and_none_is_invented() -> None:
    assert set(DESCRIPTIONS) == set(Settings.__struct_fields__)
    assert set(GROUPS) | set(REQUIRED) <= set(Settings.__struct_fields__)


@pytest.mark.parametrize("place", [".env.example", "docs/reference/settings.md"])
@pytest.mark.parametrize("name", settings_by_name())
def test_every_setting_stands_in_the_example_and_in_the_reference(name: str, place: str) -> None:
    assert settings_by_name()[name].variable in (ROOT / place).read_text(encoding="utf-8")


def test_the_example_with_every_line_made_valid_says_what_the_defaults_say() -> None:
    lines = [line.removeprefix("#") for line in env_example().splitlines() if "=" in line]
    given = dict(line.split("=", 1) for line in lines if line.startswith("CROSSPLAY_") and " " not in line)

    assert len(given) == len(Settings.__struct_fields__)
    assert load(given) == Settings()


def test_no_line_of_the_example_means_something_else_to_a_shell() -> None:
    values = [line.partition("=")[2] for line in env_example().splitlines() if line.startswith("#CROSS")]

    assert [value for value in values if shlex.quote(value) != value and value] == []


def definition(name: str) -> dict[str, Any]:
    schema = settings_schema()
    return {"$schema": schema["$schema"], **schema["definitions"][name]}


def test_the_schema_is_one_by_its_own_rules() -> None:
    jsonschema.Draft7Validator.check_schema(settings_schema())


def test_the_schema_divides_all_settings_into_open_ones_and_secrets() -> None:
    config, secrets = (set(definition(name)["properties"]) for name in ("config", "secrets"))

    assert config | secrets == set(Settings.__struct_fields__)
    assert config & secrets == set()
    assert "spotify_client_secret" in secrets


@pytest.mark.parametrize(
    "values",
    [
        {"port": 9090, "log_level": "DEBUG", "spotify_requests_per_s": 2.5},
        {"lease_s": 45, "public_url": "https://music.example.org"},
        {},
    ],
)
def test_the_schema_takes_what_the_settings_take(values: dict[str, Any]) -> None:
    jsonschema.validate(values, definition("config"))

    settings = load({f"CROSSPLAY_{name.upper()}": str(value) for name, value in values.items()})
    assert {name: getattr(settings, name) for name in values} == values


@pytest.mark.parametrize(
    "values",
    [
        {"port": 70_000},
        {"worker_concurrency": 0},
        {"worker_concurency": 4},
        {"log_level": "LOUD"},
        {"database_url": "postgresql://user:password@db/crossplay"},
        {"lease_s": 0},
        {"lease_s": "long"},
    ],
)
def test_the_schema_refuses_what_a_role_would_refuse_and_secrets_among_the_rest(
    values: dict[str, Any],
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, definition("config"))


def test_the_written_schema_is_json_without_surprises() -> None:
    text = (ROOT / "deploy/helm/settings.schema.json").read_text(encoding="utf-8")

    assert json.loads(text) == settings_schema()

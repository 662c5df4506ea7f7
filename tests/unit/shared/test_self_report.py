"""What a role says of itself when it starts."""

import base64
import json

import pytest

from shared import logs
from shared.config_hash import config_hash
from shared.secret import Secret
from shared.self_report import tell_settings
from shared.settings import Settings

RING = Secret(f"k1:{base64.b64encode(bytes(range(32))).decode()}")

pytestmark = pytest.mark.usefixtures("restored_logging")


def test_a_role_names_its_settings_by_their_hash_and_misspelt_ones_by_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = Settings(secret_keys=RING, log_format="json")
    logs.configure(settings)

    tell_settings(settings, environ={"CROSSPLAY_LEASE": "canary", "CROSSPLAY_PORT": "8080"})

    printed = capsys.readouterr().err
    unknown, read = (json.loads(line) for line in printed.splitlines())
    assert (unknown["event"], unknown["variable"], unknown["meant"]) == (
        "unknown_setting",
        "CROSSPLAY_LEASE",
        "CROSSPLAY_LEASE_S",
    )
    assert unknown["level"] == "WARNING"
    assert (read["event"], read["config_hash"]) == ("settings_read", config_hash(settings))
    assert "canary" not in printed

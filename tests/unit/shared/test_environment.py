"""Where settings come from: variables, files, defaults; and variables that mean nothing."""

from pathlib import Path

import pytest

from shared.environment import Source, load, read, unknown_variables
from shared.errors import SettingsError
from shared.secret import Secret

PASSWORD = "correct-horse-battery"


def secret_file(folder: Path, content: str | bytes) -> str:
    path = folder / "secret"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", " \n\n"])
def test_a_secret_is_read_from_its_file_without_the_line_end(ending: str, tmp_path: Path) -> None:
    path = secret_file(tmp_path, f"redis://:{PASSWORD}@127.0.0.1/0{ending}")

    settings = load({"CROSSPLAY_REDIS_URL_FILE": path})

    assert settings.redis_url == Secret(f"redis://:{PASSWORD}@127.0.0.1/0")


def test_a_setting_that_is_no_secret_may_stand_in_a_file_too(tmp_path: Path) -> None:
    settings = load({"CROSSPLAY_PORT_FILE": secret_file(tmp_path, "9090\n")})

    assert settings.port == 9090


def test_a_private_key_keeps_its_lines(tmp_path: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nxyz\n-----END PRIVATE KEY-----"

    settings = load({"CROSSPLAY_APPLE_MUSIC_PRIVATE_KEY_FILE": secret_file(tmp_path, pem + "\n")})

    assert settings.apple_music_private_key.reveal() == pem


def test_a_variable_and_its_file_at_once_are_a_fault_that_names_both(tmp_path: Path) -> None:
    path = secret_file(tmp_path, "redis://127.0.0.1/0")

    (fault,) = read({"CROSSPLAY_REDIS_URL": "redis://h/0", "CROSSPLAY_REDIS_URL_FILE": path}).faults

    assert fault.text.startswith("CROSSPLAY_REDIS_URL and CROSSPLAY_REDIS_URL_FILE are both set")


def test_an_empty_variable_beside_a_file_is_not_set(tmp_path: Path) -> None:
    path = secret_file(tmp_path, "redis://127.0.0.1/0")

    assert load({"CROSSPLAY_REDIS_URL": "", "CROSSPLAY_REDIS_URL_FILE": path}).redis_url


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe\xfa", "no UTF-8"),
        (b"x" * 70_000, "more than 64 KiB"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_by_its_variable_alone(
    content: bytes | None, reason: str, tmp_path: Path
) -> None:
    path = secret_file(tmp_path, content) if content is not None else str(tmp_path / PASSWORD)

    (fault,) = read({"CROSSPLAY_SECRET_KEYS_FILE": path}).faults

    assert fault.variable == "CROSSPLAY_SECRET_KEYS_FILE"
    assert reason in fault.text
    assert str(tmp_path) not in fault.text
    assert fault.value is None


def test_a_secret_in_place_of_its_file_name_is_not_told() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"CROSSPLAY_DATABASE_URL_FILE": f"postgresql://u:{PASSWORD}@h/d"})

    assert PASSWORD not in str(caught.value)


def test_a_directory_in_place_of_a_file_is_a_fault(tmp_path: Path) -> None:
    (fault,) = read({"CROSSPLAY_REDIS_URL_FILE": str(tmp_path)}).faults

    assert "cannot be read" in fault.text


def test_each_setting_says_where_it_comes_from(tmp_path: Path) -> None:
    reading = read(
        {"CROSSPLAY_PORT": "9090", "CROSSPLAY_REDIS_URL_FILE": secret_file(tmp_path, "redis://h/0"), "X": "1"}
    )

    assert reading.sources["port"] is Source.ENVIRONMENT
    assert reading.sources["redis_url"] is Source.FILE
    assert reading.sources["host"] is Source.DEFAULT


def test_a_fault_leaves_the_default_in_its_place() -> None:
    reading = read({"CROSSPLAY_PORT": "x", "CROSSPLAY_LEASE_S": "45"})

    assert (reading.settings.port, reading.sources["port"]) == (8080, Source.DEFAULT)
    assert reading.settings.lease_s == 45


def test_a_fault_tells_what_is_there_what_is_allowed_and_what_cures_it() -> None:
    (fault,) = read({"CROSSPLAY_PORT": "70000"}).faults

    assert (fault.value, fault.what) == ("70000", "must be a whole number from 0 to 65535")
    assert "8080" in fault.cure


def test_the_port_that_kubernetes_sets_is_recognized() -> None:
    reading = read({"CROSSPLAY_PORT": "tcp://10.0.0.7:8080"})

    assert "enableServiceLinks" in reading.faults[0].cure
    assert reading.unknown == ()


@pytest.mark.parametrize(("text", "level"), [("debug", "DEBUG"), ("Warning", "WARNING"), ("ERROR", "ERROR")])
def test_words_are_taken_in_any_case(text: str, level: str) -> None:
    assert load({"CROSSPLAY_LOG_LEVEL": text}).log_level == level


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CROSSPLAY_WORKER_CONCURENCY", "CROSSPLAY_WORKER_CONCURRENCY"),
        ("CROSSPLAY_LEASE", "CROSSPLAY_LEASE_S"),
        ("CROSSPLAY_DATABASE_URI", "CROSSPLAY_DATABASE_URL"),
        ("CROSSPLAY_SECRET_KEY", "CROSSPLAY_SECRET_KEYS"),
        ("CROSSPLAY_SECRET_KEYS_FIL", "CROSSPLAY_SECRET_KEYS_FILE"),
        ("CROSSPLAY_FLUX_CAPACITOR", None),
    ],
)
def test_a_misspelt_variable_is_found_with_the_one_that_was_meant(variable: str, meant: str | None) -> None:
    (unknown,) = unknown_variables({variable: PASSWORD, "CROSSPLAY_PORT": "1", "PATH": "/"})

    assert (unknown.variable, unknown.meant) == (variable, meant)
    assert PASSWORD not in unknown.text


@pytest.mark.parametrize(
    "variable",
    [
        "CROSSPLAY_URL",
        "CROSSPLAY_API_KEY",
        "CROSSPLAY_DEBUG",
        "CROSSPLAY_PG_BIN",
        "CROSSPLAY_TEST_DATABASE_URL",
        "CROSSPLAY_SERVICE_HOST",
        "CROSSPLAY_GATEWAY_SERVICE_PORT_HTTP",
        "CROSSPLAY_GATEWAY_PORT_8080_TCP_ADDR",
        "CROSSPLAY_REDIS_URL_FILE",
    ],
)
def test_variables_of_others_are_left_alone(variable: str) -> None:
    assert unknown_variables({variable: "x"}) == ()

"""The compose file: valid for its schema, whole for each profile, hardened in every service."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.cli.init import Profile, environment_text
from shared.environment import load
from shared.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[4]
COMPOSE = ROOT / "deploy/compose/compose.yaml"
TEXT = COMPOSE.read_text(encoding="utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
PROGRAMS = Path(sys.executable).parent
VERSION = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)[0]
VARIABLES = {f"{PREFIX}{name.upper()}" for name in Settings.__struct_fields__}

validated = pytest.mark.skipif(
    not (PROGRAMS / "check-jsonschema").exists() or not (PROGRAMS / "podman-compose").exists(),
    reason="check-jsonschema and podman-compose are not installed: make validators",
)


def run(program: str, *arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [PROGRAMS / program, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@validated
def test_schema_accepts_the_file_and_catches_a_wrong_key(tmp_path: Path) -> None:
    broken = tmp_path / "compose.yaml"
    broken.write_text(TEXT.replace("  stop_grace_period: 40s", "  stop_grace: 40s", 1))

    told = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE, broken)

    faulty = [line.strip().split("::")[0] for line in told.stdout.splitlines() if "::" in line]
    assert set(faulty) == {str(broken)}, told.stdout
    assert "stop_grace" in told.stdout


@validated
@pytest.mark.parametrize("profiles", [(), tuple(Profile)], ids=["plain", "all"])
def test_model_is_whole_with_the_settings_that_init_makes(
    profiles: tuple[Profile, ...], tmp_path: Path
) -> None:
    environment = tmp_path / ".env"
    environment.write_text(environment_text(profiles, has_own_stores=False))
    chosen = (f"--profile={name}" for name in profiles)

    told = run("podman-compose", "--env-file", environment, "--file", COMPOSE, *chosen, "config")

    assert told.returncode == 0, told.stderr
    services = yaml.safe_load(told.stdout)["services"]
    assert services.keys() >= {
        name for name, service in SERVICES.items() if set(service.get("profiles", ())) <= set(profiles)
    }
    assert re.search(r"postgresql://crossplay:[0-9a-f]{48}@postgres:5432/crossplay", told.stdout)


def test_each_profile_has_its_services_and_none_is_needed_without_them() -> None:
    of_profiles = {
        profile: [name for name, service in SERVICES.items() if service.get("profiles") == [profile]]
        for profile in Profile
    }

    assert all(of_profiles.values())
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == {
        *("postgres", "redis", "migrate", "gateway", "worker")
    }
    for service in SERVICES.values():
        for name in service.get("depends_on", ()):
            assert SERVICES[name].get("profiles") in (None, service.get("profiles")), name


def test_every_service_is_hardened() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert set(service.get("cap_add", ())) <= {"NET_BIND_SERVICE"}, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        assert service["logging"]["options"]["max-size"], name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name


def test_every_image_is_pinned_to_a_release() -> None:
    for name, service in SERVICES.items():
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+(\.\d+)?(-alpine)?", service["image"]), name
        assert "build" not in service or service["image"] == f"crossplay:{VERSION}", name


def test_only_what_people_open_is_published_and_stores_never() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert set(ports) == {"gateway", "caddy", "jaeger", "prometheus", "grafana"}
    assert ports.pop("caddy") == ["80:80", "443:443", "443:443/udp"]
    assert all(port.startswith("127.0.0.1:") for published in ports.values() for port in published)
    assert [SERVICES[name]["networks"] for name in ("postgres", "redis")] == [["stores"], ["stores"]]
    assert FILE["networks"]["stores"]["internal"] is True


def test_workers_can_be_many() -> None:
    worker = SERVICES["worker"]

    assert not {"container_name", "hostname", "ports", "scale"} & set(worker)
    assert "replicas" not in worker["deploy"]


def test_roles_wait_for_healthy_stores_and_the_schema() -> None:
    for role in ("gateway", "worker"):
        conditions = {name: after["condition"] for name, after in SERVICES[role]["depends_on"].items()}
        assert conditions == {
            "postgres": "service_healthy",
            "redis": "service_healthy",
            "migrate": "service_completed_successfully",
        }
    waited_for = {
        name
        for service in SERVICES.values()
        if isinstance(service.get("depends_on"), dict)
        for name, after in service["depends_on"].items()
        if after["condition"] == "service_healthy"
    }
    assert all("test" in SERVICES[name]["healthcheck"] for name in waited_for)


def test_stopping_leaves_time_to_drain() -> None:
    for role in ("gateway", "worker"):
        drain_s = float(SERVICES[role]["environment"]["CROSSPLAY_DRAIN_S"])
        assert float(SERVICES[role]["stop_grace_period"].removesuffix("s")) > drain_s + 10


def test_redis_refuses_rather_than_forgets() -> None:
    command = " ".join(SERVICES["redis"]["command"])

    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly yes" in command
    assert "--requirepass" not in command


@pytest.mark.parametrize(
    "path", [COMPOSE, COMPOSE.parent / "Caddyfile", COMPOSE.parent / "otel-collector.yaml"]
)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    without_comments = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)

    assert set(re.findall(r"CROSSPLAY_[A-Z_]+", without_comments)) <= VARIABLES


@pytest.mark.skipif(
    not (ROOT / "deploy/grafana").exists(), reason="this tree has no dashboards that could be mounted"
)
def test_what_is_mounted_is_in_the_repository() -> None:
    mounts = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())]
    named = set(FILE["volumes"])

    assert {mount for mount in mounts if not mount.startswith(".")} == named
    missing = [mount for mount in mounts if mount.startswith(".") and not (COMPOSE.parent / mount).exists()]
    assert missing == []


def test_settings_of_the_file_are_accepted() -> None:
    environment = {
        name: value.replace("${POSTGRES_PASSWORD:-}", "p").replace("${REDIS_PASSWORD:-}", "r")
        for name, value in SERVICES["gateway"]["environment"].items()
    }

    assert load(environment).drain_s == 25

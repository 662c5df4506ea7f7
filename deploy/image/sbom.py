"""Writes a CycloneDX list of the image's Python packages: `python -m deploy.image.sbom FILE`.

Versions and hashes come from the image's lock file, licences and dependencies from the packages as they are
installed here, which are the same versions. It is derived, so it is not kept in the repository.
"""

import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any

import msgspec
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "deploy" / "image" / "requirements.lock"
PROJECT = "crossplay"

Json = dict[str, Any]


class Invalid(Exception):
    """What was written is no valid list."""


def describe(lock: Path = LOCK) -> Json:
    """Return the list for a lock file as a CycloneDX 1.6 document, the same at every call."""
    made = subprocess.run(  # noqa: S603 - our own words
        [
            *(sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(lock)),
            *("--pyproject", str(ROOT / "pyproject.toml"), "--sv", "1.6", "--output-reproducible"),
        ],
        capture_output=True,
        check=True,
    )
    document: Json = msgspec.json.decode(made.stdout)
    components: list[Json] = document["components"]
    refs = {normalized(one["name"]): one["bom-ref"] for one in components}
    for one in components:
        one["description"] = _summary(one["name"])
        one["licenses"] = _licenses(one["name"])
    document["dependencies"] = [
        {"ref": ref, "dependsOn": _needed(name, refs=refs)}
        for name, ref in {PROJECT: document["metadata"]["component"]["bom-ref"], **refs}.items()
    ]
    return document


def validate(document: Json) -> None:
    """Raises Invalid."""
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(msgspec.json.encode(document).decode())
    if fault is not None:
        raise Invalid(str(fault))


def normalized(name: str) -> str:
    """Return a package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _summary(name: str) -> str:
    return _told(name).get("Summary", "")


def _licenses(name: str) -> list[Json]:
    """Return what a package says of its licence: an expression, else its classifiers, else its words."""
    told = _told(name)
    if expression := told.get("License-Expression"):
        return [{"expression": expression, "acknowledgement": "declared"}]
    names = [
        line.rpartition(" :: ")[2]
        for line in (metadata(name).get_all("Classifier") or () if told else ())
        if line.startswith("License :: OSI Approved")
    ]
    words = names or [line for line in [told.get("License", "").split("\n")[0]] if line]
    return [{"license": {"name": word, "acknowledgement": "declared"}} for word in words]


def _needed(name: str, *, refs: Mapping[str, str]) -> list[str]:
    try:
        wanted = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:
        return []
    extras = ("", "crypto", "hiredis")  # those that the project asks for
    return sorted(
        {
            refs[normalized(one.name)]
            for one in wanted
            if normalized(one.name) in refs
            and (one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras))
        }
    )


def _told(name: str) -> dict[str, str]:
    """Return what a package tells of itself; nothing of one that this platform does not install."""
    try:
        told = metadata(name)
        return {key: str(told[key]) for key in told}
    except PackageNotFoundError:
        return {}


def main() -> None:
    document = describe()
    validate(document)
    Path(sys.argv[1]).write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
    sys.stdout.write(f"{len(document['components'])} packages: {sys.argv[1]}\n")


if __name__ == "__main__":
    main()

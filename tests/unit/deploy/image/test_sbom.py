"""The list of the image's packages: each of the lock file, with its version, hashes, licence and needs."""

import re

import pytest

pytest.importorskip("cyclonedx", reason="`make validators` installs what lists the image's packages")

from deploy.image.sbom import (
    LOCK,
    Invalid,
    Json,
    describe,
    normalized,
    validate,
)


@pytest.fixture(scope="module")
def document() -> Json:
    return describe()


def test_every_locked_package_is_listed_with_its_version_and_hashes(document: Json) -> None:
    locked = dict(re.findall(r"^([a-zA-Z0-9_.-]+)==([^ ;\\]+)", LOCK.read_text(), flags=re.MULTILINE))
    hashes = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", LOCK.read_text()))

    listed = {one["name"]: one for one in document["components"]}

    assert {name: one["version"] for name, one in listed.items()} == locked
    assert len(locked) > 40
    told = {
        part["content"]
        for one in listed.values()
        for reference in one["externalReferences"]
        for part in reference["hashes"]
    }
    assert told == hashes
    assert all(one["purl"].startswith(f"pkg:pypi/{normalized(name)}@") for name, one in listed.items())


def test_licences_are_told_where_packages_tell_them(document: Json) -> None:
    silent = {one["name"] for one in document["components"] if not one["licenses"]}

    assert len(silent) <= 3, silent  # those that only another platform installs
    aiohttp = next(one for one in document["components"] if one["name"] == "aiohttp")
    assert "Apache-2.0" in aiohttp["licenses"][0]["expression"]


def test_what_needs_what_is_told(document: Json) -> None:
    refs = {one["name"]: one["bom-ref"] for one in document["components"]}
    needs = {one["ref"]: one["dependsOn"] for one in document["dependencies"]}

    assert refs["aiohttp"] in needs["root-component"]
    assert refs["multidict"] in needs[refs["aiohttp"]]


def test_the_document_is_valid_and_an_invalid_one_is_noticed(document: Json) -> None:
    validate(document)

    with pytest.raises(Invalid):
        validate({**document, "components": [{"name": "nameless type"}]})

"""Answers of simulated SoundCloud against SoundCloud's published schema."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS30Validator

from tests.integration.sandbox.harness import Caller
from tests.integration.sandbox.test_soundcloud import LINKED, soundcloud

SPEC = Path(__file__).resolve().parents[3] / "../shared/specs/soundcloud-openapi.yaml"

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="the reference shelf is not beside the checkout")
__all__ = ["soundcloud"]


def resolved(spec: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        node: Any = spec
        for name in part["$ref"].removeprefix("#/").split("/"):
            node = node[name]
        part = node
    return part


def nullable(part: Any) -> Any:
    """The schema with null allowed everywhere: its own examples have it where no `nullable` stands."""
    if isinstance(part, list):
        return [nullable(each) for each in part]
    if not isinstance(part, dict):
        return part
    opened = {name: nullable(each) for name, each in part.items()}
    return {**opened, "nullable": True} if isinstance(part.get("type"), str) else opened


def faults_of(spec: dict[str, Any], template: str, method: str, *, status: int, body: Any) -> list[str]:
    """Return what does not fit, and the fields that the description does not know."""
    answer = resolved(spec, spec["paths"][template][method.lower()]["responses"][str(status)])
    if "content" not in answer:
        return []
    (content,) = answer["content"].values()
    if "schema" not in content:
        return []
    schema = resolved(spec, content["schema"])
    if "oneOf" in schema:  # a linked page, or the bare list of former times
        schema = resolved(spec, schema["oneOf"][isinstance(body, list)])
    validator = OAS30Validator({**schema, "components": spec["components"]})
    found = [f"{list(error.absolute_path)}: {error.message[-200:]}" for error in validator.iter_errors(body)]
    known = resolved(spec, schema).get("properties", {})
    unknown = set(body) - set(known) if known and isinstance(body, dict) else set()
    return [f"{template} {fault}" for fault in [*found, *sorted(unknown)]]


async def test_answers_fit_the_published_schema(soundcloud: Caller) -> None:
    spec = nullable(yaml.load(SPEC.read_text(), Loader=yaml.CSafeLoader))
    own_id = await soundcloud.playlist_id("Odd")
    urn = (await soundcloud.truth(own_id))[0]["id"]
    playlist, likes = "/playlists/{playlist_urn}", "/likes/tracks/{track_urn}"
    (user,) = (await soundcloud.json("GET", f"/users?q=harbour&{LINKED}"))["collection"]
    followings = "/me/followings/{user_urn}"
    new = {"playlist": {"title": "New", "sharing": "private", "tracks": [{"urn": urn}]}}
    calls: tuple[tuple[str, str, str, int, Any], ...] = (
        ("GET", "/me", "/me", 200, None),
        ("GET", "/me/playlists", f"/me/playlists?{LINKED}&limit=1", 200, None),
        ("GET", "/me/playlists", "/me/playlists", 200, None),
        ("GET", playlist, f"/playlists/{own_id}", 200, None),
        ("GET", f"{playlist}/tracks", f"/playlists/{own_id}/tracks?{LINKED}", 200, None),
        ("GET", "/tracks", f"/tracks?q=lantern&{LINKED}", 200, None),
        ("GET", "/tracks", f"/tracks?urns={urn}", 200, None),
        ("GET", "/tracks/{track_urn}", f"/tracks/{urn}", 200, None),
        ("GET", "/tracks/{track_urn}", "/tracks/soundcloud:tracks:1", 404, None),
        ("POST", "/playlists", "/playlists", 201, new),
        ("PUT", playlist, f"/playlists/{own_id}", 200, new),
        ("PUT", playlist, "/playlists/soundcloud:playlists:1", 404, new),
        ("POST", likes, f"/likes/tracks/{urn}", 200, None),
        ("GET", "/me/likes/tracks", f"/me/likes/tracks?{LINKED}", 200, None),
        ("DELETE", likes, f"/likes/tracks/{urn}", 200, None),
        ("GET", "/users", f"/users?q=harbour&{LINKED}", 200, None),
        ("PUT", followings, f"/me/followings/{user['urn']}", 201, None),
        ("PUT", followings, f"/me/followings/{user['urn']}", 200, None),
        ("PUT", followings, "/me/followings/soundcloud:users:1", 404, None),
        ("GET", "/me/followings", "/me/followings?limit=1", 200, None),
        ("DELETE", followings, f"/me/followings/{user['urn']}", 200, None),
        ("DELETE", followings, f"/me/followings/{user['urn']}", 404, None),
        ("DELETE", playlist, f"/playlists/{own_id}", 200, None),
    )

    found = []
    for method, template, path, status, body in calls:
        answer = await soundcloud.json(method, path, status=status, json=body)
        found += faults_of(spec, template, method, status=status, body=answer)
    unsigned = await soundcloud.json("GET", "/me", status=401, headers={})
    found += faults_of(spec, "/me", "GET", status=401, body=unsigned)

    assert found == []

"""Answers of simulated Spotify against Spotify's published schema."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS30Validator

from tests.integration.sandbox.harness import Starter, playlist, track

SPEC = Path(__file__).resolve().parents[3] / "../shared/specs/spotify-web-api.fixed.openapi.yml"
# The schema requires what development-mode apps no longer get; the schema says "deprecated".
GONE_IN_DEV = {"available_markets", "label", "popularity", "publisher"}
WORLD = {
    "playlists": [
        playlist("Odd", [track(1), track(2, kind="unplayable"), {"kind": "episode", "title": "Talk"}])
    ]
}

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="the reference shelf is not beside the checkout")


def published() -> dict[str, Any]:
    """The schema, with rows left open: they are checked by their own type."""
    spec: dict[str, Any] = yaml.load(SPEC.read_text(), Loader=yaml.CSafeLoader)
    row = spec["components"]["schemas"]["PlaylistTrackObject"]["properties"]
    row["item"] = row["track"] = {"type": "object"}
    return spec


def faults_of(spec: dict[str, Any], schema: dict[str, Any], body: Any, *, regime: str) -> list[str]:
    validator = OAS30Validator({**schema, "components": spec["components"]})
    found = []
    for error in validator.iter_errors(body):
        missing = set(error.validator_value) - set(error.instance) if error.validator == "required" else set()
        if not (regime == "dev" and missing and missing <= GONE_IN_DEV):
            found.append(f"{list(error.absolute_path)}: {error.message[-200:]}")
    return found


def answer_schema(spec: dict[str, Any], method: str, path: str, *, status: int) -> dict[str, Any]:
    answer = spec["paths"][path][method.lower()]["responses"][str(status)]
    while "$ref" in answer:
        answer = spec["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    schema: dict[str, Any] = answer["content"]["application/json"]["schema"]
    return schema


@pytest.mark.parametrize("regime", ["dev", "extended"])
async def test_answers_fit_the_published_schema(starter: Starter, regime: str) -> None:
    spotify = await starter("spotify", world=WORLD, regime=regime)
    spec = published()
    own_id = await spotify.playlist_id("Odd")
    rows = await spotify.json("GET", f"/v1/playlists/{own_id}/items")
    track_shape = rows["items"][0]["item"]
    uri, track_id = track_shape["uri"], track_shape["id"]
    await spotify.json("PUT", f"/v1/me/library?uris={uri}")
    calls = (
        ("GET", "/me", "/me", 200, None),
        ("GET", "/me/playlists", "/me/playlists", 200, None),
        ("GET", "/playlists/{playlist_id}", f"/playlists/{own_id}", 200, None),
        ("GET", "/playlists/{playlist_id}/items", f"/playlists/{own_id}/items", 200, None),
        ("GET", "/me/tracks", "/me/tracks", 200, None),
        ("GET", "/tracks/{id}", f"/tracks/{track_id}", 200, None),
        ("GET", "/albums/{id}", f"/albums/{track_shape['album']['id']}", 200, None),
        ("GET", "/albums/{id}/tracks", f"/albums/{track_shape['album']['id']}/tracks", 200, None),
        ("GET", "/artists/{id}", f"/artists/{track_shape['artists'][0]['id']}", 200, None),
        ("GET", "/search", "/search?q=lantern&type=track", 200, None),
        ("GET", "/search", "/search?q=tides&type=album&market=DE", 200, None),
        ("GET", "/me/library/contains", f"/me/library/contains?uris={uri}", 200, None),
        ("POST", "/me/playlists", "/me/playlists", 201, {"name": "New"}),
        ("POST", "/playlists/{playlist_id}/items", f"/playlists/{own_id}/items", 201, {"uris": [uri]}),
        ("GET", "/tracks/{id}", "/tracks/0000000000000000000000", 404, None),
    )

    found = []
    for method, template, path, status, body in calls:
        answer = await spotify.json(method, f"/v1{path}", status=status, json=body)
        if status < 300:
            schema = answer_schema(spec, method, template, status=status)
            found += [f"{template} {f}" for f in faults_of(spec, schema, answer, regime=regime)]
    for row in rows["items"]:
        kind = {"track": "TrackObject", "episode": "EpisodeObject"}[row["item"]["type"]]
        schema = spec["components"]["schemas"][kind]
        found += [f"{kind} {f}" for f in faults_of(spec, schema, row["item"], regime=regime)]

    assert found == []

"""Answers of simulated YouTube, and our own calls, against Google's discovery document."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.sandbox.google import API, sign_in
from tests.integration.sandbox.harness import Starter, playlist, track

SPEC = Path(__file__).resolve().parents[3] / "../shared/specs/youtube.v3.discovery.json"
# Answers say these, and the document does not know them.
UNDOCUMENTED = {"publishTime"}
TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
WORLD = {
    "catalog": [track(number) for number in range(9)],
    "playlists": [
        playlist(
            "Odd",
            [track(1), {"title": "Gone", "kind": "removed"}, track(2, kind="unplayable")],
            source_platform="youtube",
        )
    ],
}
METHODS = (
    ("channels", "list"),
    ("playlists", "list"),
    ("playlists", "insert"),
    ("playlists", "delete"),
    ("playlistItems", "list"),
    ("playlistItems", "insert"),
    ("playlistItems", "delete"),
    ("search", "list"),
    ("videos", "list"),
    ("videos", "rate"),
    ("videos", "batchGetStats"),
)

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="the reference shelf is not beside the checkout")

Json = dict[str, Any]


def faults_of(spec: Json, name: str, value: Any, *, at: str = "") -> list[str]:
    """Say where a value is not as the document has it; a field that it does not know is a fault too."""
    found = []
    known = spec["schemas"][name]["properties"]
    for field, one in value.items():
        place = f"{at}.{field}"
        if field not in known:
            found += [] if field in UNDOCUMENTED else [f"{place}: not in {name}"]
        else:
            found += _faults(spec, known[field], one, at=place)
    return found


def _faults(spec: Json, kind: Json, value: Any, *, at: str) -> list[str]:
    if "$ref" in kind:
        return faults_of(spec, kind["$ref"], value, at=at)
    if not isinstance(value, TYPES[kind["type"]]):
        return [f"{at}: {value!r} is no {kind['type']}"]
    if isinstance(value, list):
        return [fault for one in value for fault in _faults(spec, kind["items"], one, at=f"{at}[]")]
    if "enum" in kind and value not in kind["enum"]:
        return [f"{at}: {value!r} is none of {kind['enum']}"]
    return []


async def test_answers_fit_the_document(starter: Starter) -> None:
    spec = json.loads(SPEC.read_text())
    caller = await starter("youtube", world=WORLD, is_signed_in=False)
    await sign_in(caller)
    own_id = await caller.playlist_id("Odd")
    search = await caller.json("GET", f"{API}/search?part=snippet&q=Lantern&type=video")
    video_id = search["items"][0]["id"]["videoId"]
    every = "snippet,contentDetails,status"
    resource = {"kind": "youtube#video", "videoId": video_id}
    new_row = {"snippet": {"playlistId": own_id, "resourceId": resource}}
    await caller.json("POST", f"{API}/videos/rate?id={video_id}&rating=like", status=204)
    calls = (
        ("GET", "/channels?part=snippet,contentDetails&mine=true", None, "ChannelListResponse"),
        ("GET", f"/playlists?part={every}&mine=true", None, "PlaylistListResponse"),
        ("GET", f"/playlists?part={every}&id={own_id}", None, "PlaylistListResponse"),
        ("POST", "/playlists?part=snippet,status", {"snippet": {"title": "New"}}, "Playlist"),
        ("GET", f"/playlistItems?part=snippet&playlistId={own_id}", None, "PlaylistItemListResponse"),
        ("GET", f"/playlistItems?part={every}&playlistId=LL", None, "PlaylistItemListResponse"),
        ("GET", f"/playlists?part={every}&id=LL", None, "PlaylistListResponse"),
        ("POST", f"/playlistItems?part={every}", new_row, "PlaylistItem"),
        ("GET", "/search?part=snippet&q=Lantern", None, "SearchListResponse"),
        ("GET", f"/videos?part={every},statistics&id={video_id}", None, "VideoListResponse"),
        ("GET", f"/videos:batchGetStats?part=id,statistics&id={video_id}", None, "BatchGetStatsResponse"),
    )

    found = []
    for method, path, body, schema in calls:
        answer = await caller.json(method, f"{API}{path}", json=body)
        found += [f"{method} {path}: {fault}" for fault in faults_of(spec, schema, answer)]

    assert found == []


@pytest.mark.parametrize(("resource", "method"), METHODS)
async def test_each_documented_method_has_its_path_here(starter: Starter, resource: str, method: str) -> None:
    known = json.loads(SPEC.read_text())["resources"][resource]["methods"][method]
    caller = await starter("youtube", world=WORLD, is_signed_in=False)
    await sign_in(caller)

    async with await caller.send(known["httpMethod"], f"/{known['path']}") as answer:
        body = await answer.json()

    assert body["error"]["errors"][0]["reason"] != "notFound"

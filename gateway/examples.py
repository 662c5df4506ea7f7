"""Examples for the API document: real objects where made-up ones make no sense, else from the schema."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway import reports
from gateway.report_schemas import ReportRow, Revisions
from gateway.reports import MEDIA_TYPES, ReportFormat
from gateway.schemas import (
    Counts,
    Ending,
    OnDuplicate,
    SourceResource,
    StatusLinks,
    StatusResource,
    TargetPlaylist,
    TargetResource,
    TransferKind,
    TransferResource,
)
from shared.formats import writing
from shared.formats.imported import ExportFormat
from shared.lifecycle import Phase, State
from shared.models import Explicit, Outcome, Platform, Policy, SourceItem, Track, TrackId
from shared.targets import PlaylistPart

_ID = "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"
_BEGAN_AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
_ENDED_AT = datetime(2026, 11, 22, 8, 31, 12, tzinfo=UTC)
_TRACE_ID = "0af7651916cd43dd8448eb211c80319c"

_TARGET_URL = "https://music.example/library/playlist/p.8Wx6vgVTPz1"
_TRANSFER = TransferResource(
    id=_ID,
    kind=TransferKind.TRANSFER,
    undoes=None,
    undone_by=None,
    revision=52,
    state=State.COMPLETED,
    phase=Phase.VERIFY,
    paused=None,
    error=None,
    source=SourceResource(
        platform=Platform.SPOTIFY, connection="c-1", playlist="37i9dQZF1E4", name="Road Trip"
    ),
    target=TargetResource(
        platform=Platform.APPLE_MUSIC, connection="c-2", playlist="p.8Wx6vgVTPz1", name="Road Trip"
    ),
    target_playlist=TargetPlaylist(id="p.8Wx6vgVTPz1", name="Road Trip", url=_TARGET_URL),
    policy=Policy.SAME_RECORDING,
    explicit=Explicit.AS_SOURCE,
    on_duplicate=OnDuplicate.SKIP,
    trace_id=_TRACE_ID,
    trace_url=f"https://traces.example/{_TRACE_ID}",
    created_at=_BEGAN_AT,
    started_at=_BEGAN_AT,
    finished_at=_ENDED_AT,
    links=StatusLinks(
        self=f"/status/{_ID}",
        events=f"/status/{_ID}/events",
        tracks=f"/status/{_ID}/tracks",
        report=f"/status/{_ID}/report",
    ),
)
_COUNTS = Counts(
    total=120,
    pending=0,
    deferred=0,
    ready=0,
    written=117,
    already_present=0,
    review=2,
    unmatched=1,
    not_transferable=0,
    skipped=0,
    failed=0,
    removed=0,
)
_STATUS = StatusResource(
    **msgspec.structs.asdict(_TRANSFER),
    summary="117 of 120 are in the playlist; 2 need a look, 1 is not there.",
    outcome=Ending.PARTIAL,
    targets=(PlaylistPart(id="p.8Wx6vgVTPz1", name="Road Trip", url=_TARGET_URL, track_count=117),),
    counts=_COUNTS,
    warnings=(),
)
_ROW = ReportRow(
    position=0,
    source_title="Harbour Lights",
    source_artists=("The Paper Boats",),
    source_album="Tides",
    source_isrc="QZABC2600001",
    source_ms=201_000,
    source_url="https://music.example/track/4iV5W9uYEdYUVa79Axb7Rh",
    outcome=Outcome.EXACT,
    target_title="Harbour Lights",
    target_artists=("The Paper Boats",),
    target_album="Tides",
    target_isrc="QZABC2600001",
    target_ms=201_000,
    target_url="https://music.example/song/1440000001",
    target_position=0,
    target_playlist="Road Trip",
    score=1.0,
    reason="",
    decided_by="crossplay",
    decided_at=_ENDED_AT,
    written=True,
    revision=52,
)
_REAL: dict[str, Any] = {
    type(one).__name__: msgspec.to_builtins(one)
    for one in (_TRANSFER, _COUNTS, _STATUS, _TRANSFER.links, _ROW, Revisions(first=52, last=52))
}
STATUS_TEXT = msgspec.json.encode(_STATUS).decode()
"""The status resource as an event has it."""

_BY_NAME: dict[str, Any] = {
    "id": _ID,
    "title": "Harbour Lights",
    "name": "Road Trip",
    "artists": ["The Paper Boats"],
    "album": "Tides",
    "isrc": "QZABC2600001",
    "duration_ms": 201_000,
    "track_count": 120,
    "url": "https://music.example/playlist/37i9dQZF1E4",
    "authorize_url": "https://accounts.example/authorize?client_id=…&state=…",
    "redirect_uri": "https://crossplay.example/connect/spotify/callback",
    "action_url": "/connect/spotify",
    "label": "Mira Holt",
    "market": "DE",
    "owner": "Mira Holt",
    "state": "connected",
    "status": "connected",
    "outcome": "exact",
    "release_date": "2026-03-06",
    "version": "0.1.0",
    "read_on": "2026-11-22",
    "scope": "app",
    "next_cursor": None,
    "failure": None,
    "setup": None,
    "resume_at": None,
    "paused": None,
    "type": "/problems/not-found",
    "code": "not-found",
    "openapi": "3.1.0",
}
_BY_FORMAT = {
    "date-time": "2026-11-22T08:30:00Z",
    "date": "2026-11-22",
    "uuid": _ID,
    "uri": "https://crossplay.example/",
}
_BY_TYPE: dict[str, Any] = {"boolean": True, "number": 1.0, "null": None, "string": "…"}


def _report(form: ReportFormat) -> str:
    writer = reports.writer_of(form, _STATUS)
    return writer.begin() + writer.page([_ROW]) + writer.end(Revisions(first=52, last=52))


def _file(form: ExportFormat) -> Any:
    track = Track(
        platform=Platform.FILE,
        id=TrackId(""),
        title="Harbour Lights",
        artists=("The Paper Boats",),
        duration_ms=187_500,
    )
    content = writing.write("Road Trip", [SourceItem(track=track)], form=form)
    return msgspec.json.decode(content) if writing.MEDIA_TYPES[form].endswith("json") else content.decode()


TEXTS = {
    **{writing.MEDIA_TYPES[form]: _file(form) for form in ExportFormat},
    **{MEDIA_TYPES[form]: _report(form) for form in (ReportFormat.CSV, ReportFormat.MARKDOWN)},
    "text/html": '<!doctype html><html lang="en"><head><title>Crossplay</title></head>…</html>',
}
"""Examples of answers that are texts or files, by media type."""


def of(schema: dict[str, Any], *, components: dict[str, Any], name: str = "") -> Any:
    """Make an example of a schema. components: what it refers to. name: of the field that it describes."""
    if "$ref" in schema:
        component = schema["$ref"].rpartition("/")[2]
        return _REAL.get(component) or of(components[component], components=components, name=name)
    if "anyOf" in schema:
        return _of_choice(schema["anyOf"], components=components, name=name)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if kind == "object":
        return _of_object(schema, components=components)
    if kind == "array":
        return _of_array(schema, components=components, name=name)
    return _of_scalar(schema, kind=kind, name=name)


def _of_choice(choices: list[dict[str, Any]], *, components: dict[str, Any], name: str) -> Any:
    is_absent = name in _BY_NAME and _BY_NAME[name] is None
    if is_absent and {"type": "null"} in choices:
        return None
    return of(choices[0], components=components, name=name)


def _of_object(schema: dict[str, Any], *, components: dict[str, Any]) -> dict[str, Any]:
    made = {
        name: of(one, components=components, name=name) for name, one in schema.get("properties", {}).items()
    }
    rest = schema.get("additionalProperties")
    return {"postgres": of(rest, components=components)} if not made and isinstance(rest, dict) else made


def _of_array(schema: dict[str, Any], *, components: dict[str, Any], name: str) -> list[Any]:
    if isinstance(_BY_NAME.get(name), list):
        return list(_BY_NAME[name])
    items = schema.get("items")
    return [of(items, components=components, name=name)] if isinstance(items, dict) and items else []


def _of_scalar(schema: dict[str, Any], *, kind: str, name: str) -> Any:
    if "format" in schema:
        return _BY_FORMAT.get(schema["format"], "…")
    if isinstance(_BY_NAME.get(name), str if kind == "string" else int):
        return _BY_NAME[name]
    return schema.get("minimum", 1) if kind == "integer" else _BY_TYPE[kind]

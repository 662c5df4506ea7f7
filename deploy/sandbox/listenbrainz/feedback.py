"""ListenBrainz' feedback: the recordings that a user loves."""

from typing import Any

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer, json_body
from deploy.sandbox.desk import Desk
from deploy.sandbox.kept import Kind, add_anew, change, shown
from deploy.sandbox.listenbrainz.access import MBID, account, asked_number
from deploy.sandbox.listenbrainz.catalog import artist_mbid, credit, release_mbid
from deploy.sandbox.recordings import Recording, derived_id

LARGEST_PAGE = 1000
LOVED, NOTHING, HATED = 1, 0, -1


class Given(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    score: int
    recording_mbid: str | None = None
    recording_msid: str | None = None


class Feedback:
    """Everything under /feedback. What is hated is taken and not kept."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def list_of_user(self, request: web.Request) -> web.Response:
        """What a user loves, the newest first; everybody may see it."""
        name = request.match_info["user_name"]
        if name not in {self._desk.options.user, *self._desk.store.saved}:
            raise Refused(404, f"Cannot find user: {name}")
        score = request.query.get("score", str(LOVED))
        if score not in map(str, (LOVED, NOTHING, HATED)):
            raise Refused(400, "A score is 1 or -1.")
        count = min(asked_number(request, "count", default=25), LARGEST_PAGE)
        offset = asked_number(request, "offset", default=0)
        loved = shown(self._desk, user=name, kind=Kind.TRACK) if score != str(HATED) else []
        with_words = request.query.get("metadata", "false") == "true"
        rows = [
            self._row(request, own_id, at_s, name=name, with_words=with_words)
            for own_id, at_s in loved[offset : offset + count]
        ]
        return json_answer(
            {"feedback": rows, "count": len(rows), "total_count": len(loved), "offset": offset}
        )

    def _row(
        self, request: web.Request, own_id: str, at_s: float, *, name: str, with_words: bool
    ) -> dict[str, Any]:
        """A row; of what MusicBrainz has lost only the name that a listen gave it is left."""
        fault = self._desk.fault("dead_ids", request)
        is_lost = fault is not None and own_id in fault.ids
        recording = self._desk.catalog.by_id[own_id]
        return {
            "user_id": name,
            "created": int(at_s),
            "recording_mbid": None if is_lost else own_id,
            "recording_msid": derived_id("listenbrainz", f"msid:{own_id}") if is_lost else None,
            "score": LOVED,
            "track_metadata": _words(recording, is_lost=is_lost) if with_words else None,
        }

    async def give(self, request: web.Request) -> web.Response:
        """Love a recording, or no longer; any MBID is taken. What is loved again is dated anew."""
        user = account(self._desk, request)
        given = _given(await json_body(request))
        fault = self._desk.fault("poison", request)
        if fault and given.recording_mbid in {*fault.poison_ids, *fault.ids}:
            raise Refused(fault.status or 500, "The feedback could not be stored.")
        ids = [given.recording_mbid.lower()] if given.recording_mbid else []
        if given.score == LOVED:
            add_anew(self._desk, request, user=user, kind=Kind.TRACK, ids=ids)
        else:
            change(self._desk, request, user=user, kind=Kind.TRACK, ids=ids, is_saved=False)
        return json_answer({"status": "ok"})


def _given(body: dict[str, Any]) -> Given:
    try:
        given = msgspec.convert(body, Given)
    except msgspec.ValidationError as error:
        raise Refused(400, f"Invalid JSON document submitted: {error}") from error
    named = [one for one in (given.recording_mbid, given.recording_msid) if one is not None]
    if not named:
        raise Refused(400, "A recording_mbid or a recording_msid is needed.")
    if not all(map(MBID.fullmatch, named)) or given.score not in (LOVED, NOTHING, HATED):
        raise Refused(400, "Invalid JSON document submitted: no such id or score.")
    return given


def _words(recording: Recording, *, is_lost: bool) -> dict[str, Any]:
    words = {"track_name": recording.title, "artist_name": credit(recording)}
    if is_lost:
        return words
    artists = [artist_mbid(name) for name in recording.artists]
    mapping = {
        "recording_mbid": recording.ids["listenbrainz"],
        "release_mbid": release_mbid(recording),
        "artist_mbids": artists,
    }
    return {**words, "release_name": recording.album, "mbid_mapping": mapping}

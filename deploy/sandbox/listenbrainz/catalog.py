"""What ListenBrainz knows of recordings: by MBID, and by artist and title."""

from typing import Any

import msgspec
from aiohttp import web

from deploy.sandbox.albums import album_id, main_artist
from deploy.sandbox.answers import Refused, json_answer, json_body
from deploy.sandbox.desk import Desk
from deploy.sandbox.listenbrainz.access import MBID, account, caller
from deploy.sandbox.recordings import Recording, derived_id, digest

MOST_LOOK_UPS = 50
LONGEST_QUESTION = 250
PARTS = frozenset({"artist", "tag", "release"})


class Question(msgspec.Struct, frozen=True, kw_only=True):
    recording_name: str
    artist_name: str
    release_name: str | None = None

    @property
    def length(self) -> int:
        return len(self.recording_name) + len(self.artist_name) + len(self.release_name or "")


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    recordings: tuple[Question, ...]


def artist_mbid(name: str) -> str:
    return derived_id("listenbrainz", f"artist:{name}")


def release_mbid(recording: Recording) -> str:
    return album_id(recording, platform="listenbrainz")


def credit(recording: Recording) -> str:
    """How MusicBrainz writes all artists as one."""
    return ", ".join(recording.artists)


class Metadata:
    """GET /metadata/recording/ and the look-ups."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def _dead(self, request: web.Request) -> frozenset[str]:
        fault = self._desk.fault("dead_ids", request)
        return frozenset(fault.ids) if fault else frozenset()

    async def recordings(self, request: web.Request) -> web.Response:
        """What is known of each MBID; an unknown one is left out."""
        caller(self._desk, request)
        parts = request.query.get("inc", "").split()
        if not PARTS.issuperset(parts):
            raise Refused(400, f"invalid inc argument. Must be one of {', '.join(sorted(PARTS))}.")
        asked = [mbid.strip() for mbid in request.query.get("recording_mbids", "").split(",")]
        if not all(map(MBID.fullmatch, asked)):
            raise Refused(400, "Recording mbid is not valid.")
        dead = self._dead(request)
        known = {mbid: self._desk.catalog.by_id.get(mbid) for mbid in asked if mbid not in dead}
        return json_answer({mbid: _known(one, parts=parts) for mbid, one in known.items() if one})

    async def look_up(self, request: web.Request) -> web.Response:
        """One guess for each of up to 50 questions; for one without any, only the question comes back."""
        account(self._desk, request)
        try:
            asked = msgspec.convert(await json_body(request), Questions).recordings
        except msgspec.ValidationError as error:
            raise Refused(400, f"Invalid JSON: {error}") from error
        if not asked or len(asked) > MOST_LOOK_UPS:
            raise Refused(400, f"Number of recordings must be between 1 and {MOST_LOOK_UPS}")
        if any(one.length > LONGEST_QUESTION for one in asked):
            raise Refused(400, f"The query of a recording is longer than {LONGEST_QUESTION} characters.")
        is_in_vain = self._desk.fault("no_results", request) is not None
        answers = []
        for index, one in enumerate(asked):
            found = None if is_in_vain else self._guess(one)
            shape = {"artist_credit_arg": one.artist_name, "recording_name_arg": one.recording_name}
            answers.append({"index": index, **shape, **(_guess(found) if found else {})})
        return json_answer(answers)

    async def look_up_one(self, request: web.Request) -> web.Response:
        account(self._desk, request)
        title, artist = (request.query.get(name, "") for name in ("recording_name", "artist_name"))
        if not title or not artist:
            raise Refused(400, "artist_name is invalid or not present in arguments")
        found = self._guess(Question(recording_name=title, artist_name=artist))
        return json_answer(_guess(found) if found else {})

    def _guess(self, question: Question) -> Recording | None:
        """The nearest one that has all words of the artist's name; it never says how sure it is."""
        catalog = self._desk.catalog
        among = catalog.index.having("artist", question.artist_name)
        found = catalog.index.ranked(question.recording_name, among=among)
        return catalog.recordings[found[0]] if found else None


def _known(recording: Recording, *, parts: list[str]) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "recording": {
            "name": recording.title,
            "length": recording.duration_ms,
            "isrcs": [recording.isrc] if recording.isrc else [],
            "rels": [],
        }
    }
    if "artist" in parts:
        artists = [
            {"name": name, "artist_mbid": artist_mbid(name), "join_phrase": ""} for name in recording.artists
        ]
        shape["artist"] = {
            "name": credit(recording),
            "artist_credit_id": digest(credit(recording)) % 1_000_000,
            "artists": artists,
        }
    if "release" in parts and recording.album:
        shape["release"] = {
            "mbid": release_mbid(recording),
            "name": recording.album,
            "album_artist_name": main_artist(recording),
            **({"year": int(recording.release_date[:4])} if recording.release_date else {}),
        }
    if "tag" in parts:
        shape["tag"] = {"artist": [], "recording": [], "release_group": []}
    return shape


def _guess(recording: Recording) -> dict[str, Any]:
    return {
        "recording_mbid": recording.ids["listenbrainz"],
        "recording_name": recording.title,
        "artist_credit_name": credit(recording),
        "artist_mbids": [artist_mbid(name) for name in recording.artists],
        "release_mbid": release_mbid(recording),
        "release_name": recording.album,
    }

"""ListenBrainz: which call does what. Tracks are MusicBrainz recordings.

Source: listenbrainz.readthedocs.io and the server's own code (metabrainz/listenbrainz-server), read
2026-11-22 and 2026-11-28. Reading what is public needs no token; look-ups by text need one.
"""

from collections.abc import Mapping, Sequence
from html import escape

from msgspec import UNSET, UnsetType

from shared.errors import ReconnectRequired
from shared.models import Account, Platform, Playlist, PlaylistId, SourceItem, Track, TrackId
from shared.platforms.absent import WithoutAlbums, WithoutIsrcs
from shared.platforms.answers import RECONNECT
from shared.platforms.base import ADDED, Added, Capabilities, Gate, Session, TextQuery, WriteClass
from shared.platforms.call import Call
from shared.platforms.collections import Collection, Keeping, collection_of
from shared.platforms.declaration import Declaration
from shared.platforms.forms import token_form
from shared.platforms.gathering import Gathering
from shared.platforms.http import PlatformHttp
from shared.platforms.listenbrainz import convert, wire
from shared.platforms.oauth import no_gate, signer
from shared.platforms.paged import WebAdapter
from shared.platforms.paging import Pager
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, PublicReads, SignInTerms
from shared.platforms.values import in_batches

_PAGE = 100
_MOST_QUESTIONS = 50
_LONGEST_QUESTION = 250
_GATHERING_S = 0.1
_LOVED_URL = "https://listenbrainz.org/my/taste/"

_Question = tuple[str, str]
"""Artist and title."""


class ListenBrainzAdapter(WithoutAlbums, WithoutIsrcs, WebAdapter[wire.Playlist, wire.Row]):
    """One ListenBrainz account, or nobody's: then what is public is read."""

    platform = Platform.LISTENBRAINZ
    playlist_id_of = staticmethod(convert.playlist_id_of)
    track_id_of = staticmethod(convert.track_id_of)
    _to_target_row = staticmethod(convert.to_target_row)
    _description_of = staticmethod(convert.description_of)
    _user_name = ""

    def __init__(self, http: PlatformHttp, *, session: Session, capabilities: Capabilities) -> None:
        super().__init__(http, session=session, capabilities=capabilities)
        self._look_ups: Gathering[_Question, tuple[Track, ...]] = Gathering(
            self._look_up, most=_MOST_QUESTIONS, wait_s=_GATHERING_S
        )

    async def account(self) -> Account:
        call = Call(operation="account", route="/validate-token")
        answer = await self._read(call, into=wire.Account)
        if not answer.valid or not answer.user_name:
            raise ReconnectRequired(RECONNECT.format(label=self._http.label))
        self._user_name = answer.user_name
        return convert.to_account(answer.user_name)

    async def _head(self, playlist_id: PlaylistId) -> Playlist:
        document = await self._document(playlist_id, operation="get_playlist", with_words=False)
        if document.playlist is UNSET:
            raise self._http.blank("get_playlist")
        raw = document.playlist
        count = None if raw.track is UNSET else len(raw.track)
        return convert.to_playlist(raw, user_name=await self._own_name(), track_count=count)

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        known = await self._known(ids, operation="read_tracks")
        tracks = {TrackId(mbid): convert.to_track(mbid, one) for mbid, one in known.items()}
        return {mbid: track for mbid, track in tracks.items() if track}

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        """Look up artist and title, together with whatever else is looked up now: one guess, or none."""
        artist, title = (" ".join((text or "").split()) for text in (query.artist, query.title))
        if not artist or not title:
            return ()  # nothing can be looked up by one text alone
        room = max(1, _LONGEST_QUESTION - len(title[:200]))
        return await self._look_ups.ask((artist[:room], title[:200]))

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        del key  # ListenBrainz knows no such keys
        # A description is HTML there, from which tags are taken out.
        annotation = escape(description, quote=False)
        extension = {wire.PLAYLIST_EXTENSION: {"public": False}}
        call = Call(
            operation="create_playlist",
            method="POST",
            route="/playlist/create",
            body={"playlist": {"title": name, "annotation": annotation, "extension": extension}},
        )
        made = await self._http.write(call, session=self._session, gate=gate, into=wire.Created)
        raw = wire.Playlist(identifier=made.playlist_mbid, title=name, annotation=annotation, creator="me")
        return convert.to_playlist(raw, user_name="me", track_count=0)

    async def _add(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        # A place could be named, but one behind the end leaves a gap in which later removals go astray.
        del position, key
        rows = [{"identifier": f"{wire.RECORDING}{track_id}"} for track_id in track_ids]
        call = self._change("add_tracks", playlist_id, "/item/add", {"playlist": {"track": rows}})
        await self._send(call, gate=gate)
        return ADDED

    async def _remove(self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate) -> None:
        """Remove by places, which is all that ListenBrainz knows: from the end, so that the others stay."""
        view = await self.read_target(playlist_id, offset=0)
        doomed = set(track_ids)
        places = [place for place, row in enumerate(view.rows) if row.track_id in doomed]
        for first, count in reversed(_runs(places)):
            body = {"index": first, "count": count}
            call = self._change("remove_tracks", playlist_id, "/item/delete", body)
            await self._send(call, gate=gate)

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        await self._delete(self._change("delete_playlist", playlist_id, "/delete", None), gate=gate)

    async def _save(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        del collection
        await self._love(ids, score=1, operation="add_tracks", gate=gate)

    async def _unsave(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        del collection
        await self._love(ids, score=0, operation="remove_tracks", gate=gate)

    async def _love(self, ids: Sequence[TrackId], *, score: int, operation: str, gate: Gate) -> None:
        (mbid,) = ids
        body = {"recording_mbid": mbid, "score": score}
        call = Call(operation=operation, method="POST", route="/feedback/recording-feedback", body=body)
        await self._send(call, gate=gate)

    async def _own_name(self) -> str:
        if not self._user_name and self._session.is_personal:
            await self.account()
        return self._user_name

    async def _document(
        self, playlist_id: PlaylistId, *, operation: str, with_words: bool = True
    ) -> wire.Document:
        call = Call(
            operation=operation,
            route="/playlist/{playlist_id}",
            path={"playlist_id": playlist_id},
            query={} if with_words else {"fetch_metadata": "false"},
        )
        return await self._read(call, into=wire.Document)

    async def _look_up(self, questions: Sequence[_Question]) -> list[tuple[Track, ...]]:
        asked = [{"artist_name": artist, "recording_name": title} for artist, title in questions]
        call = Call(operation="search", method="POST", route="/metadata/lookup/", body={"recordings": asked})
        found = await self._http.write(call, session=self._session, gate=no_gate, into=list[wire.Mapping])
        guesses = {one.index: one for one in found}
        mbids = [one.recording_mbid for one in found if one.recording_mbid]
        known = await self._known(mbids, operation="search_details")
        nothing = wire.Mapping(index=-1)
        return [
            convert.to_guess(guess, known.get(guess.recording_mbid or ""))
            for guess in (guesses.get(place, nothing) for place in range(len(questions)))
        ]

    async def _known(self, mbids: Sequence[str], *, operation: str) -> dict[str, wire.Known]:
        """Read what MusicBrainz knows of recordings: length, artists, ISRCs."""
        known: dict[str, wire.Known] = {}
        for batch in in_batches(list(dict.fromkeys(mbids)), size=_MOST_QUESTIONS):
            query = {"recording_mbids": ",".join(batch), "inc": "artist release"}
            call = Call(operation=operation, route="/metadata/recording/", query=query)
            known |= await self._read(call, into=dict[str, wire.Known])
        return known

    def _change(
        self, operation: str, playlist_id: PlaylistId, place: str, body: Mapping[str, object] | None
    ) -> Call:
        route, path = "/playlist/{playlist_id}" + place, {"playlist_id": playlist_id}
        return Call(operation=operation, method="POST", route=route, path=path, body=body)

    async def _playlists(self) -> Pager[wire.Playlist]:
        path = {"user_name": await self._own_name()}
        call = Call(operation="list_playlists", route="/user/{user_name}/playlists", path=path)
        return self._counted(call, into=wire.Listing, names=("offset", "count"))

    async def _rows(self, playlist_id: PlaylistId, *, operation: str) -> Pager[wire.Row]:
        if collection_of(playlist_id) is not None:
            path, query = {"user_name": await self._own_name()}, {"score": "1", "metadata": "true"}
            route = "/feedback/user/{user_name}/get-feedback"
            call = Call(operation=operation, route=route, path=path, query=query)
            return self._counted(call, into=wire.Feedback, names=("offset", "count"))

        async def read_all() -> list[wire.Row] | UnsetType:
            playlist = (await self._document(playlist_id, operation=operation)).playlist
            return UNSET if playlist is UNSET else playlist.track

        return self._cut(read_all, operation=operation)

    async def _to_playlist(self, raw: wire.Playlist) -> Playlist:
        return convert.to_playlist(raw, user_name=await self._own_name())

    async def _to_items(self, rows: Sequence[wire.Row]) -> tuple[SourceItem, ...]:
        # Rows do not tell ISRCs, MusicBrainz does.
        known = await self._known([row.mbid for row in rows if row.mbid], operation="read_catalog")
        return tuple(convert.to_item(row, known.get(row.mbid or "")) for row in rows)


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """Return where places that lie side by side begin, and how many they are. places: rising."""
    runs: list[tuple[int, int]] = []
    for place in places:
        first, count = runs[-1] if runs else (0, 0)
        if count and place == first + count:
            runs[-1] = (first, count + 1)
        else:
            runs.append((place, 1))
    return runs


DECLARATION = Declaration(
    label="ListenBrainz",
    profile=PlatformProfile(
        platform=Platform.LISTENBRAINZ,
        scope="ip",
        counted_by="listenbrainz_ip_name",
        # Told in each answer's headers, and by the server's default: 30 in 10 s.
        pools={REQUESTS: Pool(limit=30, window_s=10.0)},
        concurrency=2,
        backoff_s=10.0,
        source="listenbrainz.readthedocs.io/en/latest/users/api/index.html#rate-limiting",
        read_on="2026-11-22",
    ),
    capabilities=Capabilities(
        write_class=WriteClass.APPEND_AND_READ_BACK,
        has_fielded_search=True,
        # Dated to the microsecond, one a call.
        collections={Collection.LIKED: Keeping(url=_LOVED_URL, add_batch=1, remove_batch=1)},
        isrc_batch=0,
        add_batch=100,
        remove_batch=100,
        read_page=_PAGE,
        playlist_limit=None,
        # One database; nothing is known to come late.
        visibility_delay_s=2.0,
        reads_lag=False,
        search_parallel=_MOST_QUESTIONS,
        search_batch=_MOST_QUESTIONS,
        beside={"read_items": ("read_catalog", "read_catalog")},  # rows do not say their ISRC; 50 at once
    ),
    sign_in=SignInTerms(
        life_months=None,  # until the user makes another one
        revoke_url="https://listenbrainz.org/settings/",
        revoke_place="your ListenBrainz settings: reset the user token",
        source="listenbrainz.readthedocs.io/en/latest/users/api/index.html",
        read_on="2026-11-22",
    ),
    public=PublicReads(
        is_possible=True,
        source="metabrainz/listenbrainz-server listenbrainz/webserver/views/playlist_api.py",
        read_on="2026-11-28",
    ),
    playlist_id_of=convert.playlist_id_of,
    required=(),
    build=ListenBrainzAdapter,
    sign=lambda _, __: signer("Token"),
    refusals=(),
    form=token_form(label="User token", hint="It stands at https://listenbrainz.org/settings/."),
)

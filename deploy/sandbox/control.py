"""The control routes: what a test or a person may ask and order behind the platform's back."""

import secrets
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from deploy.sandbox.answers import json_answer
from deploy.sandbox.changes import (
    ClockAdvanced,
    Item,
    ItemsInserted,
    LibraryChanged,
    PlaylistCreated,
    Token,
    TokenRevoked,
)
from deploy.sandbox.faults import Fault
from deploy.sandbox.gate import Gate
from deploy.sandbox.ids import IDS
from deploy.sandbox.kept import Kind, kept, known
from deploy.sandbox.options import RateLimit
from deploy.sandbox.recordings import Recording, playlist_id
from deploy.sandbox.store import Playlist, Store
from deploy.sandbox.user_tokens import issue_user_token
from deploy.sandbox.world import Catalog

GENERAL_OPERATIONS = frozenset({"*", "read", "write"})

Order = TypeVar("Order")


class ClockOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    advance_s: float


class TokenOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    user: str | None = None


class PlaylistOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A playlist of somebody's own; owner None: the account that owns the world's playlists."""

    name: str
    items: tuple[Item, ...] = ()
    owner: str | None = None


class ItemsOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows for a playlist; position None: behind the last one."""

    items: tuple[Item, ...]
    position: Annotated[int, msgspec.Meta(ge=0)] | None = None


class KeptOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an account likes, saves or follows from now on, the first one first; user None: the world's."""

    ids: tuple[str, ...]
    kind: Kind = Kind.TRACK
    user: str | None = None


class RevokeOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tokens end now: of a kind (access, refresh, user), of a user, or one. Nothing named: all."""

    kind: str | None = None
    user: str | None = None
    token: str | None = None

    def means(self, token: Token) -> bool:
        wanted = ((self.kind, token.kind), (self.user, token.user), (self.token, token.value))
        return all(want is None or want == have for want, have in wanted)

    def __repr__(self) -> str:
        return f"RevokeOrder(kind={self.kind!r}, user={self.user!r})"


async def _read(request: web.Request, form: type[Order]) -> Order:
    """Read an order. Raises HTTPBadRequest with the reason."""
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=form)
    except msgspec.DecodeError as error:
        raise web.HTTPBadRequest(text=str(error)) from error


def _kind(request: web.Request) -> Kind:
    try:
        return Kind(request.match_info["kind"])
    except ValueError as error:
        raise web.HTTPNotFound(text=f"one of {[*Kind]}") from error


def _told(one: Any, own_id: str) -> dict[str, Any]:
    name = one.title if isinstance(one, Recording) else one.name
    return {"id": own_id, "name": name}


class Control:
    """Answers under /_sandbox; these calls are neither counted nor broken by faults."""

    def __init__(self, *, gate: Gate, store: Store, catalog: Catalog, networks: Sequence[str] = ()) -> None:
        self._networks = tuple(map(ip_network, networks))
        self._gate = gate
        self._store = store
        self._catalog = catalog

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_sandbox/health", self._admitted(self.health)),
            web.get("/_sandbox/playlists", self._admitted(self.list_playlists)),
            web.get("/_sandbox/playlists/{id}", self._admitted(self.get_playlist)),
            web.get("/_sandbox/history", self._admitted(self.get_history)),
            web.post("/_sandbox/playlists", self._admitted(self.make_playlist)),
            web.post("/_sandbox/playlists/{id}/items", self._admitted(self.insert_items)),
            web.get("/_sandbox/kept/{kind}", self._admitted(self.list_kept)),
            web.post("/_sandbox/kept", self._admitted(self.keep)),
            web.get("/_sandbox/catalog/{kind}", self._admitted(self.list_catalog)),
            web.get("/_sandbox/requests", self._admitted(self.get_requests)),
            web.delete("/_sandbox/requests", self._admitted(self.reset_requests)),
            web.get("/_sandbox/faults", self._admitted(self.list_faults)),
            web.post("/_sandbox/faults", self._admitted(self.add_faults)),
            web.delete("/_sandbox/faults", self._admitted(self.clear_faults)),
            web.post("/_sandbox/limit", self._admitted(self.set_limit)),
            web.delete("/_sandbox/limit", self._admitted(self.clear_limit)),
            web.post("/_sandbox/clock", self._admitted(self.advance_clock)),
            web.post("/_sandbox/user-tokens", self._admitted(self.issue_user_token)),
            web.post("/_sandbox/tokens/revoke", self._admitted(self.revoke_tokens)),
        ]

    async def health(self, _: web.Request) -> web.Response:
        return json_answer(
            {
                "platform": self._catalog.platform,
                "recordings": len(self._catalog.recordings),
                "operations": sorted(self._gate.operations),
            }
        )

    async def list_playlists(self, _: web.Request) -> web.Response:
        rows = [
            {"id": p.id, "name": p.name, "owner": p.owner, "track_count": len(p.items)}
            for p in self._store.playlists.values()
        ]
        return json_answer(rows)

    async def get_playlist(self, request: web.Request) -> web.Response:
        """The truth about a playlist: every item in order, those too that readers do not see yet."""
        playlist = self._store.playlists.get(request.match_info["id"])
        if playlist is None:
            raise web.HTTPNotFound(text="no such playlist")
        return json_answer(self._told(playlist))

    def _told(self, playlist: Playlist) -> dict[str, Any]:
        tracks = [self._told_item(item) for item in playlist.items]
        return {"id": playlist.id, "name": playlist.name, "owner": playlist.owner, "tracks": tracks}

    def _told_item(self, item: Item) -> dict[str, Any]:
        recording = self._catalog.by_id.get(item.track_id or "")
        if recording is None:
            return {"id": item.track_id, "isrc": None, "title": item.title}
        return {"id": item.track_id, "isrc": recording.isrc, "title": recording.title}

    async def get_history(self, request: web.Request) -> web.Response:
        try:
            number = max(0, int(request.query.get("after", "0")))
        except ValueError as error:
            raise web.HTTPBadRequest(text="after must be a number of the history") from error
        return json_answer(self._store.history.after(number))

    async def make_playlist(self, request: web.Request) -> web.Response:
        """Put a playlist into an account, as its user might have made it by hand."""
        order = await _read(request, PlaylistOrder)
        items = self._known(order.items)
        created = PlaylistCreated(
            playlist_id=playlist_id(self._catalog.platform, f"made:{secrets.token_hex(16)}"),
            owner=order.owner or self._store.user,
            name=order.name,
            created_at_s=self._store.clock.now_s(),
        )
        self._store.record(created, by="control")
        if items:
            self._store.record(
                ItemsInserted(playlist_id=created.playlist_id, position=0, items=items), by="control"
            )
        return json_answer({"id": created.playlist_id}, status=201)

    async def insert_items(self, request: web.Request) -> web.Response:
        """Put rows into a playlist, as somebody else might do meanwhile."""
        playlist = self._store.playlists.get(request.match_info["id"])
        if playlist is None:
            raise web.HTTPNotFound(text="no such playlist")
        order = await _read(request, ItemsOrder)
        position = len(playlist.items) if order.position is None else order.position
        change = ItemsInserted(playlist_id=playlist.id, position=position, items=self._known(order.items))
        self._store.record(change, by="control")
        return json_answer(self._told(playlist))

    async def keep(self, request: web.Request) -> web.Response:
        """Let an account like, save or follow something, as its user might do by hand."""
        order = await _read(request, KeptOrder)
        unknown = [own_id for own_id in order.ids if own_id not in known(self._catalog, order.kind)]
        if unknown:
            raise web.HTTPBadRequest(text=f"no such {order.kind}s here: {unknown}")
        prefix = IDS[self._catalog.platform].saved[order.kind]
        change = LibraryChanged(
            user=order.user or self._store.user,
            names=tuple(prefix + own_id for own_id in order.ids),
            is_saved=True,
            at_s=self._store.clock.now_s(),
        )
        self._store.record(change, by="control")
        return web.Response(status=204)

    async def list_kept(self, request: web.Request) -> web.Response:
        """The truth about what an account keeps, in the order of its additions."""
        kind, user = _kind(request), request.query.get("user") or self._store.user
        rows = kept(self._store, self._catalog, user=user, kind=kind)
        return json_answer([_told(known(self._catalog, kind)[own_id], own_id) for own_id, _ in rows[::-1]])

    async def list_catalog(self, request: web.Request) -> web.Response:
        """All tracks, albums or artists of the platform."""
        there = known(self._catalog, _kind(request))
        return json_answer([_told(one, own_id) for own_id, one in there.items()])

    def _known(self, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """Return the items as added now. Raises HTTPBadRequest for a track that is not in the catalog."""
        unknown = [i.track_id for i in items if i.track_id and i.track_id not in self._catalog.by_id]
        if unknown:
            raise web.HTTPBadRequest(text=f"no such tracks here: {unknown}")
        now_s = self._store.clock.now_s()
        return tuple(msgspec.structs.replace(item, added_at_s=now_s) for item in items)

    async def set_limit(self, request: web.Request) -> web.Response:
        self._gate.limit(await _read(request, RateLimit))
        return web.Response(status=204)

    async def clear_limit(self, _: web.Request) -> web.Response:
        self._gate.limit(None)
        return web.Response(status=204)

    async def get_requests(self, request: web.Request) -> web.Response:
        summary = self._gate.counters.summary()
        if "calls" in request.query:
            summary["calls"] = self._gate.counters.last_calls()
        return json_answer(summary)

    async def reset_requests(self, _: web.Request) -> web.Response:
        self._gate.counters.reset()
        return web.Response(status=204)

    async def list_faults(self, _: web.Request) -> web.Response:
        return json_answer(self._gate.book.listing())

    async def add_faults(self, request: web.Request) -> web.Response:
        is_list = (await request.read()).lstrip().startswith(b"[")
        wanted = await _read(request, list[Fault]) if is_list else [await _read(request, Fault)]
        known = self._gate.operations | GENERAL_OPERATIONS
        for fault in wanted:
            if fault.operation not in known:
                raise web.HTTPBadRequest(text=f"unknown operation {fault.operation}; one of {sorted(known)}")
        self._gate.book.add(wanted)
        return json_answer(self._gate.book.listing(), status=201)

    async def clear_faults(self, _: web.Request) -> web.Response:
        self._gate.book.clear()
        return web.Response(status=204)

    async def advance_clock(self, request: web.Request) -> web.Response:
        order = await _read(request, ClockOrder)
        self._store.record(ClockAdvanced(seconds=order.advance_s))
        return json_answer({"now_s": self._store.clock.now_s()})

    async def issue_user_token(self, request: web.Request) -> web.Response:
        order = await _read(request, TokenOrder)
        token = issue_user_token(self._store, user=order.user or self._store.user)
        return json_answer({"music_user_token": token}, status=201)

    async def revoke_tokens(self, request: web.Request) -> web.Response:
        order = await _read(request, RevokeOrder)
        meant = [t.value for t in self._store.tokens.values() if order.means(t)]
        for value in meant:
            if value not in self._store.revoked:
                self._store.record(TokenRevoked(value=value))
        return json_answer({"revoked_count": len(meant)})

    def _admitted(self, handler: Handler) -> Handler:
        """Admit this machine and the named networks only: whoever may order faults may also mint tokens."""

        async def checked(request: web.Request) -> web.StreamResponse:
            caller = ip_address(request.remote or "0.0.0.0")  # noqa: S104 - not listened on: an address of nobody
            if not caller.is_loopback and not any(caller in network for network in self._networks):
                raise web.HTTPForbidden(text="control routes answer on the loopback interface only")
            return await handler(request)

        return checked

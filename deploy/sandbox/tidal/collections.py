"""TIDAL's collections: tracks, albums and artists that an account keeps, each dated to the millisecond."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.changes import LibraryChanged
from deploy.sandbox.desk import Desk
from deploy.sandbox.ids import IDS
from deploy.sandbox.kept import Kind, change, kept, shown
from deploy.sandbox.tidal.access import Caller, account
from deploy.sandbox.tidal.catalog import related
from deploy.sandbox.tidal.documents import PAGE, Json, Writer, include_of, links_of, offset_of, user_id
from deploy.sandbox.tidal.holdings import PLATFORM, Holdings
from deploy.sandbox.tidal.playlists import read_body
from deploy.sandbox.tidal.voice import document

KINDS = {"Tracks": Kind.TRACK, "Albums": Kind.ALBUM, "Artists": Kind.ARTIST}
LARGEST = 10_000
"""Of one collection; TIDAL tells that there is a limit, and not which."""


class RowMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    added_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: str
    meta: RowMeta = RowMeta()


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to add or to remove."""

    data: Annotated[tuple[Row, ...], msgspec.Meta(min_length=1, max_length=50)]


class Collections:
    """GET /userCollection…/{id}; GET, POST and DELETE of the items."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get(self, request: web.Request) -> web.Response:
        """Tell how much an account keeps."""
        caller, kind = self._asked(request, scope="collection.read")
        include_of(request, _type_of(request))  # the sandbox lets nothing come along here
        rows = shown(self._desk, user=caller.user, kind=kind)
        attributes = {
            "numberOfItems": len(rows),
            **({"lastModifiedAt": dated(rows[0][1])} if rows else {}),
        }
        resource = {"id": user_id(caller.user), "type": _type_of(request), "attributes": attributes}
        return document({"data": resource, "links": links_of(request, next_cursor=None)})

    async def list_items(self, request: web.Request) -> web.Response:
        """Page through a collection, newest first unless asked otherwise; every row is named."""
        caller, kind = self._asked(request, scope="collection.read")
        include = include_of(request, _type_of(request)).get("items")
        sort = request.query.get("sort", "-addedAt")
        if sort not in {"addedAt", "-addedAt"}:
            raise Refused(400, "This sandbox sorts by addedAt alone", parameter="sort")
        if self._desk.fault("empty_page", request):
            return document({})
        rows = shown(self._desk, user=caller.user, kind=kind)
        rows, offset = rows if sort.startswith("-") else rows[::-1], offset_of(request)
        writer, told = Writer(Holdings(self._desk, request)), []
        for own_id, at_s in rows[offset : offset + PAGE]:
            told.append(_named(kind, own_id, at_s))
            resource = None if include is None else writer.kept(kind, own_id, include=include)
            if resource is not None:
                writer.keep(resource)
        return related(request, told, writer=writer, offset=offset, length=len(rows))

    async def add(self, request: web.Request) -> web.Response:
        """Add up to 50 rows of dates that they name; one that stands there refuses all, or is skipped."""
        caller, kind = self._asked(request, scope="collection.write")
        order = await self._ordered(request, kind)
        there = dict(kept(self._desk.store, self._desk.catalog, user=caller.user, kind=kind))
        is_skipping = self._desk.options.repeats == "skip"
        if not is_skipping and any(row.id in there for row in order):
            raise _refused("DUPLICATE_ITEMS", "Collection already contains one or more items")
        if len(there) + len(order) > LARGEST:
            raise _refused("TOO_MANY_ITEMS", "Collection item limit reached")
        writer, taken, skipped = Writer(Holdings(self._desk, request)), [], []
        visible_at_s = self._desk.visible_at_s(request)
        for row in order:
            reason = "ALREADY_PRESENT" if row.id in there else "NOT_FOUND"
            if row.id in there or writer.kept(kind, row.id, include={}) is None:
                skipped.append({"id": row.id, "type": row.type, "reason": reason})
                continue
            there[row.id] = at_s = visible_at_s or self._at_s(row)
            taken.append(_named(kind, row.id, at_s))
            names = (IDS[PLATFORM].saved[kind] + row.id,)
            self._desk.store.record(LibraryChanged(user=caller.user, names=names, is_saved=True, at_s=at_s))
        links = links_of(request, next_cursor=None)
        return document({"data": taken, "links": links, "meta": {"skipped": skipped}})

    async def remove(self, request: web.Request) -> web.Response:
        """Remove up to 50 rows; one that is gone already is no error."""
        caller, kind = self._asked(request, scope="collection.write")
        ids = [row.id for row in await self._ordered(request, kind)]
        change(self._desk, request, user=caller.user, kind=kind, ids=ids, is_saved=False)
        return document({"links": links_of(request, next_cursor=None)})

    def _asked(self, request: web.Request, *, scope: str) -> tuple[Caller, Kind]:
        caller = account(self._desk, request, scope)
        if request.match_info["id"] not in {"me", user_id(caller.user)}:
            raise Refused(404, "The collection was not found")
        return caller, KINDS[request.match_info["kind"]]

    async def _ordered(self, request: web.Request, kind: Kind) -> Sequence[Row]:
        rows = (await read_body(request, Order)).data
        if any(row.type != f"{kind}s" for row in rows):
            raise Refused(400, "The document is not what this call takes", parameter="/data/type")
        fault = self._desk.fault("poison", request)
        if fault and not {row.id for row in rows}.isdisjoint((*fault.poison_ids, *fault.ids)):
            raise Refused(fault.status or 500, "Internal server error")
        return rows

    def _at_s(self, row: Row) -> float:
        """Nobody says what becomes of dates that are still to come; here it is now."""
        now_s = self._desk.clock.now_s()
        return min(row.meta.added_at.timestamp(), now_s) if row.meta.added_at else now_s


def dated(at_s: float) -> str:
    moment = datetime.fromtimestamp(at_s, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _type_of(request: web.Request) -> str:
    return f"userCollection{request.match_info['kind']}"


def _named(kind: Kind, own_id: str, at_s: float) -> Json:
    return {"id": own_id, "type": f"{kind}s", "meta": {"addedAt": dated(at_s)}}


def _refused(what: str, why: str) -> Refused:
    return Refused(409, why, code=f"{what}_IN_COLLECTION")

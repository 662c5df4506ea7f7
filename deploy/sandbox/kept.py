"""What an account keeps beside its playlists: liked tracks, saved albums, followed artists."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from aiohttp import web

from deploy.sandbox.changes import LibraryChanged
from deploy.sandbox.desk import Desk
from deploy.sandbox.ids import IDS
from deploy.sandbox.store import Store
from deploy.sandbox.world import Catalog


class Kind(StrEnum):
    """What is kept."""

    TRACK = "track"
    ALBUM = "album"
    ARTIST = "artist"


def known(catalog: Catalog, kind: Kind) -> Mapping[str, object]:
    """Return what of a kind there is, by its id."""
    match kind:
        case Kind.TRACK:
            return catalog.by_id
        case Kind.ALBUM:
            return catalog.albums.by_id
        case Kind.ARTIST:
            return catalog.artists.by_id


def kept(store: Store, catalog: Catalog, *, user: str, kind: Kind) -> list[tuple[str, float]]:
    """Return ids with the time of each addition, the last one first, also among those of one moment."""
    prefix, there = IDS[catalog.platform].saved[kind], known(catalog, kind)
    named = reversed(store.saved.get(user, {}).items())
    rows = [(name.removeprefix(prefix), at_s) for name, at_s in named if name.startswith(prefix)]
    return sorted((row for row in rows if row[0] in there), key=lambda row: -row[1])


def shown(desk: Desk, *, user: str, kind: Kind) -> list[tuple[str, float]]:
    """Return the same as readers see it: without what does not show yet."""
    now_s = desk.clock.now_s()
    return [row for row in kept(desk.store, desk.catalog, user=user, kind=kind) if row[1] <= now_s]


def change(
    desk: Desk, request: web.Request, *, user: str, kind: Kind, ids: Sequence[str], is_saved: bool
) -> None:
    """Add to what is kept, or remove from it; the order of ids is that of their additions."""
    prefix = IDS[desk.catalog.platform].saved[kind]
    at_s = desk.visible_at_s(request) or desk.clock.now_s()
    names = tuple(prefix + own_id for own_id in ids)
    desk.store.record(LibraryChanged(user=user, names=names, is_saved=is_saved, at_s=at_s))


def add_anew(desk: Desk, request: web.Request, *, user: str, kind: Kind, ids: Sequence[str]) -> None:
    """Add to what is kept; what stands there already gets the date of now."""
    there = {own_id for own_id, _ in kept(desk.store, desk.catalog, user=user, kind=kind)}
    if again := [own_id for own_id in ids if own_id in there]:
        change(desk, request, user=user, kind=kind, ids=again, is_saved=False)
    change(desk, request, user=user, kind=kind, ids=ids, is_saved=True)

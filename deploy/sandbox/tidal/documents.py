"""TIDAL's JSON:API documents: resources, what is included with them, and links."""

import base64
import binascii
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from deploy.sandbox.albums import Album, album_id
from deploy.sandbox.answers import Refused
from deploy.sandbox.artists import artist_id
from deploy.sandbox.changes import Item
from deploy.sandbox.clock import iso
from deploy.sandbox.ids import decimal
from deploy.sandbox.kept import Kind
from deploy.sandbox.recordings import Recording, digest
from deploy.sandbox.store import Playlist
from deploy.sandbox.tidal.holdings import PLATFORM, Holdings

Json: TypeAlias = dict[str, Any]
Tree: TypeAlias = dict[str, "Tree"]
"""Names of relationships, each with what is to be included from there on."""

PAGE = 20
DEEPEST = 3
MOST_NAMES = 10
# The relationships that can be asked for; those that the sandbox has nothing for are empty lists.
RELATIONSHIPS = {
    "tracks": {
        *("albums", "artists", "credits", "genres", "owners", "providers", "radio", "shares"),
        *("similarTracks", "suggestedTracks"),
    },
    "videos": {"albums", "artists", "credits", "providers", "similarVideos", "thumbnailArt"},
    "albums": {"artists", "coverArt", "genres", "items", "owners", "providers", "similarAlbums"},
    "artists": {"albums", "owners", "profileArt", "radio", "roles", "similarArtists", "tracks", "videos"},
    "playlists": {
        *("collaboratorProfiles", "collaborators", "coverArt", "items", "ownerProfiles", "owners"),
        "suggestedCoverArts",
    },
    "searchResults": {"albums", "artists", "playlists", "topHits", "tracks", "videos"},
    "userCollectionTracks": {"items", "owners"},
    "userCollectionAlbums": {"items", "owners"},
    "userCollectionArtists": {"items", "owners"},
}
# What a relationship leads to, where that is not its own name.
KINDS = {
    "items": ("tracks", "videos"),
    "owners": ("users",),
    "topHits": ("tracks", "albums"),
    "userCollectionTracks.items": ("tracks",),
    "userCollectionAlbums.items": ("albums",),
    "userCollectionArtists.items": ("artists",),
}


def user_id(user: str | None) -> str:
    return decimal(f"tidal:user:{user}", length=9)


def name_items(playlist: Playlist) -> None:
    """Name each occurrence that has no name yet: those of world files, and what other hands put in."""
    for position, item in enumerate(playlist.items):
        if not item.uid:
            key = f"{playlist.id}:{playlist.revision}:{position}"
            named = msgspec.structs.replace(item, uid=str(uuid.uuid5(uuid.NAMESPACE_OID, key)))
            playlist.items[position] = named


def identifier_of(item: Item) -> Json:
    """Name what stands at a position: a track, dead ones too, or a video."""
    kind = "videos" if item.kind in {"video", "episode"} else "tracks"
    words = f"{item.kind}:{item.title}:{item.artist}"
    return {
        "id": item.track_id or decimal(f"tidal:{words}", length=9),
        "type": kind,
        "meta": {"addedAt": iso(item.added_at_s), "itemId": item.uid},
    }


def include_of(request: web.Request, kind: str) -> Tree:
    """Read `include`, a list of paths from resources of a kind. Raises Refused(400) for a wrong one."""
    tree: Tree = {}
    names: set[str] = set()
    for path in filter(None, ",".join(request.query.getall("include", [])).split(",")):
        here, parts = tree, path.split(".")
        kinds: tuple[str, ...] = (kind,)
        if len(parts) > DEEPEST:
            raise Refused(400, f"Include path exceeds the maximum depth of {DEEPEST}", parameter="include")
        for part in parts:
            scope, _, name = part.rpartition(":")
            kinds = tuple(one for one in kinds if not scope or one == scope)
            if not any(name in RELATIONSHIPS.get(one, ()) for one in kinds):
                raise Refused(400, f"Include path {path} cannot be resolved", parameter="include")
            kinds = KINDS.get(f"{kind}.{name}") or KINDS.get(name, (name,))
            here = here.setdefault(name, {})
            names.add(name)
    if len(names) > MOST_NAMES:
        raise Refused(400, f"Includes name more than {MOST_NAMES} resources", parameter="include")
    return tree


class Writer:
    """Makes the resources of one answer and gathers what is included."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._included: dict[tuple[str, str], Json] = {}

    @property
    def included(self) -> list[Json]:
        return list(self._included.values())

    def track(self, recording: Recording, *, include: Tree) -> Json:
        own_id = self._holdings.id_of(recording)
        attributes = {
            "title": recording.title,
            "isrc": recording.isrc or "",
            "duration": duration(recording.duration_ms),
            "explicit": bool(recording.is_explicit),
            "popularity": digest(own_id) % 1000 / 1000,
            "accessType": "PUBLIC",
            "mediaTags": ["LOSSLESS"],
            "key": "UNKNOWN",
            "keyScale": "UNKNOWN",
            "externalLinks": [_share(f"track/{own_id}")],
        }
        related = {
            "artists": lambda _: [self.keep(self.artist(name)) for name in recording.artists],
            "albums": lambda tree: [self.keep(self._album_of(recording, include=tree))],
        }
        return self._resource("tracks", own_id, attributes, include=include, related=related)

    def album(self, album: Album, *, include: Tree) -> Json:
        first = album.tracks[0]
        attributes = {
            "title": album.name,
            "albumType": "ALBUM",
            "barcodeId": decimal(f"tidal:barcode:{album.id}", length=13),
            "duration": duration(sum(track.duration_ms or 0 for track in album.tracks)),
            "explicit": any(track.is_explicit for track in album.tracks),
            "mediaTags": ["LOSSLESS"],
            "numberOfItems": len(album.tracks),
            "numberOfVolumes": max(track.disc_number or 1 for track in album.tracks),
            "popularity": digest(album.id) % 1000 / 1000,
            "externalLinks": [_share(f"album/{album.id}")],
            **({"releaseDate": album.release_date} if album.release_date else {}),
        }
        related = {
            "artists": lambda _: [self.keep(self.artist(name)) for name in first.artists[:1]],
            "items": lambda tree: [self.album_item(track, include=tree) for track in album.tracks[:PAGE]],
        }
        lengths = {"items": len(album.tracks)}
        return self._resource(
            "albums", album.id, attributes, include=include, related=related, lengths=lengths
        )

    def album_item(self, recording: Recording, *, include: Tree | None) -> Json:
        """Name a track of an album; include None: it does not come along."""
        if include is not None:
            self.keep(self.track(recording, include=include))
        meta = {"trackNumber": recording.track_number or 1, "volumeNumber": recording.disc_number or 1}
        return {"id": self._holdings.id_of(recording), "type": "tracks", "meta": meta}

    def include_item(self, identifier: Json, item: Item, *, include: Tree) -> None:
        """Let come along what an item of a playlist names, if it is to be had here."""
        if item.kind in {"video", "episode"}:
            self.keep(_video(identifier["id"], item))
        elif item.kind == "local":
            self.keep(_upload(identifier["id"], item))
        elif item.kind == "track" and (recording := self._holdings.track(item.track_id or "")):
            self.keep(self.track(recording, include=include))

    def playlist(self, playlist: Playlist, *, items: Sequence[Item], include: Tree) -> Json:
        """items: those that readers may see."""
        attributes = {
            "name": playlist.name,
            "description": playlist.description,
            "accessType": "PUBLIC" if playlist.is_public else "UNLISTED",
            "playlistType": "USER",
            "bounded": True,
            "numberOfItems": len(items),
            "numberOfFollowers": 0,
            "createdAt": iso(playlist.created_at_s),
            "lastModifiedAt": iso(max((item.added_at_s for item in items), default=playlist.created_at_s)),
            "externalLinks": [_share(f"playlist/{playlist.id}")],
        }

        def rows(tree: Tree) -> list[Json]:
            named = [identifier_of(item) for item in items[:PAGE]]
            for identifier, item in zip(named, items, strict=False):
                self.include_item(identifier, item, include=tree)
            return named

        related = {
            "owners": lambda _: [{"id": user_id(playlist.owner), "type": "users"}],
            "items": rows,
        }
        lengths = {"items": len(items)}
        return self._resource(
            "playlists", playlist.id, attributes, include=include, related=related, lengths=lengths
        )

    def search_result(self, own_id: str, text: str, *, include: Tree) -> Json:
        """The one resource of a search, which the finds are related to."""
        attributes = {"query": text, "trackingId": str(uuid.uuid4())}
        related = {
            "tracks": lambda tree: [
                self.keep(self.track(found, include=tree))
                for found in self._holdings.tracks_by_text(text)[:PAGE]
            ],
            "albums": lambda tree: [
                self.keep(self.album(found, include=tree))
                for found in self._holdings.albums_by_text(text)[:PAGE]
            ],
            "artists": lambda _: [
                self.keep(self.artist(found.name)) for found in self._holdings.artists_by_text(text)[:PAGE]
            ],
        }
        return self._resource("searchResults", own_id, attributes, include=include, related=related)

    def kept(self, kind: Kind, own_id: str, *, include: Tree) -> Json | None:
        """Return what a row of a collection names; None for what is not to be had here."""
        if kind is Kind.TRACK:
            track = self._holdings.track(own_id)
            return self.track(track, include=include) if track else None
        if kind is Kind.ALBUM:
            album = self._holdings.album(own_id)
            return self.album(album, include=include) if album else None
        artist = self._holdings.artist(own_id)
        return self.artist(artist.name) if artist else None

    def keep(self, resource: Json) -> Json:
        """Let a resource come along; returns its identifier."""
        self._included.setdefault((resource["type"], resource["id"]), resource)
        return {"id": resource["id"], "type": resource["type"]}

    def artist(self, name: str) -> Json:
        own_id = artist_id(name, platform=PLATFORM)
        attributes = {
            "name": name,
            "popularity": digest(own_id) % 1000 / 1000,
            "externalLinks": [_share(f"artist/{own_id}")],
        }
        return {"id": own_id, "type": "artists", "attributes": attributes, "relationships": {}}

    def _album_of(self, recording: Recording, *, include: Tree) -> Json:
        album = self._holdings.album(album_id(recording, platform=PLATFORM))
        if album is None:
            raise LookupError(recording.key)
        return self.album(album, include=include)

    def _resource(
        self,
        kind: str,
        own_id: str,
        attributes: Json,
        *,
        include: Tree,
        related: dict[str, Callable[[Tree], list[Json]]],
        lengths: dict[str, int] | None = None,
    ) -> Json:
        """related: makes what is asked for, at most a page; lengths: of those that may have more."""
        relationships = {}
        for name, tree in include.items():
            path = f"/{kind}/{own_id}/relationships/{name}"
            links: Json = {"self": path}
            if (lengths or {}).get(name, 0) > PAGE:
                links |= next_links(path, [], cursor=cursor_of(PAGE))
            relationships[name] = {"data": related[name](tree) if name in related else [], "links": links}
        return {"id": own_id, "type": kind, "attributes": attributes, "relationships": relationships}


def links_of(request: web.Request, *, next_cursor: str | None) -> Json:
    """Name this page and the next one; addresses are relative to the base of the API."""
    path = request.path.removeprefix("/v2")
    query = [(name, value) for name, value in request.query.items() if name != "page[cursor]"]
    here = {"page[cursor]": request.query["page[cursor]"]} if "page[cursor]" in request.query else {}
    links: Json = {"self": _address(path, [*query, *here.items()])}
    if next_cursor is not None:
        links |= next_links(path, query, cursor=next_cursor)
    return links


def next_links(path: str, query: Iterable[tuple[str, str]], *, cursor: str) -> Json:
    return {"next": _address(path, [*query, ("page[cursor]", cursor)]), "meta": {"nextCursor": cursor}}


def cursor_of(offset: int) -> str:
    """Name a place in a list; clients must not read it."""
    return base64.urlsafe_b64encode(f"at:{offset}".encode()).rstrip(b"=").decode()


def offset_of(request: web.Request) -> int:
    """Read where the asked page begins. Raises Refused(400) for a cursor that is none."""
    cursor = request.query.get("page[cursor]", "")
    if not cursor:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return int(text.removeprefix("at:"))
    except (binascii.Error, ValueError) as error:
        raise Refused(400, "The cursor is invalid", parameter="page[cursor]") from error


def duration(milliseconds: int | None) -> str:
    """Write whole seconds as ISO 8601 does: PT3M5S."""
    minutes, seconds = divmod(round((milliseconds or 0) / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    return "PT" + ("".join(f"{number}{unit}" for number, unit in parts if number) or "0S")


def _address(path: str, query: Iterable[tuple[str, str]]) -> str:
    text = urlencode(list(query))
    return f"{path}?{text}" if text else path


def _share(path: str) -> Json:
    return {"href": f"https://tidal.com/browse/{path}", "meta": {"type": "TIDAL_SHARING"}}


def _video(own_id: str, item: Item) -> Json:
    attributes = {
        "title": item.title or "",
        "isrc": "",
        "duration": duration(item.duration_ms),
        "explicit": False,
        "popularity": 0.1,
    }
    return {"id": own_id, "type": "videos", "attributes": attributes, "relationships": {}}


def _upload(own_id: str, item: Item) -> Json:
    """A track that a user has uploaded."""
    more = {"accessType": "UNLISTED", "mediaTags": [], "key": "UNKNOWN", "keyScale": "UNKNOWN"}
    return {**_video(own_id, item), "type": "tracks", "attributes": _video(own_id, item)["attributes"] | more}

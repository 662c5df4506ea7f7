"""TIDAL's JSON:API documents: only what we read, and nothing taken for granted."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from yarl import URL


class Identifier(msgspec.Struct):
    """Names a resource; in a playlist, meta's `itemId` names the one occurrence.

    Ids change: a track that was delivered anew has another one.
    """

    id: str
    type: str
    meta: dict[str, Any] | None = None


class Attributes(msgspec.Struct, rename="camel"):
    """The attributes of tracks, videos, albums, artists, playlists and users alike."""

    title: str | None = None
    version: str | None = None
    isrc: str | None = None
    duration: str | None = None
    explicit: bool | None = None
    name: str | None = None
    description: str | None = None
    number_of_items: int | None = None
    release_date: str | None = None
    last_modified_at: str | None = None
    username: str | None = None
    country: str | None = None


class Relationship(msgspec.Struct):
    """data is absent where the relationship was not asked for, one alone or null where it has no list."""

    data: list[Identifier] | Identifier | None = None


class Resource(Identifier):
    attributes: Attributes = msgspec.field(default_factory=Attributes)
    relationships: dict[str, Relationship] = {}


class Collection(msgspec.Struct):
    """A page of resources, or of identifiers whose resources are `included`.

    data unset: a list without rows, or an answer without any list, which then has no links either.
    """

    data: list[Resource] | UnsetType = UNSET
    included: list[Resource] = []
    links: dict[str, Any] = {}

    @property
    def rows(self) -> list[Resource] | UnsetType:
        return [] if self.data is UNSET and self.links else self.data

    @property
    def next_cursor(self) -> str | None:
        return URL(self.links["next"]).query.get("page[cursor]") if self.links.get("next") else None


class Single(msgspec.Struct):
    data: Resource


class AddedMeta(msgspec.Struct):
    skipped: list[Identifier] = []


class Added(msgspec.Struct):
    """What was added, in order, and what was skipped; told since April and August 2026."""

    data: list[Identifier] | None = None
    meta: AddedMeta = msgspec.field(default_factory=AddedMeta)

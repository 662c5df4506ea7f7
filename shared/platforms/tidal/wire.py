"""TIDAL's JSON:API documents: only what we read, and nothing taken for granted."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType
from yarl import URL

from shared.platforms.paging import TokenPage


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


Shelf: TypeAlias = Mapping[tuple[str, str], Resource]
"""The resources that came along with an answer, by type and id."""
Row: TypeAlias = tuple[Resource, Shelf]


class Collection(msgspec.Struct):
    """A page of resources, or of identifiers whose resources are `included`.

    data unset: a list without rows, or an answer without any list, which then has no links either.
    """

    data: list[Resource] | UnsetType = UNSET
    included: list[Resource] = []
    links: dict[str, Any] = {}

    def page(self) -> TokenPage[Row]:
        """Return each row with what came along."""
        rows = [] if self.data is UNSET and self.links else self.data
        shelf = {(one.type, one.id): one for one in self.included}
        following = URL(self.links.get("next") or "").query.get("page[cursor]")
        return TokenPage.of(UNSET if rows is UNSET else [(row, shelf) for row in rows], next_token=following)


class Single(msgspec.Struct):
    data: Resource


class Skipped(Identifier):
    reason: str = ""


class AddedMeta(msgspec.Struct):
    skipped: list[Skipped] = []


class Added(msgspec.Struct):
    """What was added, in order, and what was skipped; told since April and August 2026."""

    data: list[Identifier] | None = None
    meta: AddedMeta = msgspec.field(default_factory=AddedMeta)

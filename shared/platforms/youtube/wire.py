"""YouTube's JSON, as much of it as we read."""

from typing import Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from shared.platforms.paging import TokenPage

T = TypeVar("T")


class Resource(msgspec.Struct, rename="camel"):
    """What a row or a search result names."""

    video_id: str = ""
    playlist_id: str = ""


class Snippet(msgspec.Struct, rename="camel"):
    title: str = ""
    description: str = ""
    channel_id: str = ""
    channel_title: str = ""
    category_id: str = ""
    country: str = ""
    resource_id: Resource = msgspec.field(default_factory=Resource)


class Regions(msgspec.Struct):
    """Where a video can be played: in the allowed countries only, or everywhere but in the blocked ones."""

    allowed: list[str] | None = None
    blocked: list[str] = []

    def admits(self, market: str) -> bool:
        country = market.upper()
        return country not in self.blocked and (
            not country or self.allowed is None or country in self.allowed
        )


class Details(msgspec.Struct, rename="camel"):
    """duration, regions: of a video. item_count: of a playlist."""

    duration: str | None = None
    regions: Regions = msgspec.field(default_factory=Regions, name="regionRestriction")
    item_count: int | None = None


class Thing(msgspec.Struct, rename="camel"):
    """A video, a playlist, a channel, or a row of a playlist, whose id is that of the occurrence."""

    id: str
    snippet: Snippet = msgspec.field(default_factory=Snippet)
    content_details: Details = msgspec.field(default_factory=Details)


class Found(msgspec.Struct):
    """What a search shows of something; its words are escaped for HTML."""

    id: Resource = msgspec.field(default_factory=Resource)
    snippet: Snippet = msgspec.field(default_factory=Snippet)


class PageInfo(msgspec.Struct):
    total: int | None = msgspec.field(default=None, name="totalResults")


class Listing(msgspec.Struct, Generic[T], rename="camel"):
    """The envelope of every list."""

    items: list[T] | UnsetType = UNSET
    next_page_token: str | None = None
    page_info: PageInfo = msgspec.field(default_factory=PageInfo)

    def page(self) -> TokenPage[T]:
        return TokenPage.of(self.items, next_token=self.next_page_token, total=self.page_info.total)

"""The JSON of Subsonic servers, as far as it is read here. Every answer stands in an envelope."""

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Envelope(msgspec.Struct, Generic[T]):
    content: T = msgspec.field(name="subsonic-response")


class Error(msgspec.Struct):
    code: int = 0


class Head(msgspec.Struct):
    """type: what server it is, where it knows OpenSubsonic."""

    status: str
    type: str = ""
    error: Error | None = None


class Artist(msgspec.Struct):
    name: str = ""


class Thing(msgspec.Struct):
    """What can have a star. starred: since when."""

    id: str | int
    starred: str = ""


AnyT = TypeVar("AnyT", bound=Thing)


class ArtistHead(Thing):
    name: str = ""


class Released(Thing, rename="camel"):
    artist: str = ""
    display_artist: str = ""
    artists: list[Artist] = []
    year: int = 0


class Album(Released, rename="camel"):
    name: str = ""
    song_count: int = 0


class Song(Released, rename="camel"):
    """isrc: a list; from some servers a text. duration is in seconds."""

    title: str = ""
    album: str = ""
    duration: int = 0
    track: int = 0
    disc_number: int = 0
    isrc: list[str] | str = []
    explicit_status: str = ""
    is_video: bool = False
    type: str = ""


class Playlist(msgspec.Struct, rename="camel"):
    """readonly: whether this account may not change it; only newer servers say so."""

    id: str | int
    name: str = ""
    comment: str = ""
    owner: str = ""
    song_count: int = 0
    changed: str = ""
    readonly: bool | None = None
    entry: list[Song] = []


class PlaylistAnswer(Head):
    playlist: Playlist = msgspec.field(default_factory=lambda: Playlist(id=""))


class PlaylistList(msgspec.Struct):
    playlist: list[Playlist] = []


class PlaylistsAnswer(Head):
    playlists: PlaylistList = msgspec.field(default_factory=PlaylistList)


class SongAnswer(Head):
    song: Song = msgspec.field(default_factory=lambda: Song(id=""))


class Things(msgspec.Struct):
    song: list[Song] = []
    album: list[Album] = []
    artist: list[ArtistHead] = []


class SearchAnswer(Head):
    found: Things = msgspec.field(name="searchResult3", default_factory=Things)


class StarredAnswer(Head):
    starred: Things | None = msgspec.field(name="starred2", default=None)


class Extension(msgspec.Struct):
    name: str


class ExtensionsAnswer(Head):
    extensions: list[Extension] = msgspec.field(name="openSubsonicExtensions", default_factory=list)


class KeyOwner(msgspec.Struct):
    username: str = ""


class KeyAnswer(Head):
    owner: KeyOwner = msgspec.field(name="tokenInfo", default_factory=KeyOwner)

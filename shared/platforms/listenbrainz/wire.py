"""ListenBrainz' JSON: only what we read, and nothing taken for granted."""

import msgspec
from msgspec import UNSET, UnsetType

from shared.platforms.paging import RawPage

PLAYLIST_EXTENSION = "https://musicbrainz.org/doc/jspf#playlist"
RECORDING = "https://musicbrainz.org/recording/"


class Account(msgspec.Struct):
    """What a token is good for; one that is not is answered with status 200."""

    valid: bool = False
    user_name: str | None = None


class Row(msgspec.Struct):
    """A row of a playlist. identifier: addresses, or one; the words are missing where nobody knows it."""

    identifier: list[str] | str | None = None
    title: str | None = None
    creator: str | None = None
    album: str | None = None
    duration: int | None = None

    @property
    def mbid(self) -> str | None:
        named = [self.identifier] if isinstance(self.identifier, str) else self.identifier or []
        return next((one.removeprefix(RECORDING).rstrip("/") for one in named if RECORDING in one), None)


class PlaylistFacts(msgspec.Struct):
    collaborators: list[str] = []
    last_modified_at: str | None = None


class Extension(msgspec.Struct):
    facts: PlaylistFacts = msgspec.field(name=PLAYLIST_EXTENSION, default_factory=PlaylistFacts)


class Playlist(msgspec.Struct):
    """A playlist in JSPF. annotation: its description, as HTML. In lists it comes without its rows."""

    identifier: str
    title: str | None = None
    annotation: str | None = None
    creator: str | None = None
    extension: Extension = msgspec.field(default_factory=Extension)
    track: list[Row] | UnsetType = UNSET

    @property
    def mbid(self) -> str:
        return self.identifier.rstrip("/").rpartition("/")[2]


class Document(msgspec.Struct):
    """playlist unset: an answer without any content."""

    playlist: Playlist | UnsetType = UNSET


class Listing(msgspec.Struct):
    playlists: list[Document] | UnsetType = UNSET
    playlist_count: int | None = None

    def page(self, limit: int) -> RawPage[Playlist]:
        if self.playlists is UNSET:
            return RawPage(rows=(), limit=limit, is_blank=True)
        rows = tuple(one.playlist for one in self.playlists if one.playlist is not UNSET)
        return RawPage(rows=rows, limit=limit, total=self.playlist_count)


class Words(msgspec.Struct):
    track_name: str | None = None
    artist_name: str | None = None
    release_name: str | None = None


class Loved(msgspec.Struct):
    """A recording with feedback. recording_mbid: None where a listen alone has named it."""

    recording_mbid: str | None = None
    track_metadata: Words | None = None

    @property
    def row(self) -> Row:
        words = self.track_metadata or Words()
        return Row(
            identifier=f"{RECORDING}{self.recording_mbid}" if self.recording_mbid else None,
            title=words.track_name,
            creator=words.artist_name,
            album=words.release_name,
        )


class Feedback(msgspec.Struct):
    """What is loved. Some servers count what is hated into its length: that is not read."""

    feedback: list[Loved] | UnsetType = UNSET

    def page(self, limit: int) -> RawPage[Row]:
        loved = self.feedback
        rows = UNSET if loved is UNSET else [one.row for one in loved]
        return RawPage.of(rows, limit=limit, total=None, next_url=None)


class Created(msgspec.Struct):
    playlist_mbid: str


class Mapping(msgspec.Struct):
    """The best guess at one question of a look-up, which index counts; no recording_mbid: there is none."""

    index: int
    recording_mbid: str | None = None
    recording_name: str | None = None
    artist_credit_name: str | None = None
    release_name: str | None = None


class Artist(msgspec.Struct):
    name: str | None = None


class ArtistCredit(msgspec.Struct):
    name: str | None = None
    artists: list[Artist] = []


class Release(msgspec.Struct):
    name: str | None = None
    year: int | None = None


class Recording(msgspec.Struct):
    """length: milliseconds. isrcs: all that MusicBrainz knows of it."""

    name: str | None = None
    length: int | None = None
    isrcs: list[str] | None = None


class Known(msgspec.Struct):
    """What is known of a recording."""

    recording: Recording = msgspec.field(default_factory=Recording)
    artist: ArtistCredit | None = None
    release: Release | None = None

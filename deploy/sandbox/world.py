"""The fictional music world that all simulated platforms share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import msgspec

from deploy.sandbox.albums import Albums
from deploy.sandbox.artists import Artists
from deploy.sandbox.changes import Item
from deploy.sandbox.ids import IDS
from deploy.sandbox.recordings import (
    Identity,
    Line,
    Recording,
    artists_of,
    clean_isrc,
    derived_id,
    given_id,
    guessed_platform,
    identity_of,
    playlist_id,
)
from deploy.sandbox.search_index import Document, SearchIndex
from deploy.sandbox.world_files import PlaylistFile, read_lines, read_playlist

# Items of world playlists were added one a minute from here on, so that every start agrees.
FIRST_ADDED_S = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
ITEM_KINDS = frozenset({"local", "episode", "removed", "unplayable", "video"})


class SeedPlaylist(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist that stands in a platform's account from the start. owner None: the account itself."""

    id: str
    name: str
    owner: str | None
    description: str
    items: tuple[Item, ...]


class Catalog:
    """All recordings of one platform, with the indexes its look-ups need."""

    def __init__(self, platform: str, recordings: Iterable[Recording]) -> None:
        self.platform = platform
        self.recordings = tuple(recordings)
        self.by_id = {recording.ids[platform]: recording for recording in self.recordings}
        self._by_isrc: dict[str, list[int]] = {}
        for position, recording in enumerate(self.recordings):
            if recording.isrc:
                self._by_isrc.setdefault(recording.isrc, []).append(position)
        self.index = SearchIndex(
            Document(title=r.title, artist=" ".join(r.artists), album=r.album) for r in self.recordings
        )

    @cached_property
    def albums(self) -> Albums:
        return Albums(self.platform, self.recordings)

    @cached_property
    def artists(self) -> Artists:
        return Artists(self.platform, self.recordings)

    def with_isrc(self, isrc: str) -> list[int]:
        """Return the positions, in `recordings`, of all releases with this ISRC."""
        return self._by_isrc.get(clean_isrc(isrc) or "", [])


@dataclass(kw_only=True)
class _Draft:
    """A recording while the files are still being read; first words win, later lines fill gaps."""

    key: str
    line: Line
    isrc: str | None
    ids: dict[str, str] = field(default_factory=dict)
    named_platforms: set[str] = field(default_factory=set)
    homes: set[str] = field(default_factory=set)
    unplayable_on: set[str] = field(default_factory=set)

    def platforms(self) -> Iterable[str]:
        return self.named_platforms | self.homes if self.named_platforms else IDS


class _Builder:
    def __init__(self) -> None:
        self.drafts: dict[str, _Draft] = {}
        self._aliases: dict[str, str] = {}

    def add(self, line: Line, *, home: str | None = None, id_platform: str | None = None) -> str:
        """Add a line and return the key of its recording.

        home: the platform in whose playlist the line stands; it exists there whatever it names.
        """
        owner_of_id = line.platform or id_platform or guessed_platform(line.platform_id) or "any"
        identity = identity_of(line, id_platform=owner_of_id)
        given = given_id(owner_of_id, line.platform_id) if owner_of_id in IDS else None
        scope = line.platform or ""
        draft = self._find(line, identity=identity, home=home, given={owner_of_id: given} if given else {})
        aliases = _aliases(identity, scope=scope)
        if draft is None:
            key = next((a for a in aliases if a not in self.drafts), aliases[0])
            draft = self.drafts.setdefault(key, _Draft(key=key, line=line, isrc=clean_isrc(line.isrc)))
        _fill(draft, line)
        if given:
            draft.ids.setdefault(owner_of_id, given)
        draft.named_platforms.update({line.platform} if line.platform else ())
        draft.homes.update({home} if home else ())
        if line.kind == "unplayable" and home is None:
            draft.unplayable_on.update({line.platform} if line.platform else IDS)
        for alias in aliases:
            self._aliases.setdefault(alias, draft.key)
        return draft.key

    def _find(
        self, line: Line, *, identity: Identity, home: str | None, given: dict[str, str]
    ) -> _Draft | None:
        if identity.by_id and (key := self._aliases.get(identity.by_id)):
            return self.drafts[key]
        words = identity.by_isrc or (None if identity.by_id else identity.by_text)
        if words is None:
            return None
        scopes = [line.platform] if line.platform else ([home] if home else [])
        for scope in (*scopes, ""):
            draft = self.drafts.get(self._aliases.get(f"{scope}|{words}", ""))
            if draft and _agree(draft, scope=line.platform, given=given):
                return draft
        return None


def _aliases(identity: Identity, *, scope: str) -> list[str]:
    words = [f"{scope}|{w}" for w in (identity.by_isrc, identity.by_text) if w]
    return [identity.by_id, *words] if identity.by_id else words


def _agree(draft: _Draft, *, scope: str | None, given: dict[str, str]) -> bool:
    """Whether a line with this ISRC or these words may be that recording.

    Two ids of one platform are two releases; a line that names a platform does not take a recording
    away from the other platforms, unless it is known there only.
    """
    if any(draft.ids.get(platform, own) != own for platform, own in given.items()):
        return False
    return scope is None or {scope} in (draft.named_platforms, draft.homes)


def _fill(draft: _Draft, line: Line) -> None:
    draft.isrc = draft.isrc or clean_isrc(line.isrc)
    if draft.line is line:
        return
    gaps = {
        name: new
        for name in ("title", "artists", "album", "duration_ms", "explicit", "release_date")
        if getattr(draft.line, name) in (None, ()) and (new := getattr(line, name)) is not None
    }
    if gaps:
        draft.line = msgspec.structs.replace(draft.line, **gaps)


class World:
    """Recordings with their ids on every platform, and the playlists each account starts with."""

    def __init__(
        self, recordings: Sequence[Recording], playlists: dict[str, tuple[SeedPlaylist, ...]]
    ) -> None:
        self.recordings = recordings
        self._playlists = playlists

    @classmethod
    def load(cls, paths: Iterable[Path]) -> "World":
        """Read world files (.jsonl catalog, .json playlist, .csv Exportify table), in this order.

        The same files in the same order give the same ids in every process.
        Raises WorldFileError, or OSError when a file cannot be opened.
        """
        builder = _Builder()
        files: list[tuple[PlaylistFile, list[str | None]]] = []
        for path in paths:
            if path.suffix == ".jsonl":
                for line in read_lines(path):
                    builder.add(line)
            else:
                playlist = read_playlist(path)
                files.append((playlist, [_joined(builder, playlist, line) for line in playlist.lines]))
        recordings = _finished(builder.drafts.values())
        playlists: dict[str, tuple[SeedPlaylist, ...]] = {}
        for playlist, keys in files:
            seed = _seed(playlist, keys=keys, recordings=recordings)
            playlists[playlist.platform] = (*playlists.get(playlist.platform, ()), seed)
        return cls(tuple(recordings.values()), playlists)

    def catalog(self, platform: str) -> Catalog:
        return Catalog(platform, (r for r in self.recordings if platform in r.ids))

    def playlists(self, platform: str) -> tuple[SeedPlaylist, ...]:
        return self._playlists.get(platform, ())


def _kind(line: Line, *, platform: str) -> str:
    if line.kind in ITEM_KINDS:
        return str(line.kind)
    if line.local_file or (line.platform_id or "").startswith("spotify:local:"):
        return "local"
    if line.title is None and line.platform_id is None:
        return "removed"
    if platform == "apple_music" and not (given_id(platform, line.platform_id) or line.isrc):
        return "upload"
    return "track"


def _joined(builder: _Builder, playlist: PlaylistFile, line: Line) -> str | None:
    """Add the item's recording to the world, unless there is none behind it."""
    kind = _kind(line, platform=playlist.platform)
    if kind in {"local", "episode", "removed", "video"}:
        return None
    return builder.add(line, home=playlist.platform, id_platform=playlist.id_platform)


def _finished(drafts: Iterable[_Draft]) -> dict[str, Recording]:
    used: set[str] = set()
    finished: dict[str, Recording] = {}
    for draft in drafts:
        ids = {}
        for platform in draft.platforms():
            own = draft.ids.get(platform) or derived_id(platform, draft.key)
            salt = 0
            while own in used:  # 12 digits can meet by chance; the files' order decides who moves
                salt += 1
                own = derived_id(platform, f"{draft.key}#{salt}")
            used.add(own)
            ids[platform] = own
        line = draft.line
        finished[draft.key] = Recording(
            key=draft.key,
            title=line.title or "",
            artists=artists_of(line),
            album=line.album or "",
            duration_ms=line.duration_ms,
            isrc=draft.isrc,
            is_explicit=line.explicit,
            release_date=line.release_date,
            track_number=line.track_number,
            disc_number=line.disc_number,
            ids=ids,
            countries=line.countries,
            unplayable_on=frozenset(draft.unplayable_on),
        )
    return finished


def _seed(
    playlist: PlaylistFile, *, keys: Sequence[str | None], recordings: dict[str, Recording]
) -> SeedPlaylist:
    items = []
    for position, (line, key) in enumerate(zip(playlist.lines, keys, strict=True)):
        kind = _kind(line, platform=playlist.platform)
        items.append(
            Item(
                kind="local" if kind == "upload" else kind,
                track_id=recordings[key].ids[playlist.platform] if key and kind != "upload" else None,
                title=line.title,
                artist=(artists_of(line) or (None,))[0],
                album=line.album,
                duration_ms=line.duration_ms,
                added_at_s=FIRST_ADDED_S + 60 * position,
            )
        )
    return SeedPlaylist(
        id=playlist_id(playlist.platform, f"playlist:{playlist.platform}|{playlist.name}|{playlist.stem}"),
        name=playlist.name,
        owner=playlist.owner,
        description=playlist.description or "",
        items=tuple(items),
    )

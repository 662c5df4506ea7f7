"""The accounts of one simulated platform: playlists, libraries and tokens."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod

from deploy.sandbox.changes import (
    Change,
    ClockAdvanced,
    DetailsChanged,
    FollowChanged,
    Item,
    ItemsInserted,
    ItemsReplaced,
    LibraryChanged,
    PlaylistCreated,
    PlaylistDeleted,
    Token,
    TokenIssued,
    TokenRevoked,
)
from deploy.sandbox.clock import Clock
from deploy.sandbox.history import By, History
from deploy.sandbox.journal import Journal
from deploy.sandbox.world import SeedPlaylist


@dataclass(kw_only=True)
class Playlist:
    """A playlist as it is now. `items` is the truth; `visible_items` what readers may already see."""

    id: str
    owner: str
    name: str
    description: str = ""
    is_public: bool = True
    is_collaborative: bool = False
    has_cover: bool = False
    created_at_s: float = 0
    visible_at_s: float = 0
    items: list[Item] = field(default_factory=list)
    followers: set[str] = field(default_factory=set)
    revision: int = 1
    snapshot_settles_at_s: float = 0
    all_visible_at_s: float = 0

    def visible_items(self, now_s: float) -> list[Item]:
        if now_s >= self.all_visible_at_s:
            return self.items
        return [item for item in self.items if item.visible_at_s <= now_s]


class Store:
    """Holds the state; every change goes through `record`, which journals it first."""

    def __init__(self, *, clock: Clock, user: str, journal: Journal | None = None) -> None:
        self.playlists: dict[str, Playlist] = {}
        self.saved: dict[str, dict[str, float]] = {}
        self.tokens: dict[str, Token] = {}
        self.revoked: set[str] = set()
        self.clock = clock
        self.user = user
        self.history = History()
        self._journal = journal

    def load(self, seeds: Iterable[SeedPlaylist]) -> None:
        """Put the world's playlists in place, then replay what happened since."""
        for seed in seeds:
            self.playlists[seed.id] = Playlist(
                id=seed.id,
                owner=seed.owner or self.user,
                name=seed.name,
                description=seed.description,
                items=list(seed.items),
                followers={self.user},
                created_at_s=seed.items[0].added_at_s if seed.items else 0,
            )
        for change in self._journal.replay() if self._journal else ():
            self._apply(change)

    def record(self, change: Change, *, by: By = "platform") -> None:
        """Write the change to the journal, then make it and note it."""
        if self._journal:
            self._journal.append(change)
        self._apply(change)
        self.history.note(change, at_s=self.clock.now_s(), by=by)

    def close(self) -> None:
        if self._journal:
            self._journal.close()

    @singledispatchmethod
    def _apply(self, change: Change) -> None:
        raise TypeError(f"no rule for {type(change).__name__}")

    @_apply.register
    def _(self, change: PlaylistCreated) -> None:
        self.playlists[change.playlist_id] = Playlist(
            id=change.playlist_id,
            owner=change.owner,
            name=change.name,
            description=change.description,
            is_public=change.is_public,
            is_collaborative=change.is_collaborative,
            created_at_s=change.created_at_s,
            visible_at_s=change.visible_at_s,
            followers={change.owner},
        )

    @_apply.register
    def _(self, change: PlaylistDeleted) -> None:
        self.playlists.pop(change.playlist_id, None)

    @_apply.register
    def _(self, change: DetailsChanged) -> None:
        if playlist := self.playlists.get(change.playlist_id):
            for name in ("name", "description", "is_public", "is_collaborative", "has_cover"):
                new = getattr(change, name)
                if new is not None:
                    setattr(playlist, name, new)
            playlist.revision += 1

    @_apply.register
    def _(self, change: ItemsInserted) -> None:
        if playlist := self.playlists.get(change.playlist_id):
            playlist.items[change.position : change.position] = change.items
            late_s = max((item.visible_at_s for item in change.items), default=0)
            playlist.all_visible_at_s = max(playlist.all_visible_at_s, late_s)
            playlist.revision += 1

    @_apply.register
    def _(self, change: ItemsReplaced) -> None:
        if playlist := self.playlists.get(change.playlist_id):
            playlist.items = list(change.items)
            playlist.revision += 1

    @_apply.register
    def _(self, change: FollowChanged) -> None:
        if playlist := self.playlists.get(change.playlist_id):
            (playlist.followers.add if change.follows else playlist.followers.discard)(change.user)

    @_apply.register
    def _(self, change: LibraryChanged) -> None:
        saved = self.saved.setdefault(change.user, {})
        for name in change.names:
            if change.is_saved:
                saved.setdefault(name, change.at_s)
            else:
                saved.pop(name, None)

    @_apply.register
    def _(self, change: TokenIssued) -> None:
        self.tokens[change.token.value] = change.token

    @_apply.register
    def _(self, change: TokenRevoked) -> None:
        self.revoked.add(change.value)

    @_apply.register
    def _(self, change: ClockAdvanced) -> None:
        self.clock.advance(change.seconds)

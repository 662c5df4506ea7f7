"""What one run of chaos is made of: the music, the wishes and the troubles. Values only."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from deploy.sandbox.changes import Item
from tests.faults import effects

Pair: TypeAlias = tuple[str, str]
"""The two platforms of a run; either is a source of the other."""
FIRST_PAIR: Pair = ("spotify", "apple_music")
EVERY_PLATFORM: tuple[Pair, ...] = (
    ("spotify", "tidal"),
    ("apple_music", "deezer"),
    ("soundcloud", "youtube"),
    ("subsonic", "listenbrainz"),
)
"""Each platform is in one of these, and so a source and a target."""
PLAYLIST_LIMIT = 80
"""Most tracks of one target playlist in every run: about every third transfer needs further ones."""

EventKind = Literal[
    "kill",
    "kill_all",
    "freeze",
    "freeze_all",
    "kill_in_write",
    "freeze_in_write",
    "terminate",
    "gateway_killed",
    "redis_flushed",
    "redis_restarted",
    "redis_cut",
    "redis_stalled",
    "redis_slow",
    "redis_deaf",
    "postgres_crashed",
    "postgres_cut",
    "postgres_stalled",
    "postgres_slow",
    "tokens_revoked",
    "other_hand",
    "pause",
    "cancel",
]


MATCHED = frozenset({"exact", "same_recording", "best_effort", "chosen_by_user"})
SOME_MATCH = "matched"
"""One of these, nobody has seen which: another row had the same track, and the platform keeps it once."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a row when nothing goes wrong: its outcome, and the target's track if there is one."""

    outcome: str
    target_id: str | None = None

    @property
    def is_matched(self) -> bool:
        return self.target_id is not None and self.outcome in {*MATCHED, SOME_MATCH}

    @property
    def outcomes(self) -> frozenset[str]:
        return MATCHED if self.outcome == SOME_MATCH else frozenset({self.outcome})


class SourceList(msgspec.Struct, frozen=True, kw_only=True):
    """Tracks of one platform that may be moved, in the order of a playlist."""

    name: str
    track_ids: tuple[str, ...]


class Music(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to be moved, by platform. expected: by source platform and `key_of` the row.

    odd: rows that are no tracks. strangers: tracks that no transfer ever moves.
    """

    lists: dict[str, tuple[SourceList, ...]]
    odd: dict[str, tuple[Item, ...]]
    strangers: dict[str, tuple[str, ...]]
    expected: dict[str, dict[str, Expected]]

    @property
    def platforms(self) -> Pair:
        first, second = self.lists
        return first, second

    def other(self, platform: str) -> str:
        first, second = self.platforms
        return second if platform == first else first

    def expected_of(self, source: str, rows: Sequence[Item]) -> tuple[Expected, ...]:
        known = self.expected[source]
        return tuple(known[key_of(row.track_id, row.title)] for row in rows)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One transfer to be asked for. Wishes with the same shelf write into one existing playlist.

    shelf: None for a new target. base: what stands in an existing one before.
    """

    name: str
    source: str
    target: str
    rows: tuple[Item, ...]
    start_at_s: float
    shelf: str | None = None
    base: tuple[str, ...] = ()
    on_duplicate: str = "skip"


class PlatformFault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault for a sandbox, as its README describes it.

    is_lasting: it stays when all others are healed, until its count is used up or for good.
    """

    trouble: str
    platform: str
    fault: dict[str, Any]
    is_lasting: bool = False


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happens to the running system, at_s after the beginning.

    for_s: how long it lasts, or until what was killed is started again. subject: a platform, a wish's
    name, or where (other_hand). amount: of what is added; or which of the writes that are held up is meant.
    """

    kind: EventKind
    at_s: float
    for_s: float = 0.0
    subject: str = ""
    amount: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All of a run that its seed decides. The system's own timing is not part of it.

    platforms: of the arena. limits: requests in two seconds, by platform. calm_at_s: when the platform faults
    end. self_harm: what the first workers do to themselves, one plan for each.
    """

    seed: int
    platforms: Pair
    worker_count: int
    is_forgetful: bool
    wishes: tuple[Wish, ...]
    troubles: tuple[str, ...]
    faults: tuple[PlatformFault, ...]
    events: tuple[Event, ...]
    limits: dict[str, int]
    self_harm: tuple[effects.Plan, ...] = ()
    calm_at_s: float


def key_of(track_id: str | None, title: str | None) -> str:
    """Return the name under which a row is known: its track, or its title where there is no track."""
    return track_id or f"odd:{title}"

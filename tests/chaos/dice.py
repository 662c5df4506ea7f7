"""What troubles are drawn with, and what a drawn one is."""

import random
from typing import Any

import msgspec

from tests.chaos.plans import Event, EventKind, Music, PlatformFault, Wish
from tests.faults import effects

STRIKES_UNTIL_S = 4.0  # when the last event begins


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What one trouble adds to a plan. self_harm: what a worker does to itself."""

    faults: tuple[PlatformFault, ...] = ()
    events: tuple[Event, ...] = ()
    self_harm: effects.Plan = effects.Plan()


class Dice:
    """What a trouble is drawn with."""

    def __init__(self, rng: random.Random, *, wishes: tuple[Wish, ...], music: Music, name: str) -> None:
        self.rng = rng
        self.wishes = wishes
        self.music = music
        self.name = name
        self.wish = rng.choice(wishes)
        self.target = self.wish.target
        self.platform = rng.choice((self.wish.source, self.wish.target))

    def first_of(self, *platforms: str) -> str:
        """Return the first of these that takes part, else the target."""
        return next((one for one in platforms if one in self.music.platforms), self.target)

    def at_s(self) -> float:
        return round(self.rng.uniform(0.1, STRIKES_UNTIL_S), 2)

    def fault(self, platform: str, *, is_lasting: bool = False, **fault: Any) -> PlatformFault:
        fault.setdefault("seed", self.rng.randrange(1000))
        return PlatformFault(trouble=self.name, platform=platform, fault=fault, is_lasting=is_lasting)

    def event(self, kind: EventKind, *, least_s: float = 0.0, most_s: float = 0.0, **more: Any) -> Event:
        """Draw an event that lasts from least_s to most_s."""
        for_s = round(self.rng.uniform(least_s, most_s), 2)
        return Event(kind=kind, at_s=self.at_s(), for_s=for_s, **more)

    def some_ids(self, most: int) -> list[str]:
        """Return tracks that the wish is going to write."""
        expected = self.music.expected_of(self.wish.source, self.wish.rows)
        ids = sorted({one.target_id for one in expected if one.target_id})
        return self.rng.sample(ids, min(len(ids), self.rng.randint(1, most)))

"""How much the figures depend on which artists were measured: parts that share no main artist."""

import hashlib
import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence

from tests.bench.matching_verdicts import Judged, Tally, tally
from worker.matching.cases import Case

_HALVINGS = 200


def artist_of(case: Case) -> str:
    """Name whom a case is about; where nobody is named, the title stands for the artist."""
    names = [name for name in case.source.artists or () if name.strip()]
    return " ".join((names[0] if names else case.source.title or "").casefold().split())


def folds(judged: Sequence[Judged], *, count: int) -> list[list[Judged]]:
    """Part cases so that those of one artist are together, and the same ones on any machine."""
    parts: list[list[Judged]] = [[] for _ in range(count)]
    for one in judged:
        digest = hashlib.blake2s(artist_of(one.case).encode("utf-8", "surrogatepass")).digest()
        parts[int.from_bytes(digest[:8]) % count].append(one)
    return parts


def halvings(judged: Sequence[Judged], *, count: int = _HALVINGS) -> list[tuple[Tally, Tally]]:
    """Halve the artists at random, again and again; the same halves at every call."""
    by_artist: defaultdict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        by_artist[artist_of(one.case)].append(one)
    artists = sorted(by_artist)
    halves = []
    for seed in range(count):
        chosen = set(random.Random(seed).sample(artists, len(artists) // 2))
        first = [one for artist in artists if artist in chosen for one in by_artist[artist]]
        second = [one for artist in artists if artist not in chosen for one in by_artist[artist]]
        halves.append((tally(first), tally(second)))
    return halves


def report(judged: Sequence[Judged], *, count: int) -> str:
    """Tell the figures of each fold, their distance from the whole, and how far chance alone drives them."""
    whole = tally(judged)
    parts = [tally(part) for part in folds(judged, count=count)]
    lines = [f"  {'':12}{'cases':>7}{'right %':>9}{'bad %':>8}"]
    lines += [_row(f"fold {place}", part) for place, part in enumerate(parts, 1)]
    lines.append(_row("all", whole))
    lines.append(f"  farthest fold from all: {_distances([(part, whole) for part in parts], choose=max)}")
    halves = halvings(judged)
    name = f"{len(halves)} random halvings, one half from the other"
    lines.append(f"  median of {name}: {_distances(halves, choose=statistics.median)}")
    lines.append(f"  worst of {name}: {_distances(halves, choose=max)}")
    return "\n".join(lines)


def _row(name: str, figures: Tally) -> str:
    return f"  {name:12}{figures.total:>7}{figures.right_share:>9.2f}{figures.bad_share:>8.2f}"


def _distances(pairs: Sequence[tuple[Tally, Tally]], *, choose: Callable[[list[float]], float]) -> str:
    """Tell how far the figures of pairs lie apart, one chosen out of all distances."""
    right = choose([abs(one.right_share - other.right_share) for one, other in pairs])
    bad = choose([abs(one.bad_share - other.bad_share) for one, other in pairs])
    return f"right {right:.2f}, bad {bad:.2f} points"

"""Moves real playlists there and back on the sandboxes: `python -m tests.bench.transfers [--playlists N]`."""

import argparse
import asyncio
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.e2e.stack import Stack
from tests.e2e.users import Json

PLAYLISTS = Path(__file__).resolve().parents[2] / "../shared/data/playlists"
SOURCE, TARGET = "spotify", "apple_music"
ROW_RANGE = range(200, 1301)
ISRC_SHARE = 0.9
PATIENCE_S = 300.0
KINDS = {
    "emoji": re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]"),
    "Cyrillic": re.compile("[\u0400-\u04ff]"),
    "Japanese": re.compile("[\u3040-\u30ff]"),
    "Korean": re.compile("[\uac00-\ud7af]"),
}


class RealTrack(msgspec.Struct, frozen=True):
    """What the choice looks at."""

    title: str | None = None
    artists: tuple[str, ...] = ()
    isrc: str | None = None
    local_file: bool = False


class RealPlaylist(msgspec.Struct, frozen=True):
    source_platform: str = ""
    playlist_name: str = ""
    tracks: tuple[RealTrack, ...] = ()


class Trait(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist that may be measured, with how much it has of what makes it hard."""

    path: Path
    name: str
    row_count: int
    amounts: dict[str, int]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one transfer was like. named_count: unwritten rows with a reason."""

    direction: str
    row_count: int
    outcomes: dict[str, int]
    unnamed_count: int
    requests: dict[str, int]
    duration_s: float
    is_in_order: bool

    def line(self, name: str) -> str:
        outcomes = ", ".join(f"{outcome} {count}" for outcome, count in self.outcomes.items())
        cells = (
            f"{name[:28]:28}",
            f"{self.direction:9}",
            f"{self.row_count:>5}",
            f"{self.requests[SOURCE]:>8}",
            f"{self.requests[TARGET]:>6}",
            f"{self.duration_s:>7.1f}",
            f"{'yes' if self.is_in_order else 'NO':>6}",
            f"{'yes' if not self.unnamed_count else f'NO {self.unnamed_count}':>6}",
            outcomes,
        )
        return " ".join(cells)


HEAD = f"{'playlist':28} {'way':9}  rows  spotify  apple       s  order  named outcomes"


def choose(directory: Path, *, count: int, row_range: range = ROW_RANGE) -> list[Trait]:
    """Choose playlists: for each trait the richest ones in turn, then the others; the same every time."""
    traits = [
        trait for path in sorted(directory.glob("*.json")) if (trait := trait_of(path, row_range=row_range))
    ]
    rankings = [
        sorted((t for t in traits if t.amounts[kind]), key=lambda t: (-t.amounts[kind], t.path.name))
        for kind in (*KINDS, "local files", "repeats", "rows")
    ]
    chosen: dict[Path, Trait] = {}
    while len(chosen) < count and any(rankings):
        for ranking in rankings:
            fresh = next((trait for trait in ranking if trait.path not in chosen), None)
            if fresh and len(chosen) < count:
                chosen[fresh.path] = fresh
        rankings = [[trait for trait in ranking if trait.path not in chosen] for ranking in rankings]
    return list(chosen.values())


def trait_of(path: Path, *, row_range: range) -> Trait | None:
    """Look at a playlist; None where it is no candidate."""
    try:
        playlist = msgspec.json.decode(path.read_bytes(), type=RealPlaylist, strict=False)
    except msgspec.DecodeError:
        return None
    tracks = playlist.tracks
    isrc_count = sum(1 for track in tracks if track.isrc)
    if (
        playlist.source_platform != SOURCE
        or len(tracks) not in row_range
        or isrc_count < ISRC_SHARE * len(tracks)
    ):
        return None
    text = "\n".join([playlist.playlist_name, *(f"{t.title} {' '.join(t.artists)}" for t in tracks)])
    return Trait(
        path=path,
        name=playlist.playlist_name,
        row_count=len(tracks),
        amounts={
            **{kind: len(pattern.findall(text)) for kind, pattern in KINDS.items()},
            "local files": sum(track.local_file for track in tracks),
            "repeats": len(tracks) - len({(track.isrc, track.title) for track in tracks}),
            "rows": len(tracks),
        },
    )


async def measure(trait: Trait) -> list[Figures]:
    """Move a playlist to Apple Music and the result back, on a system of its own."""
    with tempfile.TemporaryDirectory(prefix="crossplay-bench-") as directory:
        async with Stack.run(Path(directory), worlds=[trait.path], environ={}) as stack:
            playlists = await stack.control(SOURCE, "playlists")
            source_id = next(playlist["id"] for playlist in playlists if playlist["name"] == trait.name)
            there, target_id = await move(stack, source=(SOURCE, source_id), target=TARGET)
            back, _ = await move(stack, source=(TARGET, target_id), target=SOURCE)
            return [there, back]


async def move(stack: Stack, *, source: tuple[str, str], target: str) -> tuple[Figures, str]:
    """Move one playlist; return its figures and the id of the new one."""
    await stack.refresh()
    started_s = time.monotonic()
    transfer_id = await stack.user.start(*source, target)
    status = await stack.user.end(transfer_id, patience_s=PATIENCE_S)
    duration_s = time.monotonic() - started_s
    if status["state"] != "completed":
        raise SystemExit(f"{status['state']}: {status['summary']}")
    items = await stack.user.tracks(transfer_id)
    target_id = status["target_playlist"]["id"]
    want = [
        recording_of(row)
        for row, item in zip(await rows(stack, *source), items, strict=True)
        if item["written"]
    ]
    got = [recording_of(row) for row in await rows(stack, target, target_id)]
    figures = Figures(
        direction=f"{source[0][:2]} → {target[:2]}",
        row_count=len(items),
        outcomes=dict(Counter(item["outcome"] for item in items).most_common()),
        unnamed_count=sum(1 for item in items if not item["written"] and not item["reason"]),
        requests={platform: await stack.request_count(platform) for platform in (SOURCE, TARGET)},
        duration_s=duration_s,
        is_in_order=got == want and len(got) == status["counts"]["written"],
    )
    return figures, target_id


async def rows(stack: Stack, platform: str, playlist_id: str) -> list[Json]:
    tracks: list[Json] = (await stack.control(platform, f"playlists/{playlist_id}"))["tracks"]
    return tracks


def recording_of(row: Json) -> Any:
    """Return what stays the same on every platform: the ISRC, else the title."""
    return row["isrc"] or row["title"]


async def run(traits: Sequence[Trait]) -> bool:
    sys.stdout.write(HEAD + "\n")
    is_perfect = True
    for trait in traits:
        for figures in await measure(trait):
            sys.stdout.write(figures.line(trait.name) + "\n")
            sys.stdout.flush()
            is_perfect = is_perfect and figures.is_in_order and not figures.unnamed_count
    for kind in (*KINDS, "local files", "repeats"):
        sys.stdout.write(f"{kind}: in {sum(trait.amounts[kind] > 0 for trait in traits)} of {len(traits)}\n")
    return is_perfect


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.transfers", description=__doc__)
    parser.add_argument("--playlists", type=int, default=12, metavar="N", help="how many are moved")
    options = parser.parse_args(arguments)
    traits = choose(PLAYLISTS, count=options.playlists) if PLAYLISTS.is_dir() else []
    if not traits:
        sys.stdout.write("There are no real playlists here: nothing was measured.\n")
        return 0
    return 0 if asyncio.run(run(traits)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

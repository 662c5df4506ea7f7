"""A long playlist of invented music in which every track is there on both platforms."""

from itertools import islice, product
from pathlib import Path

import msgspec

PLAYLIST = "Harbour Lights"
TRACK_COUNT = 1200

_FIRSTS = [
    "Amber",
    "Silent",
    "Northern",
    "Paper",
    "Copper",
    "Hollow",
    "Velvet",
    "Distant",
    "Broken",
    "Golden",
    "Winter",
    "Electric",
]
_SECONDS = [
    "Lantern",
    "Harbour",
    "Signal",
    "Orchard",
    "Meridian",
    "Compass",
    "Staircase",
    "Feather",
    "Anchor",
    "Parade",
    "Mirror",
]
_ENDS = ["Song", "Waltz", "Letter", "Return", "Morning", "Window", "Garden", "Echo", "Crossing", "Promise"]


def write_playlist(path: Path) -> list[str]:
    """Write it as the sandbox reads it; return the ISRCs in order."""
    words = islice(product(_FIRSTS, _SECONDS, _ENDS), TRACK_COUNT)
    isrcs = [f"QZFIC26{number:05d}" for number in range(TRACK_COUNT)]
    tracks = [
        {
            "title": " ".join(title),
            "artists": [f"The {title[1]} {title[0]}s"],
            "album": f"{title[0]} {title[1]}",
            "duration_ms": 180_000 + 61 * number,
            "isrc": isrcs[number],
        }
        for number, title in enumerate(words)
    ]
    world = {"source_platform": "spotify", "playlist_name": PLAYLIST, "tracks": tracks}
    path.write_bytes(msgspec.json.encode(world))
    return isrcs

"""A library that stands on albums and tells no ISRC: what costs a transfer the most look-ups."""

import random
from collections.abc import Iterator
from itertools import count, product
from pathlib import Path

import msgspec

from deploy.dev.fiction import Song
from deploy.dev.fiction_words import ALBUMS, TONGUES, Tongue

NAME = "Whole Albums"
_DELUXE_SHARE = 0.25  # of albums that the target has only with other packaging and more tracks
_ABSENT_SHARE = 0.05  # of albums that the target has not, though some of their tracks as singles
_SINGLE_SHARE = 0.05  # of tracks that are no part of the target's album


def write_library(directory: Path, *, source: str, target: str, track_count: int) -> list[Path]:
    """Write a catalog and a playlist of that many tracks; return the paths for the sandboxes."""
    rng = random.Random(5)
    rows: list[Song] = []
    there: list[Song] = []
    for album in _albums(rng, source=source):
        rows += album
        there += _at_target(album, target=target, rng=rng)
        if len(rows) >= track_count:
            break
    catalog, playlist = directory / f"albums-{target}.jsonl", directory / f"albums-{source}.json"
    catalog.write_bytes(msgspec.json.Encoder().encode_lines(there))
    tracks = rows[:track_count]
    playlist.write_bytes(
        msgspec.json.encode({"source_platform": source, "playlist_name": NAME, "tracks": tracks})
    )
    return [catalog, playlist]


def _albums(rng: random.Random, *, source: str) -> Iterator[list[Song]]:
    """Invent albums without end; one artist has several."""
    for number in count():
        tongue = TONGUES[number % len(TONGUES)]
        artist, name = rng.choice(tongue.artists), f"{rng.choice(ALBUMS)} {number}"
        year = rng.randint(1994, 2026)
        yield [
            Song(
                title=title,
                artists=(artist,),
                album=name,
                duration_ms=rng.randint(125_000, 385_000),
                release_date=f"{year}",
                track_number=place,
                disc_number=1,
                platform=source,
            )
            for place, title in enumerate(_titles(tongue, rng=rng), start=1)
        ]


def _titles(tongue: Tongue, *, rng: random.Random) -> list[str]:
    every = [
        shape.format(first=first, second=second)
        for shape, first, second in product(tongue.shapes, tongue.firsts, tongue.seconds)
    ]
    return rng.sample(every, rng.randint(8, 14))


def _at_target(album: list[Song], *, target: str, rng: random.Random) -> Iterator[Song]:
    """Say what the target has of an album."""
    fate = rng.random()
    is_absent, is_deluxe = fate < _ABSENT_SHARE, fate > 1 - _DELUXE_SHARE
    for song in album:
        here = msgspec.structs.replace(song, platform=target, duration_ms=(song.duration_ms or 0) + 400)
        if is_absent or rng.random() < _SINGLE_SHARE:
            yield msgspec.structs.replace(here, album=f"{song.title} - Single", track_number=1)
        else:
            yield msgspec.structs.replace(here, album=f"{song.album} (Deluxe)" if is_deluxe else song.album)
    for number in range(4 if is_deluxe else 0):
        yield msgspec.structs.replace(
            album[0],
            title=f"{album[number].title} (Demo)",
            album=f"{album[0].album} (Deluxe)",
            platform=target,
            track_number=len(album) + 1 + number,
        )

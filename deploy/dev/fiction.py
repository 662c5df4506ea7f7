"""Writes a world of fictional music: a catalog full of decoys and one playlist that is hard to move."""

import random
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import msgspec

from deploy.dev.fiction_words import (
    ALBUMS,
    COVER_MAKERS,
    GUESTS,
    KARAOKE_MAKERS,
    REMIXERS,
    TONGUES,
    VENUES,
    Tongue,
)
from shared.models import Outcome

PLAYLIST_NAME = "Road Trip 🚐"
SOURCE, TARGET = "spotify", "apple_music"
MIN_TRACK_COUNT, MAX_TRACK_COUNT = 24, 2000
_REPEAT_EVERY = 25
_WITHOUT_ISRC_EVERY = 12
_SPELLED_OTHERWISE_EVERY = 17
_WITH_DECOYS_EVERY = 3


class Song(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the catalog, or a position of the playlist (which alone may have a kind).

    platform None: every platform has it. Times in ms; isrc 12 characters; release_date YYYY-MM-DD or YYYY.
    """

    title: str | None = None
    artists: tuple[str, ...] = ()
    album: str | None = None
    duration_ms: int | None = None
    isrc: str | None = None
    explicit: bool | None = None
    release_date: str | None = None
    track_number: int | None = None
    disc_number: int | None = None
    platform: str | None = None
    kind: str | None = None


class ExpectedItem(msgspec.Struct, frozen=True, kw_only=True):
    """What must become of one position.

    outcome None: written, as the target's recording of this title and ISRC (None where it has none).
    Else the title of the source and the outcome that must name it.
    """

    title: str
    isrc: str | None = None
    outcome: Outcome | None = None


class FictionalWorld(msgspec.Struct, frozen=True, kw_only=True):
    """The files, and what a perfect transfer from Spotify to Apple Music makes of the playlist.

    expected: one for each position, in order.
    """

    catalog_path: Path
    playlist_path: Path
    playlist_name: str
    expected: tuple[ExpectedItem, ...]

    @property
    def paths(self) -> tuple[Path, Path]:
        """The files in the order in which a sandbox should read them (`--world`)."""
        return self.catalog_path, self.playlist_path

    @property
    def written(self) -> tuple[ExpectedItem, ...]:
        """What the target playlist must hold: nothing else, in this order, repeats included."""
        return tuple(item for item in self.expected if item.outcome is None)

    @property
    def named(self) -> dict[int, Outcome]:
        """Positions (from 0) that cannot be written, with the outcome that says why."""
        return {at: item.outcome for at, item in enumerate(self.expected) if item.outcome is not None}


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """A position of the playlist: what stands in the file, and what is expected of it."""

    song: Song
    expected: ExpectedItem


def write_world(directory: Path, *, track_count: int = 320, seed: int = 1) -> FictionalWorld:
    """Write catalog and playlist into directory; the same seed and count give the same bytes.

    track_count: positions of the playlist, 24..2000. Raises ValueError outside of that.
    """
    if not MIN_TRACK_COUNT <= track_count <= MAX_TRACK_COUNT:
        raise ValueError(f"track_count must be {MIN_TRACK_COUNT}..{MAX_TRACK_COUNT}")
    composer = _Composer(random.Random(seed))
    places = composer.playlist(track_count)
    catalog_path, playlist_path = directory / "fiction.jsonl", directory / "road-trip.json"
    directory.mkdir(parents=True, exist_ok=True)
    catalog_path.write_bytes(msgspec.json.Encoder().encode_lines(composer.shuffled_catalog()))
    playlist = {
        "source_platform": SOURCE,
        "playlist_name": PLAYLIST_NAME,
        "tracks": [place.song for place in places],
    }
    playlist_path.write_bytes(msgspec.json.format(msgspec.json.encode(playlist)))
    return FictionalWorld(
        catalog_path=catalog_path,
        playlist_path=playlist_path,
        playlist_name=PLAYLIST_NAME,
        expected=tuple(place.expected for place in places),
    )


class _Composer:
    """Invents songs, keeps the catalog and lays out the playlist."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._catalog: list[Song] = []
        self._recording_count = 0
        self._titles = [_titles(tongue, rng=rng) for tongue in TONGUES]

    def playlist(self, track_count: int) -> list[_Place]:
        odd = [*self._odd_rows(), *self._source_only(), self._only_live_elsewhere()]
        repeat_count = max(3, track_count // _REPEAT_EVERY)
        places = [self._plain(number) for number in range(track_count - len(odd) - repeat_count)]
        for place in odd:
            places.insert(self._rng.randrange(len(places) + 1), place)
        # The first of them stands three times in the list, the others twice.
        repeated = self._rng.sample([p for p in places if p.expected.outcome is None], repeat_count - 1)
        for place in (repeated[0], *repeated):
            places.insert(self._rng.randrange(len(places) + 1), place)
        return places

    def shuffled_catalog(self) -> Sequence[Song]:
        """Decoys stand before their originals as often as behind them."""
        self._rng.shuffle(self._catalog)
        return self._catalog

    def _plain(self, number: int) -> _Place:
        song = self._song()
        if number % _WITHOUT_ISRC_EVERY == 1:
            place = self._without_isrc(song, is_known_elsewhere=number % (2 * _WITHOUT_ISRC_EVERY) == 1)
        elif number % _SPELLED_OTHERWISE_EVERY == 2:
            place = self._spelled_otherwise(song)
        else:
            self._catalog.append(song)
            place = _written(song)
        if number % _WITH_DECOYS_EVERY == 0 or song.isrc != place.song.isrc:
            self._add_decoys(song)
        return place

    def _without_isrc(self, song: Song, *, is_known_elsewhere: bool) -> _Place:
        """A track whose ISRC the source does not tell; on the target it has one, or none either."""
        bare = _changed(song, isrc=None)
        if not is_known_elsewhere:
            self._catalog.append(bare)
            return _written(bare)
        here = _changed(bare, platform=SOURCE)
        there = _changed(song, platform=TARGET, duration_ms=(song.duration_ms or 0) + 640)
        self._catalog += [here, there]
        return _written(here, target=there)

    def _spelled_otherwise(self, song: Song) -> _Place:
        """One recording that the platforms describe in different words."""
        year = str(song.release_date)[:4]
        here = _changed(song, title=f"{song.title} - {year} Remaster", platform=SOURCE)
        there = _changed(
            song, title=f"{song.title} ({year} Remaster)", album=f"{song.album} (Remastered)", platform=TARGET
        )
        self._catalog += [here, there]
        return _written(here, target=there)

    def _odd_rows(self) -> Iterator[_Place]:
        local = Song(
            title="garage demo 3 (bounce)",
            artists=("Us, in the garage",),
            duration_ms=187_000,
            kind="local",
        )
        episode = Song(
            title="Ep. 41: Why Ferries Hum",
            artists=("The Slow Harbour Podcast",),
            duration_ms=2_712_000,
            kind="episode",
        )
        for song in (local, episode, Song(kind="removed")):
            yield _named(song, outcome=Outcome.NOT_TRANSFERABLE)
        unplayable = self._song()
        self._catalog.append(unplayable)
        # Greyed out here, but with a name and an ISRC: the target has it.
        yield _written(_changed(unplayable, kind="unplayable"), target=unplayable)

    def _source_only(self) -> Iterator[_Place]:
        for title, artist in (("Zugunruhe Blues", "Wenzel Fjordlos"), ("汽笛のない港", "錆びた羅針盤")):
            song = _changed(self._song(), title=title, artists=(artist,), platform=SOURCE)
            self._catalog.append(song)
            yield _named(song, outcome=Outcome.NO_CANDIDATE)

    def _only_live_elsewhere(self) -> _Place:
        studio = _changed(
            self._song(), title="Cartwheel Parliament", artists=("Hedda Silverlark",), platform=SOURCE
        )
        live = self._variant(studio, title=f"{studio.title} - Live at {VENUES[0]}", longer_by_ms=48_000)
        self._catalog += [studio, _changed(live, platform=TARGET)]
        return _named(studio, outcome=Outcome.ONLY_OTHER_VERSION)

    def _song(self) -> Song:
        index = self._rng.choices(range(len(TONGUES)), weights=[tongue.share for tongue in TONGUES])[0]
        artist = self._rng.choice(TONGUES[index].artists)
        title, guests = next(self._titles[index]), self._rng.sample(GUESTS, self._rng.random() < 0.08)
        if guests:
            title = f"{title} (feat. {guests[0]})"
        year = self._rng.randint(1994, 2026)
        day = f"-{self._rng.randint(1, 12):02}-{self._rng.randint(1, 28):02}"
        return Song(
            title=title,
            artists=(artist, *guests),
            album=self._rng.choice(ALBUMS),
            duration_ms=self._rng.randint(125_000, 385_000),
            isrc=self._isrc(year),
            explicit=self._rng.random() < 0.12,
            release_date=f"{year}" if year < 2000 else f"{year}{day}",
            track_number=self._rng.randint(1, 14),
            disc_number=2 if self._rng.random() < 0.05 else 1,
        )

    def _add_decoys(self, song: Song) -> None:
        makers = (
            self._live,
            self._remix,
            self._acoustic,
            self._karaoke,
            self._sped_up,
            self._cover,
            self._near_title,
        )
        for make in self._rng.sample(makers, self._rng.randint(1, 3)):
            only_target = self._rng.random() < 0.3
            self._catalog.append(_changed(make(song), platform=TARGET if only_target else None))

    def _live(self, song: Song) -> Song:
        venue = self._rng.choice(VENUES)
        return self._variant(song, title=f"{song.title} - Live at {venue}", longer_by_ms=31_000)

    def _remix(self, song: Song) -> Song:
        remixer = self._rng.choice(REMIXERS)
        return self._variant(
            song,
            title=f"{song.title} - {remixer} Remix",
            artists=(*song.artists, remixer),
            longer_by_ms=52_000,
        )

    def _acoustic(self, song: Song) -> Song:
        return self._variant(song, title=f"{song.title} (Acoustic)", longer_by_ms=-9_000)

    def _karaoke(self, song: Song) -> Song:
        maker = self._rng.choice(KARAOKE_MAKERS)
        title = f"{song.title} (Karaoke Version) [Originally Performed by {song.artists[0]}]"
        return self._variant(song, title=title, artists=(maker,), longer_by_ms=0)

    def _sped_up(self, song: Song) -> Song:
        return self._variant(
            song, title=f"{song.title} - Sped Up", longer_by_ms=-(song.duration_ms or 0) // 5
        )

    def _cover(self, song: Song) -> Song:
        maker = self._rng.choice(COVER_MAKERS)
        return self._variant(song, title=song.title, artists=(maker,), longer_by_ms=-21_000)

    def _near_title(self, song: Song) -> Song:
        return self._variant(song, title=f"{song.title} II", longer_by_ms=17_000)

    def _variant(
        self, song: Song, *, title: str | None, longer_by_ms: int, artists: tuple[str, ...] = ()
    ) -> Song:
        return _changed(
            song,
            title=title,
            artists=artists or song.artists,
            album=title,
            duration_ms=(song.duration_ms or 0) + longer_by_ms,
            isrc=self._isrc(2026),
            track_number=1,
            platform=None,
        )

    def _isrc(self, year: int) -> str:
        """An ISRC in valid form of a registrant that we made up."""
        self._recording_count += 1
        return f"QZXPL{year % 100:02}{self._recording_count:05}"


def _titles(tongue: Tongue, *, rng: random.Random) -> Iterator[str]:
    titles = [
        shape.format(first=first, second=second)
        for shape, first, second in product(tongue.shapes, tongue.firsts, tongue.seconds)
    ]
    rng.shuffle(titles)
    yield from titles


def _changed(song: Song, **changes: str | int | tuple[str, ...] | None) -> Song:
    return msgspec.structs.replace(song, **changes)


def _written(song: Song, *, target: Song | None = None) -> _Place:
    target = target or song
    return _Place(song=song, expected=ExpectedItem(title=target.title or "", isrc=target.isrc))


def _named(song: Song, *, outcome: Outcome) -> _Place:
    return _Place(song=song, expected=ExpectedItem(title=song.title or "", isrc=song.isrc, outcome=outcome))

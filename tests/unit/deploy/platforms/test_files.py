"""What pages say of the platforms is what the adapters declare, and each platform is described."""

from pathlib import Path

import pytest

from deploy.platforms.files import ROOT, written_files
from deploy.platforms.table import how_to
from shared.models import Platform
from shared.platforms.registry import declarations

MOST_LINES = 500
COLLECTION_LINES = 35
"""What each collection that an account keeps beside its playlists may take besides."""
LONGER = {
    # Its users sign in by a script of its own, which wants tokens that a key of ours signs: 106 lines.
    Platform.APPLE_MUSIC: 625,
    # Servers of many makers and ages: some take forms, some do not tell the id of a new playlist, and none
    # makes one with a description.
    Platform.SUBSONIC: 580,
    # Two regimes of its API, albums, the liked songs, and five refusals that each have a remedy of their own.
    Platform.SPOTIFY: 560,
    # Albums, whose tracks are named by rows of their own, and collections whose rows have to be dated.
    Platform.TIDAL: 515,
    # Errors and refused tokens come as 200, albums and rows lack what single calls tell, and a playlist is
    # made by two calls.
    Platform.DEEZER: 530,
    # No call adds a track, so that the list is replaced without losing any; share addresses have to be
    # resolved, and limits are told in bodies.
    Platform.SOUNDCLOUD: 545,
}
"""Adapters that need more, and how many lines that are."""


@pytest.mark.parametrize("path", written_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_written_page_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == written_files()[path], "run: python -m deploy.platforms"


@pytest.mark.parametrize("platform", declarations())
def test_every_platform_has_a_page_with_its_limits_source(platform: Platform) -> None:
    page = (ROOT / how_to(platform)).read_text(encoding="utf-8")

    assert declarations()[platform].label in page
    assert declarations()[platform].profile.read_on in page


@pytest.mark.parametrize("platform", declarations())
def test_no_adapter_is_longer_than_an_adapter_may_be(platform: Platform) -> None:
    files = (ROOT / "shared/platforms" / platform).glob("*.py")

    counts = {file.name: len(file.read_text(encoding="utf-8").splitlines()) for file in files}

    collections = declarations()[platform].capabilities.collections
    most = LONGER.get(platform, MOST_LINES) + COLLECTION_LINES * len(collections)
    assert sum(counts.values()) <= most, counts

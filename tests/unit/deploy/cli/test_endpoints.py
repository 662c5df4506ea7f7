"""How the two ends of a transfer are named."""

import pytest

from deploy.cli.endpoints import source_of, target_of
from deploy.cli.exits import CommandStopped

ACCOUNT = "5d3c1f0e-8a88-4a70-b6f6-0d5a3f6b2c11"


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("spotify:Road Trip", {"platform": "spotify", "playlist": "Road Trip"}),
        ("spotify:Mix: part two", {"platform": "spotify", "playlist": "Mix: part two"}),
        (
            "apple-music:https://music.apple.com/fr/playlist/x/pl.1",
            {"platform": "apple_music", "playlist": "https://music.apple.com/fr/playlist/x/pl.1"},
        ),
        ("spotify:spotify:playlist:37i9", {"platform": "spotify", "playlist": "spotify:playlist:37i9"}),
        ("spotify:playlist:37i9", {"platform": "spotify", "playlist": "spotify:playlist:37i9"}),
        ("spotify:playlist: best of", {"platform": "spotify", "playlist": "playlist: best of"}),
        (f"{ACCOUNT}:p1", {"connection": ACCOUNT, "playlist": "p1"}),
        ("tidal:x", {"platform": "tidal", "playlist": "x"}),
    ],
)
def test_source_is_split_at_its_first_colon(text: str, source: dict[str, str]) -> None:
    assert source_of(text) == source


@pytest.mark.parametrize("text", ["spotify", "spotify:", ":x", ""])
def test_source_without_both_parts_is_refused(text: str) -> None:
    with pytest.raises(CommandStopped):
        source_of(text)


def test_an_address_alone_names_its_platform_itself() -> None:
    link = "https://open.spotify.com/playlist/37i9dQZF1DXcBWIGoYBM5M?si=1"

    assert source_of(link) == {"playlist": link}


def test_target_is_a_new_playlist_with_or_without_name_or_an_existing_one() -> None:
    assert target_of("apple_music", into=None) == {"platform": "apple_music"}
    assert target_of("apple_music:A: B", into=None) == {"platform": "apple_music", "name": "A: B"}
    assert target_of("apple_music", into="p.1") == {"platform": "apple_music", "playlist": "p.1"}

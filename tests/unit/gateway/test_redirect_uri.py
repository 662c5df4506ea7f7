"""Which callback addresses platforms accept."""

import pytest

from gateway.actions.redirect_uri import PublicAddress, redirect_uri
from gateway.actions.refusals import RedirectUriImpossible
from shared.models import Platform


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [
        ("https://music.example", "https://music.example/connect/spotify/callback"),
        ("https://music.example/crossplay/", "https://music.example/crossplay/connect/spotify/callback"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/connect/spotify/callback"),
        ("http://[::1]:8080", "http://[::1]:8080/connect/spotify/callback"),
        ("http://localhost:8080", "http://127.0.0.1:8080/connect/spotify/callback"),
        ("http://localhost", "http://127.0.0.1/connect/spotify/callback"),
        ("https://localhost:8443", "https://127.0.0.1:8443/connect/spotify/callback"),
    ],
)
def test_an_address_that_platforms_take(public_url: str, expected: str) -> None:
    assert redirect_uri(public_url, platform=Platform.SPOTIFY) == expected


@pytest.mark.parametrize(
    "public_url", ["http://192.168.1.5:8080", "http://music.example", "http://0.0.0.0:80"]
)
def test_an_address_that_platforms_refuse(public_url: str) -> None:
    with pytest.raises(RedirectUriImpossible) as caught:
        redirect_uri(public_url, platform=Platform.SPOTIFY)

    assert caught.value.extras["routes"]


def test_a_public_address_has_no_slash_at_its_end() -> None:
    assert PublicAddress("https://music.example/").url == "https://music.example"

"""Which callback addresses platforms accept, and what takes their place where they do not."""

import pytest

from gateway.actions.redirect_uri import (
    PublicAddress,
    hand_in_uri,
    is_trusted_origin,
    redirect_uri,
    require_trusted_origin,
)
from gateway.actions.refusals import RedirectUriImpossible
from shared.models import Platform

REFUSED = ["http://192.168.1.5:8080", "http://music.example", "http://0.0.0.0:80", "http://localhost:8080"]


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
    uri = redirect_uri(public_url, platform=Platform.SPOTIFY)

    assert uri == expected
    assert is_trusted_origin(uri)


@pytest.mark.parametrize("public_url", REFUSED)
def test_an_address_that_platforms_refuse(public_url: str) -> None:
    assert not is_trusted_origin(public_url)


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [
        ("http://192.168.1.5:9090", "http://127.0.0.1:9090/connect/spotify/callback"),
        ("http://music.example", "http://127.0.0.1:8080/connect/spotify/callback"),
        ("https://music.example:8443", "http://127.0.0.1:8080/connect/spotify/callback"),
    ],
)
def test_an_answer_that_is_handed_in_ends_on_the_users_own_machine(public_url: str, expected: str) -> None:
    assert hand_in_uri(public_url, platform=Platform.SPOTIFY) == expected


def test_a_script_is_not_run_where_browsers_would_not_trust_it() -> None:
    with pytest.raises(RedirectUriImpossible) as caught:
        require_trusted_origin("http://192.168.1.5:8080", label="Apple Music")

    assert caught.value.extras["routes"]
    require_trusted_origin("http://localhost:8080", label="Apple Music")


def test_a_public_address_has_no_slash_at_its_end() -> None:
    assert PublicAddress("https://music.example/").url == "https://music.example"

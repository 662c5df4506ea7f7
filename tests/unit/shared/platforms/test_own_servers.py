"""What the form of a user's own server comes to."""

import pytest

from shared.errors import ValidationFailed
from shared.platforms.own_servers import LOGIN_FORM, Login, place_of

SECRET = "canary-secret"


@pytest.mark.parametrize(
    ("address", "server"),
    [
        ("music.example.org", "https://music.example.org"),
        ("HTTP://Music.example.org:4533/", "http://music.example.org:4533"),
        ("https://example.org/music/rest/", "https://example.org/music"),
        ("https://example.org/app", "https://example.org"),
        ("[2606:4700::1]:4533", "https://[2606:4700::1]:4533"),
    ],
)
def test_an_address_is_taken_as_people_write_it(address: str, server: str) -> None:
    filled = LOGIN_FORM.fill({"address": address, "user": "mira", "password": SECRET})

    assert filled.server == server
    assert Login.of(filled.tokens) == Login(user="mira", password=SECRET)


def test_a_key_stands_for_user_and_password() -> None:
    filled = LOGIN_FORM.fill({"address": "example.org", "api_key": f" {SECRET} ", "user": "mira"})

    assert Login.of(filled.tokens) == Login(api_key=SECRET)


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"address": "example.org"}, "/form/user"),
        ({"address": "example.org", "user": "mira"}, "/form/password"),
        ({"address": "example.org", "password": SECRET}, "/form/user"),
        ({"user": "mira", "password": SECRET}, "/form/address"),
        ({"address": "https://example.org/?a=b", "user": "mira", "password": SECRET}, "/form/address"),
        ({"address": "https://example.org:port", "user": "mira", "password": SECRET}, "/form/address"),
    ],
)
def test_what_is_missing_is_said_at_its_field(values: dict[str, str], pointer: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        LOGIN_FORM.fill(values)

    assert [fault.pointer for fault in caught.value.faults] == [pointer]
    assert SECRET not in str(caught.value)


def test_server_is_named_by_host_port_and_path() -> None:
    assert place_of("https://example.org:4533/music/") == "example.org:4533/music"

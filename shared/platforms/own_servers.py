"""Servers that users run themselves: how a user signs in at one, by a password or a key."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from shared.errors import ValidationFailed
from shared.models import TokenSet
from shared.platforms.forms import (
    ConnectForm,
    FieldKind,
    FormField,
    SignInInput,
    fault_at,
    server_address,
)


class Login(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands for a token: user and password, or a key."""

    user: str = ""
    password: str = ""
    api_key: str = ""

    def __repr__(self) -> str:
        return "Login(…)"

    @classmethod
    def of(cls, tokens: TokenSet) -> "Login":
        return msgspec.json.decode(tokens.access_token, type=cls)


def _read_form(values: Mapping[str, str]) -> SignInInput:
    # An address is often copied from a page of the server, or from where its calls go.
    server = server_address(re.sub(r"/(rest|app)/?$", "", values["address"]), name="address")
    if values["api_key"]:
        login = Login(api_key=values["api_key"].strip())
    elif values["user"] and values["password"]:
        login = Login(user=values["user"], password=values["password"])
    else:
        missing = "password" if values["user"] else "user"
        fault = fault_at(missing, "Give user and password, or an API key.")
        raise ValidationFailed("The form is not filled in as it has to be.", faults=(fault,))
    return SignInInput(tokens=TokenSet(access_token=msgspec.json.encode(login).decode()), server=server)


LOGIN_FORM = ConnectForm(
    fields=(
        FormField(
            name="address",
            label="Address of your server",
            kind=FieldKind.ADDRESS,
            help="As you open it in a browser, such as https://music.example.org.",
        ),
        FormField(
            name="user",
            label="User",
            kind=FieldKind.TEXT,
            is_required=False,
            help="Not needed with an API key.",
        ),
        FormField(
            name="password",
            label="Password",
            kind=FieldKind.SECRET,
            is_required=False,
            help="It is kept encrypted, and sent to your server as a salted digest only.",
        ),
        FormField(
            name="api_key",
            label="API key",
            kind=FieldKind.SECRET,
            is_required=False,
            help="In place of user and password, where the server has such keys.",
        ),
    ),
    read=_read_form,
)


def place_of(server: str) -> str:
    """Return what names a server among others: host, port and path."""
    parts = urlsplit(server)
    return f"{parts.netloc}{parts.path}".rstrip("/")

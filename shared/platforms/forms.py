"""Connecting by a form: what a platform asks of its user, and what the answers come to. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from shared.errors import FieldFault, ValidationFailed
from shared.models import TokenSet

VALUE_LIMIT = 2000

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class FieldKind(StrEnum):
    """How a field is asked for: a secret is not shown, an address is one that a browser opens."""

    TEXT = "text"
    ADDRESS = "address"
    SECRET = "secret"  # noqa: S105 - the name of a kind


class FormField(msgspec.Struct, frozen=True, kw_only=True):
    """One question. help: a sentence for people, maybe empty."""

    name: str
    label: str
    kind: FieldKind
    is_required: bool = True
    help: str = ""


class SignInInput(msgspec.Struct, frozen=True, kw_only=True):
    """What a filled form comes to. server: the address of the user's own one, "" where there is none."""

    tokens: TokenSet
    server: str = ""

    def __repr__(self) -> str:
        return f"SignInInput(server={self.server!r}, …)"


class ConnectForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform asks of a user. read: makes of the answers what they come to, or raises as `fill` does.

    The answers that it gets are stripped, and none that is required is missing; others may be "".
    """

    fields: tuple[FormField, ...]
    read: Callable[[Mapping[str, str]], SignInInput]

    def fill(self, values: Mapping[str, str]) -> SignInInput:
        """Return what the answers come to. Raises ValidationFailed with a fault for each field."""
        faults = tuple(self._faults(values))
        if faults:
            raise ValidationFailed("The form is not filled in as it has to be.", faults=faults)
        return self.read({one.name: _stripped(values.get(one.name, ""), one) for one in self.fields})

    def first(self, kind: FieldKind) -> FormField | None:
        return next((one for one in self.fields if one.kind is kind), None)

    def _faults(self, values: Mapping[str, str]) -> Iterator[FieldFault]:
        names = {one.name for one in self.fields}
        for name in values:
            if name not in names:
                yield FieldFault(f"/form/{escaped(name)}", f"There is no such field: {', '.join(names)}.")
        for one in self.fields:
            text = _stripped(values.get(one.name, ""), one)
            if one.is_required and not text:
                yield fault_at(one.name, f"{one.label} is missing.")
            elif len(text) > VALUE_LIMIT:
                yield fault_at(one.name, f"At most {VALUE_LIMIT} characters.")


def token_form(*, label: str, hint: str = "") -> ConnectForm:
    """Return the form of a platform that asks its users for a token of theirs. hint: where they find it."""
    field = FormField(name="token", label=label, kind=FieldKind.SECRET, help=hint)
    return ConnectForm(fields=(field,), read=_read_token)


def _read_token(values: Mapping[str, str]) -> SignInInput:
    return SignInInput(tokens=TokenSet(access_token=values["token"].strip()))


def fault_at(name: str, detail: str) -> FieldFault:
    """Return what is wrong with the field of this name."""
    return FieldFault(f"/form/{name}", detail)


def escaped(name: str) -> str:
    """Write a name of anybody's as a step of a JSON pointer (RFC 6901), not too long."""
    return name[:100].replace("~", "~0").replace("/", "~1")


def server_address(text: str, *, name: str) -> str:
    """Return the base address of a server as a user writes it; https where no scheme is named.

    name: of the field, for the fault of what is no address. Raises ValidationFailed.
    """
    whole = text if _SCHEME.match(text) else f"https://{text}"
    try:
        parts = urlsplit(whole)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise _no_address(name, "Write the address of your server, such as https://music.example.org.")
    if "@" in parts.netloc:
        raise _no_address(name, "Leave user and password out of the address: they have fields of their own.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    scheme, place = parts.scheme.lower(), host if port is None else f"{host}:{port}"
    return f"{scheme}://{place}{parts.path.rstrip('/')}"


def _no_address(name: str, detail: str) -> ValidationFailed:
    return ValidationFailed("The form is not filled in as it has to be.", faults=(fault_at(name, detail),))


def _stripped(text: str, field: FormField) -> str:
    # A password may begin or end with a space.
    return text if field.kind is FieldKind.SECRET else text.strip()

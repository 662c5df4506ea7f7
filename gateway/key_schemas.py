"""Request and response bodies about API keys and users."""

from datetime import datetime
from typing import Annotated

import msgspec

from gateway.schemas import Cursor, Limit, Name
from shared.scopes import Scope


class KeyRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key that is wanted. scopes: at most those of the asking key; default: those without `admin`."""

    name: Name
    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=20)] | None = None
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None


class KeysQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: Limit = 50
    cursor: Cursor | None = None


class KeyResource(msgspec.Struct, frozen=True, kw_only=True):
    """An API key without its secret. hint: how its text begins."""

    id: str
    name: str
    hint: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class NewKeyResource(KeyResource, frozen=True, kw_only=True):
    """A key that was made just now. key: its whole text, which is never shown again."""

    key: str

    def __repr__(self) -> str:
        return f"NewKeyResource(id={self.id!r}, …)"


class KeyPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[KeyResource, ...]
    next_cursor: str | None


class UserRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name


class UsersQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: Limit = 50
    cursor: Cursor | None = None


class UserResource(msgspec.Struct, frozen=True, kw_only=True):
    """disabled_at: since when none of the user's keys is accepted."""

    id: str
    name: str
    created_at: datetime
    disabled_at: datetime | None


class UserPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[UserResource, ...]
    next_cursor: str | None

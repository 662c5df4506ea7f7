"""What an API key may be allowed to do, and which scope brings another one with it."""

from collections.abc import Iterable
from enum import StrEnum


class Scope(StrEnum):
    """One family of things and what may be done with them; rules and reviews belong to transfers."""

    TRANSFERS_READ = "transfers:read"
    TRANSFERS_WRITE = "transfers:write"
    CONNECTIONS_READ = "connections:read"
    CONNECTIONS_WRITE = "connections:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    ADMIN = "admin"


USER_SCOPES = frozenset(Scope) - {Scope.ADMIN}
"""All that users need for what is theirs."""

_WRITE, _READ = ":write", ":read"


def with_included(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Return the scopes and those that they include: who may write may read. `admin` includes no other."""
    given = frozenset(scopes)
    return given | {Scope(one.removesuffix(_WRITE) + _READ) for one in given if one.endswith(_WRITE)}


def known(names: Iterable[str]) -> frozenset[Scope]:
    """Return the scopes of these names; names that only a newer release knows allow nothing here."""
    return frozenset(one for one in Scope if one in frozenset(names))


def lacking(wanted: Iterable[Scope], *, held: Iterable[Scope]) -> tuple[Scope, ...]:
    """Return, in order, what of the wanted scopes the held ones do not cover."""
    return tuple(sorted(frozenset(wanted) - with_included(held)))

"""Scopes: what includes what, and what is lacking."""

import pytest

from shared.scopes import USER_SCOPES, Scope, known, lacking, with_included


@pytest.mark.parametrize("family", ["transfers", "connections", "webhooks", "keys"])
def test_who_may_write_may_read_of_the_same_family_alone(family: str) -> None:
    write, read = Scope(f"{family}:write"), Scope(f"{family}:read")

    assert with_included([write]) == {write, read}
    assert with_included([read]) == {read}


def test_admin_includes_nothing_and_is_included_in_nothing() -> None:
    assert with_included([Scope.ADMIN]) == {Scope.ADMIN}
    assert Scope.ADMIN not in with_included(USER_SCOPES)
    assert USER_SCOPES | {Scope.ADMIN} == set(Scope)


@pytest.mark.parametrize(
    ("wanted", "held", "expected"),
    [
        ([Scope.TRANSFERS_READ], [Scope.TRANSFERS_WRITE], ()),
        ([Scope.TRANSFERS_WRITE], [Scope.TRANSFERS_READ], (Scope.TRANSFERS_WRITE,)),
        ([Scope.ADMIN, Scope.KEYS_READ], [Scope.KEYS_WRITE], (Scope.ADMIN,)),
        ([Scope.KEYS_READ], [Scope.ADMIN], (Scope.KEYS_READ,)),
        ([], [], ()),
    ],
)
def test_what_is_lacking_is_named(
    wanted: list[Scope], held: list[Scope], expected: tuple[Scope, ...]
) -> None:
    assert lacking(wanted, held=held) == expected


def test_names_of_a_newer_release_allow_nothing() -> None:
    assert known(["transfers:read", "moods:write", ""]) == {Scope.TRANSFERS_READ}

"""Every error class has a kind, every kind says cause and cure, and nothing untold is told."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import gateway
import shared
from gateway.actions.refusals import ConnectAgain, RedirectUriImpossible
from gateway.problems import HTTP_KINDS, INTERNAL, KINDS, TABLE, body_of, kind_of, retry_after_s
from shared.cipher import SealBroken
from shared.errors import (
    CrossplayError,
    FieldFault,
    PlatformUnavailable,
    RateLimited,
    ValidationFailed,
)
from shared.models import ConnectionId, Platform


def error_classes() -> list[type[CrossplayError]]:
    """Every error class that the gateway can meet: all that gateway and shared define."""
    for package in (gateway, shared):
        for module in pkgutil.walk_packages(package.__path__, prefix=f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)

    def below(one: type[CrossplayError]) -> Iterator[type[CrossplayError]]:
        yield one
        for child in one.__subclasses__():
            yield from below(child)

    return [one for one in set(below(CrossplayError)) if one.__module__.startswith(("gateway", "shared"))]


def test_every_error_class_has_a_row_of_its_own() -> None:
    missing = [one.__name__ for one in error_classes() if one not in TABLE]

    assert missing == []


@pytest.mark.parametrize("kind", [*TABLE.values(), *HTTP_KINDS.values()], ids=lambda kind: str(kind.slug))
def test_every_kind_is_complete(kind: object) -> None:
    assert kind in (*TABLE.values(), *HTTP_KINDS.values())
    for name in ("slug", "title", "cause", "cure"):
        assert getattr(kind, name)
    assert 400 <= getattr(kind, "status", 0) <= 503


def test_a_slug_has_one_page() -> None:
    for kind in (*TABLE.values(), *HTTP_KINDS.values()):
        assert KINDS[kind.slug].slug == kind.slug


def test_an_unknown_subclass_is_what_its_parent_is() -> None:
    class Odd(RateLimited):
        pass

    error = Odd("wait", platform="spotify", operation="search", retry_after_s=1)

    assert kind_of(error).slug == "quota-exceeded"


def test_a_body_has_the_errors_own_words_fields_and_extras() -> None:
    error = ConnectAgain("Sign in.", platform=Platform.SPOTIFY, connection_id=ConnectionId("c-1"))
    kind = kind_of(error)

    body = body_of(kind, error=error, request_id="r-1", trace_id=None)

    assert body["type"] == "/problems/reconnect-required"
    assert (body["status"], body["code"]) == (409, "reconnect-required")
    assert body["detail"] == "Sign in."
    assert body["help"]
    assert (body["platform"], body["connection"], body["action_url"]) == (
        "spotify",
        "c-1",
        "/connect/spotify?connection=c-1",
    )
    assert (body["request_id"], body["trace_id"]) == ("r-1", None)
    assert "errors" not in body


def test_faulty_fields_are_listed() -> None:
    error = ValidationFailed("No.", faults=(FieldFault("/a", "Missing."), FieldFault("/b", "Odd.")))

    body = body_of(kind_of(error), error=error, request_id="r-1", trace_id="t-1")

    assert body["errors"] == (
        {"pointer": "/a", "detail": "Missing."},
        {"pointer": "/b", "detail": "Odd."},
    )


def test_ways_out_are_listed() -> None:
    error = RedirectUriImpossible("No.", redirect_uri="http://x/y", ways=("one", "two"))

    body = body_of(kind_of(error), error=error, request_id="r-1", trace_id=None)

    assert body["routes"] == ("one", "two")


@pytest.mark.parametrize("error", [SealBroken("canary"), CrossplayError("canary")])
def test_texts_that_are_not_for_clients_stay_here(error: CrossplayError) -> None:
    body = body_of(kind_of(error), error=error, request_id="r-1", trace_id=None)

    assert "canary" not in str(body)


@pytest.mark.parametrize(
    ("error", "expected_s"),
    [
        (RateLimited("", platform="spotify", operation="x", retry_after_s=0), 1),
        (RateLimited("", platform="spotify", operation="x", retry_after_s=12.1), 13),
        (PlatformUnavailable("", platform="spotify", operation="x"), 5),
        (ValidationFailed(""), None),
    ],
)
def test_retry_after_says_when_it_is_worth_it(error: CrossplayError, expected_s: int | None) -> None:
    assert retry_after_s(kind_of(error), error=error) == expected_s


def test_what_nobody_expected_is_internal() -> None:
    body = body_of(INTERNAL, error=None, request_id="r-1", trace_id=None)

    assert (body["code"], body["status"]) == ("internal", 500)

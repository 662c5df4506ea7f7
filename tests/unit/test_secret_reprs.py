"""No value that holds a secret shows it when it is printed: every Struct of the three packages is tried."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import asyncpg
import msgspec
import pytest

from shared.models import TokenSet
from shared.secret import Secret

CANARY = "canary-that-nobody-may-see"
PACKAGES = ("gateway", "shared", "worker")
SMELL = re.compile(
    "token|secret|code|state|verifier|key|password|authorization|cookie|sealed|^form$|headers|body|authorize_url|proof|browser|address"
)
# What only smells so: class and field, with the reason.
HARMLESS = {
    ("OAuthApp", "authorize_url"): "an address that everybody may open",
    ("Capabilities", "key_life_s"): "a number",
    ("PublicReads", "has_app_tokens"): "a switch",
    ("DeadLetter", "code"): "names a kind of error",
    ("PlatformSettings", "youtube_token_url"): "an address",
    ("Settings", "youtube_token_url"): "an address",
    ("Listing", "next_page_token"): "leads to the next page",
    ("Discard", "code"): "names a kind of error",
    ("Fault", "code"): "names a kind of error",
    ("Problem", "code"): "names a kind of error",
    ("ProblemKind", "code"): "names a kind of error",
    ("Transfer", "error_code"): "names a kind of error",
    ("Operation", "raw_body"): "says whether the body is a file",
    ("ConnectionResource", "state"): "says whether it can be used",
    ("ConnectionsQuery", "state"): "says whether it can be used",
    ("ConnectionData", "state"): "says whether it can be used",
    ("DeliveriesQuery", "state"): "says whether it has arrived",
    ("TransferData", "error_code"): "names a kind of error",
    ("WebhookResource", "old_secret_until"): "a time",
    ("StatusResource", "state"): "says where a transfer stands",
    ("TransferResource", "state"): "says where a transfer stands",
    ("NewTransfer", "idempotency_key"): "chosen by a client, opens nothing",
    ("ConnectSession", "sealed_verifier"): "sealed",
    ("ConnectSession", "browser_sha256"): "a hash of 256 random bits",
    ("SealedConnection", "sealed_tokens"): "sealed",
    ("Operation", "body"): "a type, for the reference",
    ("Operation", "is_body_required"): "a switch",
    ("Operation", "answer_headers"): "names, for the reference",
    ("Times", "body_s"): "a number",
    ("Operation", "headers"): "names and words, for the reference",
    ("ConnectSession", "state_sha256"): "a hash of 256 random bits",
    ("ConnectSessionResource", "failure_code"): "names a kind of error",
    ("Declaration", "browser"): "how a platform signs in by a script",
    ("Declaration", "form"): "the questions that a platform asks",
    ("Resealed", "resealed_count"): "a number",
    ("TokenPage", "next_token"): "says where a list goes on",
    ("OAuthApp", "token_route"): "an address of the platform's reference",
    ("OAuthApp", "token_extras"): "words of the platform's reference",
    ("Error", "code"): "names a kind of error",
    ("Access", "key_id"): "the id, which lists show",
    ("Manifest", "key_ids"): "the ids, which stand in every sealed text",
    ("Setting", "is_secret"): "a switch",
    ("Settings", "key_requests_per_minute"): "a number",
    ("Settings", "failed_keys_per_minute"): "a number",
    ("Settings", "apple_music_key_id"): "the id, which stands in each developer token",
    ("PlatformSettings", "apple_music_key_id"): "the id, which stands in each developer token",
}


def structs() -> Iterator[type[msgspec.Struct]]:
    """Walk the Structs that the packages define, private ones too."""
    for package in PACKAGES:
        root = importlib.import_module(package)
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if found.name.endswith(".__main__"):
                continue
            for one in vars(importlib.import_module(found.name)).values():
                is_own = isinstance(one, type) and one.__module__ == found.name
                if is_own and issubclass(one, msgspec.Struct):
                    yield one


def hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind, localns={"asyncpg": asyncpg})  # the pool's type stands in quotes


def suspicious() -> list[tuple[type[msgspec.Struct], str]]:
    """Return class and field of what may hold a secret; an enum holds none."""
    return [
        (kind, field)
        for kind in structs()
        for field, hint in hints(kind).items()
        if field in kind.__struct_fields__
        and (SMELL.search(field) or "Secret" in str(hint) or "TokenSet" in str(hint))
        and (kind.__name__, field) not in HARMLESS
        and not hasattr(hint, "__members__")
    ]


def sample(hint: object) -> object:
    """Return a value of about this type that holds the canary."""
    text = str(hint)
    if "Secret" in text:
        return Secret(CANARY)
    if "TokenSet" in text:
        return TokenSet(access_token=CANARY, refresh_token=CANARY)
    if "Mapping" in text or "dict" in text:
        return {"name": CANARY}
    return CANARY.encode() if hint is bytes else CANARY


@pytest.mark.parametrize(
    ("kind", "field"), suspicious(), ids=lambda value: getattr(value, "__qualname__", value)
)
def test_a_value_with_a_secret_does_not_show_it(kind: type[msgspec.Struct], field: str) -> None:
    values: dict[str, Any] = dict.fromkeys(kind.__struct_fields__)  # Structs do not check what code gives

    one = kind(**{**values, field: sample(hints(kind)[field])})

    assert CANARY not in repr(one)
    assert CANARY not in str(one)


def test_the_exceptions_name_what_is_there() -> None:
    there = {(kind.__name__, field) for kind in structs() for field in kind.__struct_fields__}

    assert set(HARMLESS) <= there


def test_the_walk_finds_the_known_holders_of_secrets() -> None:
    found = {kind.__name__ for kind, _ in suspicious()}

    assert {"TokenSet", "Settings", "_TokenAnswer", "Call", "Answer", "ConnectRequest", "IssuedKey"} <= found

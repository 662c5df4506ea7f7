"""The error tree."""

import re

import pytest

from shared import errors
from shared.errors import CrossplayError, PlatformError, RateLimited, Remedy


def tree(root: type[CrossplayError] = CrossplayError) -> list[type[CrossplayError]]:
    kinds = [root]
    for kind in root.__subclasses__():
        if kind.__module__ == errors.__name__:
            kinds += tree(kind)
    return kinds


@pytest.mark.parametrize("kind", tree())
def test_every_error_has_a_code_and_a_remedy(kind: type[CrossplayError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
    assert isinstance(kind.remedy, Remedy)


@pytest.mark.parametrize(
    ("remedy", "names"),
    [
        (Remedy.RETRY, {"PlatformUnavailable", "PlatformAnswerInvalid", "JobBroken", "Draining"}),
        (Remedy.SNOOZE, {"RateLimited", "StoreUnavailable"}),
        (
            Remedy.USER,
            {
                "AccountError",
                "ConnectionMissing",
                "ReconnectRequired",
                "AccountMismatch",
                "TokensLocked",
                "PlatformNotConfigured",
                "PlatformDenied",
            },
        ),
    ],
    ids=["retry", "snooze", "user"],
)
def test_only_these_errors_are_worth_another_try(remedy: Remedy, names: set[str]) -> None:
    assert {kind.__name__ for kind in tree() if kind.remedy is remedy} == names


@pytest.mark.parametrize("kind", tree(PlatformError))
def test_platform_errors_say_where_and_at_what(kind: type[PlatformError]) -> None:
    extra = {"retry_after_s": 3.0} if issubclass(kind, RateLimited) else {}

    error = kind("No.", platform="spotify", operation="search", status=400, **extra)

    assert (error.platform, error.operation, error.status, str(error)) == ("spotify", "search", 400, "No.")


def test_a_wait_is_never_negative() -> None:
    error = RateLimited("Wait.", platform="spotify", operation="search", retry_after_s=-3)

    assert error.retry_after_s == 0.0


def test_settings_errors_list_every_fault() -> None:
    error = errors.SettingsError(("one is missing", "two is odd"))

    assert error.faults == ("one is missing", "two is odd")
    assert "one is missing" in str(error)
    assert "two is odd" in str(error)

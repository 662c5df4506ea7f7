"""What a platform answered, and the one table that turns a refusal into an error of ours."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from shared.errors import (
    CrossplayError,
    PlatformDenied,
    PlatformError,
    PlatformNotFound,
    PlatformRejected,
    PlatformUnavailable,
    RateLimited,
    ReconnectRequired,
    ValidationFailed,
)
from shared.models import Platform


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A complete HTTP answer; its body may be anything: JSON, plain text, HTML, nothing.

    retry_after, date: the headers of these names, as they came.
    """

    status: int
    body: bytes
    retry_after: str | None = None
    date: str | None = None

    def __repr__(self) -> str:
        return f"Answer(status={self.status!r}, …)"

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A call that a platform refused. text: the platform's words, to be read but never shown.

    is_personal: the call spoke in a user's name.
    """

    label: str
    platform: Platform
    operation: str
    status: int
    text: str
    is_personal: bool

    def __repr__(self) -> str:
        return f"Failure(operation={self.operation!r}, status={self.status!r}, …)"

    def error(self, kind: type[CrossplayError], message: str) -> CrossplayError:
        text = message.format(label=self.label)
        if issubclass(kind, PlatformError):
            return kind(text, platform=self.platform, operation=self.operation, status=self.status)
        return kind(text)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A row of an adapter's own table: what a refusal of this form means there.

    word: stands in the answer's text, whatever kind of text that is. operation, is_personal: of the call.
    message: for the user; {label} is the platform.
    """

    status: int
    kind: type[CrossplayError]
    message: str
    word: str = ""
    operation: str | None = None
    is_personal: bool | None = None

    def fits(self, failure: Failure) -> bool:
        return (
            self.status == failure.status
            and self.word in failure.text.casefold()
            and self.operation in (None, failure.operation)
            and self.is_personal in (None, failure.is_personal)
        )


RECONNECT = "{label} no longer accepts this connection: connect the account again."
_OWN_KEYS = "{label} does not accept this server's own keys: its operator has to check them."

ABSENT = "{label} does not know it, or no longer shows it to this account."

_TABLE: dict[int, tuple[type[CrossplayError], str]] = {
    401: (ReconnectRequired, RECONNECT),
    402: (PlatformDenied, "{label} asks for a paid subscription."),
    403: (PlatformDenied, "{label} does not allow this to the app or the account."),
    404: (PlatformNotFound, ABSENT),
    408: (PlatformUnavailable, "{label} did not answer in time; it will be asked again."),
    410: (PlatformNotFound, "{label} no longer has it."),
    425: (PlatformUnavailable, "{label} is not ready; it will be asked again."),
}


def error_of(failure: Failure, *, refusals: Iterable[Refusal]) -> CrossplayError:
    """Turn a refusal other than 429 into the error that says what would cure it.

    refusals: the adapter's own table, asked before the common one; the first row that fits counts.
    """
    for refusal in refusals:
        if refusal.fits(failure):
            return failure.error(refusal.kind, refusal.message)
    if failure.status == 401 and not failure.is_personal:
        return failure.error(PlatformDenied, _OWN_KEYS)  # there is no account to be connected again
    return failure.error(*(_TABLE.get(failure.status) or _by_hundreds(failure.status)))


def lacking_scope() -> Refusal:
    """Return the row of a permission that a connection was not given, or was not asked for yet."""
    text = "{label} was not allowed enough: connect it again and allow everything that is asked."
    return Refusal(status=403, word="scope", kind=ReconnectRequired, message=text)


def foreign_cursor(status: int, *, word: str) -> Refusal:
    """Return the row of a page token that the platform does not know."""
    text = "The cursor is not one that an earlier page gave."
    return Refusal(status=status, word=word, kind=ValidationFailed, message=text)


def meaning_429(status: int, pattern: bytes) -> Callable[[Answer], Answer]:
    """Return a Reword that gives 429 to what a platform says with this status and these words."""
    words = re.compile(pattern)

    def reword(answer: Answer) -> Answer:
        if answer.status == status and words.search(answer.body):
            return msgspec.structs.replace(answer, status=429)
        return answer

    return reword


def rate_limited(failure: Failure, *, retry_after_s: float) -> RateLimited:
    return RateLimited(
        f"{failure.label} asks to wait {retry_after_s:.0f} s.",
        platform=failure.platform,
        operation=failure.operation,
        retry_after_s=retry_after_s,
    )


def parse_retry_after(text: str | None, *, date: str | None, now: datetime) -> float | None:
    """Read a Retry-After header: seconds or an HTTP date. None where it says nothing usable.

    date: the answer's own Date header, because a moment of the platform's clock says nothing by ours; now
    stands in for one that is missing.
    """
    if not text:
        return None
    try:
        wait_s = float(text)
    except ValueError:
        moment = _moment(text)
        if moment is None:
            return None
        wait_s = (moment - (_moment(date or "") or now)).total_seconds()
    return max(0.0, wait_s) if wait_s < float("inf") else None  # also refuses "nan" and "inf"


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _by_hundreds(status: int) -> tuple[type[CrossplayError], str]:
    if status >= 500:
        return PlatformUnavailable, "{label} has a fault of its own; it will be asked again."
    if status >= 400:
        return PlatformRejected, "{label} does not accept the request."
    return PlatformUnavailable, "{label} answered with a redirect, which is not followed."

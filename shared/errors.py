"""The error tree: each error knows its code and what would cure it."""

from enum import Enum, auto
from typing import ClassVar


class Remedy(Enum):
    """What helps against an error; the worker reads nothing else."""

    NONE = auto()
    RETRY = auto()
    SNOOZE = auto()
    USER = auto()


class CrossplayError(Exception):
    """Anything we raise on purpose. Its text is written for the person who meets it."""

    code: ClassVar[str] = "internal"
    remedy: ClassVar[Remedy] = Remedy.NONE


class FieldFault(CrossplayError):
    """One faulty part of a request body: a JSON pointer and what to do about it."""

    code = "validation"

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer}: {detail}")
        self.pointer = pointer
        self.detail = detail


class RequestError(CrossplayError):
    """The caller asked for something that cannot be given."""


class ValidationFailed(RequestError):
    """Body, query or path do not have the promised form. faults: one per field."""

    code = "validation"

    def __init__(self, message: str, *, faults: tuple[FieldFault, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class Unauthenticated(RequestError):
    code = "unauthenticated"


class ScopeMissing(RequestError):
    code = "forbidden-scope"


class NotFound(RequestError):
    code = "not-found"


class UnknownPlatform(NotFound):
    code = "unknown-platform"


class StateConflict(RequestError):
    """What is asked for makes no sense as things stand. state: the transfer's, where that is the reason."""

    code = "state-conflict"

    def __init__(self, message: str, *, state: str | None = None) -> None:
        super().__init__(message)
        self.extras = {} if state is None else {"state": state}


class PlatformPaused(RequestError):
    """The operator of this server has paused a platform."""

    code = "platform-paused"


class IdempotencyKeyReused(RequestError):
    code = "idempotency-key-reused"


class FileUnreadable(RequestError):
    """A file that is no playlist which can be read here; the text says what would cure it."""

    code = "file-unreadable"


class PlaylistNotReadable(RequestError):
    code = "playlist-not-readable"


class TargetNotWritable(RequestError):
    code = "target-not-writable"


class ConnectFailed(RequestError):
    """The platform or the user refused the connection; the text says why. faults: of a filled form."""

    code = "connect-failed"

    def __init__(self, message: str, *, faults: tuple[FieldFault, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class AccountError(CrossplayError):
    """The user (or the operator) has to act at the platform first."""

    remedy = Remedy.USER


class ConnectionMissing(AccountError):
    code = "connection-missing"


class ReconnectRequired(AccountError):
    code = "reconnect-required"


class AccountMismatch(AccountError):
    code = "account-mismatch"


class PlatformNotConfigured(AccountError):
    code = "platform-not-configured"


class TokensLocked(AccountError):
    """No key of this server opens a connection's tokens; its operator cures it, or a new sign-in."""

    code = "tokens-locked"


class PlatformError(CrossplayError):
    """A platform answered something else than hoped.

    status is None where no answer came. operation: the adapter's own name of the call.
    """

    def __init__(self, message: str, *, platform: str, operation: str, status: int | None = None) -> None:
        super().__init__(message)
        self.platform = platform
        self.operation = operation
        self.status = status


class PlatformUnavailable(PlatformError):
    """5xx, time-out or a broken connection. A write that ends so may have happened."""

    code = "upstream-unavailable"
    remedy = Remedy.RETRY


class RateLimited(PlatformError):
    """The platform wants us to wait; nothing was done. retry_after_s is never negative."""

    code = "quota-exceeded"
    remedy = Remedy.SNOOZE

    def __init__(
        self, message: str, *, platform: str, operation: str, retry_after_s: float, status: int | None = 429
    ) -> None:
        super().__init__(message, platform=platform, operation=operation, status=status)
        self.retry_after_s = max(0.0, retry_after_s)


class PlatformDenied(PlatformError):
    """The platform refuses this app or account; only a person can change that."""

    code = "platform-denied"
    remedy = Remedy.USER


class PlatformNotFound(PlatformError):
    code = "playlist-not-found"


class PlatformRejected(PlatformError):
    """A 4xx that repeats for ever: our request is not acceptable, nothing was done."""

    code = "platform-rejected"


class PlatformAnswerInvalid(PlatformError):
    """A success whose body we cannot read: a maintenance page as a rule, so asking again may help."""

    code = "platform-answer-invalid"
    remedy = Remedy.RETRY


class JobError(CrossplayError):
    """Why a job stopped that is not about the platform."""


class LeaseLost(JobError):
    """Another worker owns the job now; whatever we know must not be written."""

    code = "lease-lost"


class SentLate(LeaseLost):
    """A write left after the lease had ended, for this process was frozen: it may have happened twice."""

    code = "sent-late"


class JobPoisonous(JobError):
    """Each worker that has taken the job is gone; it is not given to another one."""

    code = "job-poisonous"


class JobBroken(JobError):
    """An error of our own; the log has the details."""

    remedy = Remedy.RETRY


class TransferCancelled(JobError):
    code = "transfer-cancelled"


class Draining(JobError):
    code = "draining"
    remedy = Remedy.RETRY


class StoreUnavailable(CrossplayError):
    """Postgres or Redis does not answer; no job is to blame for it."""

    code = "store-unavailable"
    remedy = Remedy.SNOOZE


class SettingsError(CrossplayError):
    """The settings cannot be used. faults lists all of them, one sentence each."""

    code = "settings"

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("Settings cannot be used:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


class MaintenanceRefused(CrossplayError):
    """What an operator asked for cannot be done now, or not with this database or file."""

    code = "maintenance-refused"

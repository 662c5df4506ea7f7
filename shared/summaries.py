"""One sentence that tells a person how a transfer stands."""

from collections.abc import Callable, Mapping

from shared.db.transfers import Transfer
from shared.lifecycle import Bucket, PauseReason, Phase, State
from shared.models import Platform

Label = Callable[[Platform], str]

_LEFT_OUT = {
    Bucket.UNMATCHED: "{n} without a match",
    Bucket.REVIEW: "{n} to be looked at",
    Bucket.NOT_TRANSFERABLE: "{n} that cannot be moved",
    Bucket.SKIPPED: "{n} skipped by you",
    Bucket.FAILED: "{n} failed",
}

_FOR_A_PERSON: dict[PauseReason | None, str] = {
    PauseReason.RECONNECT_REQUIRED: "needs you to sign in again; the rest follows by itself.",
    PauseReason.PLATFORM_NOT_CONFIGURED: "is not set up on this server; its operator has to do that.",
    PauseReason.TOKENS_LOCKED: "is connected, but this server has lost the key to that: its operator has to "
    "bring it back, or connect the account again; the rest follows by itself.",
    PauseReason.PLATFORM_DENIED: "does not allow this; it has to be cured there, then connect again.",
}


def summarize(transfer: Transfer, *, counts: Mapping[Bucket, int], label: Label) -> str:
    """Say it in plain words, for the API, the command line and every page alike."""
    if transfer.state is State.QUEUED:
        return "Waiting to start."
    if transfer.state is State.RUNNING:
        return _running(transfer, counts=counts, label=label)
    if transfer.state is State.PAUSED:
        return _paused(transfer, label=label)
    if transfer.state is State.COMPLETED:
        return _completed(transfer, counts=counts, label=label)
    return _stopped(transfer, counts=counts)


def paused_by_operator(transfer: Transfer, *, label: Label) -> str:
    """Say who has paused it and why, without a full stop."""
    name = label(transfer.pause_platform) if transfer.pause_platform else "A platform"
    why = f" ({transfer.pause_text.rstrip('.')})" if transfer.pause_text else ""
    return f"{name} is paused by the operator of this server{why}"


def _running(transfer: Transfer, *, counts: Mapping[Bucket, int], label: Label) -> str:
    total = sum(counts.values())
    if transfer.is_cancelling:
        return "Stopping: what is under way ends first."
    if transfer.phase is Phase.READ:
        return f"Reading “{transfer.source_name}” from {label(transfer.source_platform)}: {total} so far."
    if transfer.phase is Phase.MATCH:
        settled = total - counts[Bucket.PENDING] - counts[Bucket.DEFERRED]
        return f"Matched {settled} of {total}."
    if transfer.phase is Phase.WRITE:
        written = counts[Bucket.WRITTEN]
        return f"Added {written} of {written + counts[Bucket.READY]} to “{transfer.target_name}”."
    if transfer.phase is Phase.UNDO:
        return f"Removed {counts[Bucket.REMOVED]} of {total} from “{transfer.target_name}”."
    return f"Checking “{transfer.target_name}” on {label(transfer.target_platform)}."


def _paused(transfer: Transfer, *, label: Label) -> str:
    if transfer.pause_reason is PauseReason.USER:
        return "Paused by you; resume it when you like."
    if transfer.pause_reason is PauseReason.OPERATOR:
        then = "stops when its last write can be read" if transfer.is_cancelling else "goes on by itself"
        return f"{paused_by_operator(transfer, label=label)}; this {then}."
    who = label(transfer.pause_platform) if transfer.pause_platform else "A platform"
    if transfer.pause_reason is PauseReason.RATE_LIMITED:
        until = f"; continues at {transfer.resume_at:%Y-%m-%d %H:%M} UTC" if transfer.resume_at else ""
        return f"{who} asked us to wait{until}."
    return f"{who} {_FOR_A_PERSON.get(transfer.pause_reason, _FOR_A_PERSON[PauseReason.PLATFORM_DENIED])}"


def _completed(transfer: Transfer, *, counts: Mapping[Bucket, int], label: Label) -> str:
    place = f"“{transfer.target_name}” on {label(transfer.target_platform)}"
    if transfer.undoes is not None:
        return _undone(transfer, counts=counts, place=place)
    total = sum(counts.values())
    there = counts[Bucket.WRITTEN] + counts[Bucket.ALREADY_PRESENT]
    if not total:
        return f"“{transfer.source_name}” is empty: nothing had to be moved."
    if there == total:
        return (
            f"All {total} are in {place}, checked." if total > 1 else f"The one song is in {place}, checked."
        )
    return f"{there} of {total} are in {place}; the rest: {_rest(counts)}."


def _undone(transfer: Transfer, *, counts: Mapping[Bucket, int], place: str) -> str:
    total, removed = sum(counts.values()), counts[Bucket.REMOVED]
    if not total and transfer.target_playlist_id is not None:
        return f"Nothing had been added to {place}."
    if removed < total:
        return f"{removed} of {total} were removed from {place}; the rest: {_rest(counts)}."
    if transfer.target_playlist_id is None:
        return f"{place} was deleted: it held nothing but what had been added."
    return f"All {total} were removed from {place}, checked."


def _rest(counts: Mapping[Bucket, int]) -> str:
    return ", ".join(text.format(n=counts[bucket]) for bucket, text in _LEFT_OUT.items() if counts[bucket])


def _stopped(transfer: Transfer, *, counts: Mapping[Bucket, int]) -> str:
    done = counts[Bucket.REMOVED if transfer.undoes else Bucket.WRITTEN]
    deed = "removed" if transfer.undoes else "added"
    before = f"{done} had been {deed} before" if done else f"nothing had been {deed}"
    if transfer.state is State.CANCELLED:
        return f"Stopped by you; {before}."
    why = (transfer.error_text or "an unexpected fault").rstrip(".")
    return f"Failed: {why}; {before}."

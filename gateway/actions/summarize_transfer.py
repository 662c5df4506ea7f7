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


def _running(transfer: Transfer, *, counts: Mapping[Bucket, int], label: Label) -> str:
    total = sum(counts.values())
    if transfer.phase is Phase.READ:
        return f"Reading “{transfer.source_name}” from {label(transfer.source_platform)}: {total} so far."
    if transfer.phase is Phase.MATCH:
        settled = total - counts[Bucket.PENDING] - counts[Bucket.DEFERRED]
        return f"Matched {settled} of {total}."
    if transfer.phase is Phase.WRITE:
        written = counts[Bucket.WRITTEN]
        return f"Added {written} of {written + counts[Bucket.READY]} to “{transfer.target_name}”."
    return f"Checking “{transfer.target_name}” on {label(transfer.target_platform)}."


def _paused(transfer: Transfer, *, label: Label) -> str:
    if transfer.pause_reason is PauseReason.USER:
        return "Paused by you; resume it when you like."
    who = label(transfer.pause_platform) if transfer.pause_platform else "A platform"
    if transfer.pause_reason is PauseReason.RATE_LIMITED:
        until = f"; continues at {transfer.resume_at:%Y-%m-%d %H:%M} UTC" if transfer.resume_at else ""
        return f"{who} asked us to wait{until}."
    if transfer.pause_reason is PauseReason.RECONNECT_REQUIRED:
        return f"{who} needs you to sign in again; the rest follows by itself."
    if transfer.pause_reason is PauseReason.PLATFORM_NOT_CONFIGURED:
        return f"{who} is not set up on this server; its operator has to do that."
    return f"{who} does not allow this; it has to be cured there, then connect again."


def _completed(transfer: Transfer, *, counts: Mapping[Bucket, int], label: Label) -> str:
    total = sum(counts.values())
    there = counts[Bucket.WRITTEN] + counts[Bucket.ALREADY_PRESENT]
    place = f"“{transfer.target_name}” on {label(transfer.target_platform)}"
    if not total:
        return f"“{transfer.source_name}” is empty: nothing had to be moved."
    if there == total:
        return (
            f"All {total} are in {place}, checked." if total > 1 else f"The one song is in {place}, checked."
        )
    rest = [text.format(n=counts[bucket]) for bucket, text in _LEFT_OUT.items() if counts[bucket]]
    return f"{there} of {total} are in {place}; the rest: {', '.join(rest)}."


def _stopped(transfer: Transfer, *, counts: Mapping[Bucket, int]) -> str:
    written = counts[Bucket.WRITTEN]
    added = f"{written} had been added before" if written else "nothing had been added"
    if transfer.state is State.CANCELLED:
        return f"Stopped by you; {added}."
    why = (transfer.error_text or "an unexpected fault").rstrip(".")
    return f"Failed: {why}; {added}."

"""The one sentence that tells a person why a candidate was taken or not."""

from shared.models import Outcome
from worker.matching.levels import Level
from worker.matching.score import Score


def say_why(evidence: Score, *, level: Level, outcome: Outcome | None = None) -> str:
    """Say what was decided about a candidate; without an outcome, what speaks for and against it."""
    if outcome is Outcome.ONLY_OTHER_VERSION:
        return f"Only another version was found: {'; '.join(evidence.conflicts)}."
    agreed = f"{_agreement(evidence)}{_differences(evidence)}"
    if level is Level.EXACT:
        return f"The ISRC is the same, and {agreed}."
    if outcome is Outcome.REVIEW:
        return f"Not certain enough: {agreed}."
    if level is Level.OTHER_TAKE:
        return f"Another version of the song: {agreed}."
    return f"{agreed[0].upper()}{agreed[1:]}."


def say_other_release(*, is_explicit: bool) -> str:
    """Say that the wish for a clean or an explicit release could not be met."""
    return f" Only the {'explicit' if is_explicit else 'clean'} release was found."


def _agreement(evidence: Score) -> str:
    title = "the title agrees" if evidence.title >= 0.93 else "the title is similar"
    if evidence.title < 0.6:
        title = "the title differs"
    if evidence.artist is None:
        artist = "the artist cannot be compared"
    else:
        artist = "the artist agrees" if evidence.artist >= 0.8 else "the artist is similar"
        if evidence.artist < 0.6:
            artist = "the artist differs"
    if evidence.apart_ms is None:
        return f"{title}, {artist}, a duration is unknown"
    return f"{title}, {artist}, the durations are {evidence.apart_ms / 1_000:.1f} s apart"


def _differences(evidence: Score) -> str:
    return "".join(f"; {words}" for words in (*evidence.conflicts, *evidence.doubts, *evidence.notes))

"""Holds the promises against the history of a run. Pure: the same history gives the same verdict."""

from collections.abc import Callable, Iterator

import msgspec

from tests.chaos import rules_done, rules_told
from tests.chaos.records import History, Story

RULES: dict[str, Callable[[History, Story], Iterator[str]]] = {
    "ended": rules_told.ended,
    "revisions rise": rules_told.revisions_rise,
    "counts sum": rules_told.counts_sum,
    "written grows": rules_told.written_grows,
    "endings stay": rules_told.endings_stay,
    "reconnecting helps": rules_told.reconnecting_helps,
    "listing is whole": rules_told.listing_is_whole,
    "outcomes are true": rules_told.outcomes_are_true,
    "sums agree": rules_told.sums_agree,
    "nothing lost": rules_done.nothing_lost,
    "nothing unclaimed": rules_done.nothing_unclaimed,
    "nothing twice": rules_done.nothing_twice,
    "order is kept": rules_done.order_is_kept,
    "warnings are true": rules_done.warnings_are_true,
    "splitting is told": rules_done.splitting_is_told,
    "one target": rules_done.one_target,
    "quiet after the end": rules_done.quiet_after_the_end,
}
"""What must hold for each transfer."""

COMMON_RULES: dict[str, Callable[[History], Iterator[str]]] = {
    "only targets change": rules_done.only_targets_change,
    "nothing left over": rules_done.nothing_left_over,
}
"""What must hold for the run as a whole."""


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A promise that was broken. wish: which transfer's, empty for the run's."""

    rule: str
    wish: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.wish + ': ' if self.wish else ''}{self.text}"


def check(history: History) -> tuple[Violation, ...]:
    """Return every broken promise; none if all were kept."""
    of_transfers = [
        Violation(rule=name, wish=story.wish, text=text)
        for story in history.stories
        for name, rule in RULES.items()
        for text in rule(history, story)
    ]
    of_run = [
        Violation(rule=name, wish="", text=text)
        for name, rule in COMMON_RULES.items()
        for text in rule(history)
    ]
    return (*of_transfers, *of_run)

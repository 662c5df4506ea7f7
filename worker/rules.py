"""Applies what the user has said about tracks, before anybody is asked about them."""

from collections.abc import Sequence

from shared.db import match_rules
from shared.db.items import Item, Settled
from shared.db.match_rules import Rule
from shared.models import Outcome
from worker.context import Context


async def apply_rules(context: Context, open_items: Sequence[Item]) -> tuple[list[Settled], list[Item]]:
    """Settle the items that there are rules for; return what became of them, and the items that are left."""
    transfer = context.transfer
    rules = await match_rules.of_tracks(
        context.pool,
        transfer.user_id,
        platforms=(transfer.source_platform, transfer.target_platform),
        track_ids=[item.source.track.id for item in open_items if item.source.track],
    )
    settled, left = [], []
    for item in open_items:
        rule = rules.get(item.source.track.id) if item.source.track else None
        if rule is None:
            left.append(item)
        else:
            settled.append(_by_rule(item, rule))
    return settled, left


def apply_choices(open_items: Sequence[Item]) -> tuple[list[Settled], list[Item]]:
    """Settle the items whose track their user has named before; return what became of them, and the rest."""
    chosen = [
        Settled(
            position=item.position,
            outcome=Outcome.CHOSEN_BY_USER,
            reason="You chose this track.",
            score=item.score,
            target=item.target,
            evidence=item.evidence,
            alternatives=item.alternatives,
        )
        for item in open_items
        if item.is_users_choice
    ]
    return chosen, [item for item in open_items if not item.is_users_choice]


def _by_rule(item: Item, rule: Rule) -> Settled:
    if rule.target is None:
        reason = "Your rule says that it is not there."
        return Settled(position=item.position, outcome=Outcome.SKIPPED_BY_USER, reason=reason)
    return Settled(
        position=item.position,
        outcome=Outcome.CHOSEN_BY_USER,
        reason="Your rule names this track.",
        target=rule.target,
    )

"""Keep a user's rules: which track another one becomes at a platform, or that it is not there."""

from datetime import datetime

import msgspec
from loguru import logger

from gateway.actions.accounts import AccountRef, Accounts, parse_id
from gateway.actions.find_track import FindTrack
from shared.db import match_rules
from shared.db.match_rules import Rule, RuleFilter
from shared.db.pool import Pool
from shared.errors import NotFound
from shared.models import Platform, RuleId, Track, UserId


class RuleWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule is to say. target_track is None for what the target does not have."""

    source: AccountRef
    source_track: str
    target: AccountRef
    target_track: str | None


class KeepRules:
    """Makes, lists and removes rules. They hold for look-ups to come; what is matched stays as it is."""

    def __init__(self, *, pool: Pool, accounts: Accounts, find_track: FindTrack) -> None:
        self._pool = pool
        self._accounts = accounts
        self._find_track = find_track

    async def put(self, user_id: UserId, wish: RuleWish) -> tuple[Rule, bool]:
        """Make a rule, or change the one that there is for this track and platform; says whether it is new.

        Both tracks are read from their catalogs now, so that a slip is found at once and not in a transfer.
        Raises ValidationFailed, what Accounts.find raises, and what the platforms' calls raise.
        """
        connection = await self._accounts.find(user_id, wish.source)
        source = await self._find_track(connection, wish.source_track, pointer=f"{wish.source.pointer}/track")
        platform, target = await self._target(user_id, wish)
        async with self._pool.acquire() as database:
            rule, is_new = await match_rules.put(
                database, user_id, source=source, target_platform=platform, target=target
            )
        logger.bind(user_id=user_id, rule_id=rule.id).info("Rule kept")
        return rule, is_new

    async def page(
        self, user_id: UserId, *, only: RuleFilter, before: tuple[datetime, RuleId] | None, limit: int
    ) -> list[Rule]:
        """Return the user's rules, newest first."""
        return await match_rules.page(self._pool, user_id, only=only, before=before, limit=limit)

    async def remove(self, user_id: UserId, rule_id: str) -> None:
        """Raises NotFound, for a foreign rule as for none."""
        parsed = parse_id(rule_id)
        if not parsed or not await match_rules.remove(self._pool, RuleId(parsed), user_id=user_id):
            raise NotFound("You have no rule of this id.")
        logger.bind(user_id=user_id, rule_id=parsed).info("Rule removed")

    async def _target(self, user_id: UserId, wish: RuleWish) -> tuple[Platform, Track | None]:
        if wish.target_track is None and wish.target.platform is not None:
            return wish.target.platform, None  # to say what is not there, nobody has to be asked
        connection = await self._accounts.find(user_id, wish.target)
        if wish.target_track is None:
            return connection.platform, None
        pointer = f"{wish.target.pointer}/track"
        return connection.platform, await self._find_track(connection, wish.target_track, pointer=pointer)

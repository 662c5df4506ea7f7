"""Make, list, disable and enable users. Whoever may do so sees nothing of what is theirs."""

from datetime import datetime

from loguru import logger

from gateway.actions.accounts import parse_id
from shared.db import users
from shared.db.pool import Pool
from shared.db.users import User
from shared.errors import NotFound, StateConflict
from shared.models import UserId


class ManageUsers:
    """Manages users. Each wish may be repeated."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

    async def put(self, name: str) -> tuple[User, bool]:
        """Return the user of this name, made where there is none, and whether that is new."""
        user, is_new = await users.put(self._pool, name=name)
        if is_new:
            logger.bind(user_id=user.id).info("User made")
        return user, is_new

    async def page(self, *, before: tuple[datetime, UserId] | None, limit: int) -> list[User]:
        """Return users, newest first."""
        return await users.page(self._pool, before=before, limit=limit)

    async def find(self, user_id: str) -> UserId:
        """Return the id of a user who exists. Raises NotFound."""
        parsed = parse_id(user_id)
        user = await users.get(self._pool, UserId(parsed)) if parsed else None
        if user is None:
            raise _not_found()
        return user.id

    async def set_disabled(self, user_id: str, *, is_disabled: bool, by: UserId) -> User:
        """Let a user's keys in or not; what runs for the user goes on to its end.

        Raises NotFound, and StateConflict for who would lock themselves out.
        """
        parsed = parse_id(user_id)
        if is_disabled and parsed == by:
            raise StateConflict("Nobody disables themselves: ask another admin, or revoke your key.")
        user = (
            await users.set_disabled(self._pool, UserId(parsed), is_disabled=is_disabled) if parsed else None
        )
        if user is None:
            raise _not_found()
        logger.bind(user_id=user.id, by_user_id=by).info("User disabled" if is_disabled else "User enabled")
        return user


def _not_found() -> NotFound:
    return NotFound("There is no user of this id.")

"""Make, list and revoke API keys: the caller's own, and, for those who manage users, those of others."""

import re
from datetime import datetime, timedelta

import msgspec
from loguru import logger

from shared.db import api_keys
from shared.db.api_keys import Access, ApiKey, IssuedKey
from shared.db.pool import Pool
from shared.errors import NotFound, ScopeMissing
from shared.models import UserId
from shared.scopes import USER_SCOPES, Scope, lacking

_ID = re.compile(r"[0-9a-f]{16}")


class KeyWish(msgspec.Struct, frozen=True, kw_only=True):
    """scopes: None for what the asking key has, without `admin`."""

    name: str
    scopes: tuple[Scope, ...] | None
    expires_in_days: int | None


class KeepKeys:
    """Keeps keys."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

    async def create(self, access: Access, wish: KeyWish, *, user_id: UserId) -> IssuedKey:
        """Make a key for a user who exists. access: of the key that asks; no key gives more than it has.

        Raises ScopeMissing.
        """
        wanted = access.scopes & USER_SCOPES if wish.scopes is None else frozenset(wish.scopes)
        missing = lacking(wanted, held=access.scopes)
        if missing or not wanted:
            names = ", ".join(f"`{one}`" for one in missing or sorted(USER_SCOPES))
            raise ScopeMissing(f"A key gives no scope that it does not have itself; yours lacks {names}.")
        life = timedelta(days=wish.expires_in_days) if wish.expires_in_days else None
        issued = await api_keys.create(self._pool, user_id, name=wish.name, scopes=wanted, life=life)
        logger.bind(user_id=user_id, key_id=issued.row.id, by_key_id=access.key_id).info("API key made")
        return issued

    async def page(self, user_id: UserId, *, before: tuple[datetime, str] | None, limit: int) -> list[ApiKey]:
        """Return a user's keys, newest first, revoked ones too."""
        return await api_keys.page(self._pool, user_id, before=before, limit=limit)

    async def revoke(self, access: Access, key_id: str, *, user_id: UserId) -> None:
        """Refuse a key of this user from now on, everywhere; may be repeated.

        Raises NotFound, for a foreign key as for none.
        """
        if not _ID.fullmatch(key_id) or not await api_keys.revoke(self._pool, key_id, user_id=user_id):
            raise NotFound("There is no API key of this id.")
        logger.bind(user_id=user_id, key_id=key_id, by_key_id=access.key_id).info("API key revoked")

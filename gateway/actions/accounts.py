"""Which connection a request means, and the adapter that speaks in its name."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeAlias

import msgspec

from gateway.actions.refusals import ConnectAgain, ConnectFirst
from shared.db import connections
from shared.db.connections import Connection, ConnectionState
from shared.db.pool import Pool
from shared.errors import FieldFault, PlatformUnavailable, ReconnectRequired, ValidationFailed
from shared.models import ConnectionId, Platform, PlaylistId, TokenSet, UserId
from shared.platforms.base import Adapter, BrowserSignIn, Capabilities, Session
from shared.platforms.forms import ConnectForm
from shared.platforms.oauth import Verifier
from shared.platforms.profile import PlatformProfile, PublicReads, SignInTerms
from shared.tokens import Sessions

CHECK_TIMEOUT_S = 25.0
"""How long a request waits for platforms; clients and proxies give up soon after."""


class SignIn(Protocol):
    """A platform's OAuth sign-in, as OAuthClient has it."""

    @property
    def scopes(self) -> tuple[str, ...]: ...

    @property
    def sign_in_url(self) -> str: ...

    def authorize_url(self, *, state: str, verifier: Verifier, redirect_uri: str) -> str: ...

    async def exchange(self, *, code: str, verifier: Verifier, redirect_uri: str) -> TokenSet: ...

    async def refresh(self, tokens: TokenSet) -> TokenSet: ...


class PlatformsPort(Protocol):
    """What the gateway asks of shared.platforms.registry.Platforms."""

    def is_configured(self, platform: Platform) -> bool: ...

    def label(self, platform: Platform) -> str: ...

    def sign_in_terms(self, platform: Platform) -> SignInTerms: ...

    def capabilities(self, platform: Platform) -> Capabilities: ...

    def profile(self, platform: Platform) -> PlatformProfile: ...

    def limit_key(self, platform: Platform) -> str: ...

    def is_kept_here(self, platform: Platform) -> bool: ...

    def adapter(self, platform: Platform, *, session: Session) -> Adapter: ...

    def platform_of(self, link: str) -> Platform | None: ...

    def playlist_id_of(self, platform: Platform, text: str) -> PlaylistId | None: ...

    def public_reads(self, platform: Platform) -> PublicReads: ...

    def why_no_links(self, platform: Platform) -> str | None: ...

    def public_adapter(self, platform: Platform, *, market: str) -> Adapter: ...

    def oauth(self, platform: Platform) -> SignIn | None: ...

    def browser_sign_in(self, platform: Platform) -> BrowserSignIn | None: ...

    def connect_form(self, platform: Platform) -> ConnectForm | None: ...


class AccountRef(msgspec.Struct, frozen=True, kw_only=True):
    """How a request names a connection: by id, or by platform if the user has just one there.

    pointer: where in the request it stands, e.g. `/source`.
    """

    platform: Platform | None = None
    connection_id: str | None = None
    pointer: str = ""


AtHome: TypeAlias = Callable[[UserId, Platform], Awaitable[Connection]]
"""Connects a platform whose playlists stand in our own database."""


class Accounts:
    """Finds a user's connections and opens them."""

    def __init__(self, *, pool: Pool, sessions: Sessions, platforms: PlatformsPort, at_home: AtHome) -> None:
        self._pool = pool
        self._at_home = at_home
        self._sessions = sessions
        self._platforms = platforms

    async def find(self, user_id: UserId, ref: AccountRef) -> Connection:
        """Return the connection that is meant. A foreign one is as missing as one that never was.

        One to what stands in our own database is made where it is missing.

        Raises ConnectFirst, ConnectAgain, PlatformNotConfigured, ValidationFailed.
        """
        if ref.platform is not None:
            self._platforms.oauth(ref.platform)  # asks whether it is configured, and says what is missing
        found = await self._candidates(user_id, ref)
        if len(found) > 1:
            raise ValidationFailed(
                "Several accounts are connected there.", faults=(_ambiguous(ref, found=found),)
            )
        if not found and ref.platform is not None and self._platforms.is_kept_here(ref.platform):
            return await self._at_home(user_id, ref.platform)
        if not found:
            raise self._missing(ref)
        self.check_usable(found[0])
        return found[0]

    async def states(self, user_id: UserId, platform: Platform) -> set[ConnectionState]:
        """Return how the user's accounts there stand; none for who has not connected any."""
        found = await connections.list_of(self._pool, user_id, platform=platform)
        return {connection.state for connection in found}

    def check_usable(self, connection: Connection) -> None:
        """Raises ConnectAgain for a connection that only its user can make good."""
        if connection.state is not ConnectionState.CONNECTED:
            raise self._renew(connection)

    @asynccontextmanager
    async def speak_for(self, connection: Connection) -> AsyncIterator[Adapter]:
        """Give the connection's adapter for some calls, all of them within CHECK_TIMEOUT_S.

        Raises ConnectAgain, PlatformNotConfigured, PlatformUnavailable.
        """
        try:
            async with self._in_time(connection.platform):
                session = await self._sessions.open(connection.id)
                yield self._platforms.adapter(connection.platform, session=session)
        except ReconnectRequired as error:
            await connections.mark_refused(self._pool, connection.id, authorized_at=connection.authorized_at)
            raise self._renew(connection) from error

    @asynccontextmanager
    async def speak_for_nobody(self, platform: Platform, *, market: str) -> AsyncIterator[Adapter]:
        """Give an adapter that sees what everybody may see, for some calls within CHECK_TIMEOUT_S.

        Raises PlatformNotConfigured, PlatformUnavailable.
        """
        async with self._in_time(platform):
            yield self._platforms.public_adapter(platform, market=market)

    @asynccontextmanager
    async def _in_time(self, platform: Platform) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                yield
        except TimeoutError as error:
            raise PlatformUnavailable(
                f"{self._platforms.label(platform)} does not answer in time.",
                platform=platform,
                operation="check",
            ) from error

    async def _candidates(self, user_id: UserId, ref: AccountRef) -> list[Connection]:
        if ref.connection_id is None:
            return await connections.list_of(self._pool, user_id, platform=ref.platform)
        connection_id = parse_id(ref.connection_id)
        if connection_id is None:
            return []
        found = await connections.get(self._pool, ConnectionId(connection_id), user_id=user_id)
        return [found] if found else []

    def _missing(self, ref: AccountRef) -> ConnectFirst:
        if ref.platform is None:
            return ConnectFirst("You have no such connection.", platform=None)
        label = self._platforms.label(ref.platform)
        return ConnectFirst(f"No {label} account is connected yet.", platform=ref.platform)

    def _renew(self, connection: Connection) -> ConnectAgain:
        label = self._platforms.label(connection.platform)
        why = f"{label} no longer accepts the connection of {connection.label}"
        if connection.state is ConnectionState.DISCONNECTED:
            why = f"You have disconnected {connection.label} ({label})"
        return ConnectAgain(
            f"{why}: connect the account again.",
            platform=connection.platform,
            connection_id=connection.id,
        )


def parse_id(text: str) -> str | None:
    """Return an id of ours in its one spelling; None for what can be none."""
    try:
        parsed = str(uuid.UUID(text))
    except ValueError:
        return None
    return parsed if parsed == text.lower() else None


def _ambiguous(ref: AccountRef, *, found: list[Connection]) -> FieldFault:
    names = ", ".join(f"{one.id} ({one.label})" for one in found[:10])
    return FieldFault(f"{ref.pointer}/connection", f"Name one of your connections by its id: {names}.")

"""Sessions of nobody: how playlists that everybody may see are read without an account."""

import asyncio
from datetime import timedelta

from shared.clock import Clock
from shared.errors import PlatformDenied
from shared.models import Platform, TokenSet
from shared.platforms.oauth import OAuthClient

_AHEAD = timedelta(seconds=60)  # a token that ends so soon is replaced


class AppTokens:
    """An app's own tokens, kept in this process until they end; asked for once, however many wait."""

    def __init__(self, oauth: OAuthClient, *, clock: Clock) -> None:
        self._oauth = oauth
        self._clock = clock
        self._lock = asyncio.Lock()
        self._held: TokenSet | None = None

    async def current(self, *, rejected: TokenSet | None = None) -> TokenSet:
        """Return tokens that are valid now, not the rejected ones. Raises as OAuthClient.app_tokens does."""
        async with self._lock:
            if self._held is None or self._is_over(self._held) or self._held == rejected:
                self._held = await self._oauth.app_tokens()
            return self._held

    def _is_over(self, tokens: TokenSet) -> bool:
        return tokens.expires_at is not None and self._clock.now() >= tokens.expires_at - _AHEAD


class PublicSession:
    """Implements the Session port for nobody. app_tokens: None where calls need none, or sign themselves."""

    is_personal = False
    server = ""

    def __init__(self, platform: Platform, *, market: str, app_tokens: AppTokens | None = None) -> None:
        self.market = market
        self._platform = platform
        self._app_tokens = app_tokens

    async def tokens(self) -> TokenSet | None:
        return await self._app_tokens.current() if self._app_tokens else None

    async def refresh(self, *, rejected: TokenSet) -> TokenSet:
        if self._app_tokens is None:
            raise PlatformDenied(
                "The platform does not accept what this server signs its calls with.",
                platform=self._platform,
                operation="refresh_token",
            )
        return await self._app_tokens.current(rejected=rejected)

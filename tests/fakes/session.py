"""A connection whose tokens a test hands out."""

from collections.abc import Awaitable, Callable

from shared.errors import ReconnectRequired
from shared.models import TokenSet

Refresh = Callable[[TokenSet], Awaitable[TokenSet]]


class FakeSession:
    """Gives one token set; refresh gives the next one, and without one asks to reconnect."""

    is_personal = True

    def __init__(
        self, tokens: TokenSet, *, market: str = "", server: str = "", refresh: Refresh | None = None
    ) -> None:
        self.market = market
        self.server = server
        self.rejected: list[TokenSet] = []
        self._tokens = tokens
        self._refresh = refresh

    async def tokens(self) -> TokenSet:
        return self._tokens

    async def refresh(self, *, rejected: TokenSet) -> TokenSet:
        self.rejected.append(rejected)
        if self._refresh is None:
            raise ReconnectRequired("The account has to be connected again.")
        self._tokens = await self._refresh(rejected)
        return self._tokens

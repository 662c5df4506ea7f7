"""Ask everything that a request may need whether it is there."""

import asyncio

from shared.readiness import Readiness


class CheckHealth:
    """Answers per part: None where it is well, else what is wrong with it."""

    def __init__(self, *, readiness: Readiness, closing: asyncio.Event) -> None:
        self._readiness = readiness
        self._closing = closing

    async def __call__(self) -> dict[str, str | None]:
        leaving = "This process is about to stop." if self._closing.is_set() else None
        return {**await self._readiness(), "process": leaving}

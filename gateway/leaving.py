"""How the process is told to leave: at once, or after a while in which it still serves, unready."""

import asyncio
import contextlib
import signal


class Leaving:
    """Hears signals. SIGTERM leaves time to send new requests elsewhere; SIGINT, or a second signal, none."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._is_urgent = asyncio.Event()
        self._error: Exception | None = None

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.ask)
        loop.add_signal_handler(signal.SIGINT, self.urge)

    def ask(self) -> None:
        """Be told to leave; the second time it is urgent."""
        if self._told.is_set():
            self._is_urgent.set()
        self._told.set()

    def urge(self) -> None:
        """Be told to leave at once."""
        self._told.set()
        self._is_urgent.set()

    def fail(self, error: Exception) -> None:
        """Leave at once, because this process cannot do its work; `told` raises the error."""
        self._error = self._error or error
        self.urge()

    async def told(self) -> None:
        """Wait until it is time to leave. Raises what `fail` was given."""
        await self._told.wait()
        if self._error is not None:
            raise self._error

    async def linger(self, seconds: float) -> None:
        """Let so much time pass, less when it gets urgent."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_urgent.wait()

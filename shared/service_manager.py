"""Tells systemd, where it has started this process, that it is ready, that it lives and that it stops.

The protocol is sd_notify's: datagrams to the socket in NOTIFY_SOCKET. Without it nothing happens.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

_PINGS_PER_PERIOD = 3
"""One or two may come late without the process being taken for dead."""


class ServiceManager:
    """What started this process; an empty address means that nobody wants to hear."""

    def __init__(self, *, address: str, watchdog_s: float | None) -> None:
        """address: of the socket, as in NOTIFY_SOCKET. watchdog_s: silence after which we are ended."""
        self._address = address
        self._watchdog_s = watchdog_s

    @classmethod
    @asynccontextmanager
    async def listening(cls, environ: Mapping[str, str]) -> AsyncIterator["ServiceManager"]:
        """Speak to the manager that the environment names; tell it on and on that the event loop turns."""
        manager = cls(address=environ.get("NOTIFY_SOCKET", ""), watchdog_s=_watchdog_s(environ))
        pings = asyncio.create_task(manager._ping())
        try:
            yield manager
        finally:
            pings.cancel()
            await asyncio.wait([pings])

    def ready(self) -> None:
        self._tell("READY=1")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    async def _ping(self) -> None:
        while self._address and self._watchdog_s:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self._watchdog_s / _PINGS_PER_PERIOD)

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        # A manager that is away or slow costs a message, never the process; the loop waits for nobody.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(text.encode(), address)


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    """Return the period, if it is set and meant for this process and not for the one that started it."""
    period_us, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not period_us.isdigit() or int(period_us) == 0 or pid not in ("", str(os.getpid())):
        return None
    return int(period_us) / 1_000_000

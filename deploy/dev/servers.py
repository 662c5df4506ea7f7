"""What the embedded servers have in common: their environment and a free port."""

import socket
from collections.abc import Awaitable, Callable, Mapping

from deploy.dev.processes import Process, ProcessSpec, ProcessStartError

_ATTEMPTS = 3


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a server may see of our environment: no PG*, no locale of the user, none of our secrets."""
    unwanted = ("PG", "LC_", "LANG", "CROSSPLAY_", "OTEL_")
    kept = {name: value for name, value in environ.items() if not name.startswith(unwanted)}
    return kept | {"LC_ALL": "C.UTF-8"}


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def port_again(address: str, wanted: int) -> int:
    """Return a port of before where it is free there, else 0, for any."""
    try:
        with socket.create_server((address, wanted)):
            return wanted
    except OSError:
        return 0


async def start_on_free_port(
    spec_for: Callable[[int], ProcessSpec],
    *,
    answers: Callable[[int], Awaitable[bool]],
    ready_timeout_s: float,
    stop_timeout_s: float,
) -> tuple[Process, int]:
    """Start a server and wait until it answers on its port; both functions are given the port.

    The port is free on 127.0.0.1; one that is taken where the server runs, or was taken in the meantime,
    costs one of three attempts. Raises ProcessStartError.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        port = free_port()
        process = await Process.start(spec_for(port))
        try:
            await process.wait_ready(lambda port=port: answers(port), timeout_s=ready_timeout_s)  # type: ignore[misc] # mypy cannot infer a default argument
        except BaseException as error:
            await process.stop(timeout_s=stop_timeout_s)
            is_taken = isinstance(error, ProcessStartError) and "Address already in use" in str(error)
            if not is_taken or attempt == _ATTEMPTS:
                raise
        else:
            return process, port
    raise AssertionError("the last attempt returns or raises")

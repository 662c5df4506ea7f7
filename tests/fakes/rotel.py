"""A real OTLP collector in front of a receiver of ours: what arrives there was read by others before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

from deploy.dev.processes import ProcessSpec
from deploy.dev.servers import free_port, server_environment, start_on_free_port


@asynccontextmanager
async def collector(directory: Path, *, onward_url: str | None = None) -> AsyncIterator[str]:
    """Run rotel, which hands what it takes on to another receiver, or to nobody; yield its own address."""
    onward: tuple[str, ...] = ("--exporter", "blackhole")
    if onward_url is not None:
        onward = ("--exporter", "otlp", "--otlp-exporter-protocol", "http")
        onward += ("--otlp-exporter-endpoint", onward_url)

    def spec(port: int) -> ProcessSpec:
        return ProcessSpec(
            name="rotel",
            command=(
                *(str(files("rotel").joinpath("rotel-agent")), "start"),
                *("--pid-file", str(directory / "rotel.pid"), "--log-file", str(directory / "rotel.log")),
                *("--otlp-http-endpoint", f"127.0.0.1:{port}"),
                *("--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}"),
                *(*onward, "--batch-timeout", "50ms"),
            ),
            log_path=directory / "rotel.out",
            environment=server_environment({}),
        )

    process, port = await start_on_free_port(spec, answers=_answers, ready_timeout_s=10, stop_timeout_s=5)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await process.stop(timeout_s=5)


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True

"""A real OTLP collector in front of a receiver of ours: what arrives there has passed somebody else's eyes."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from tests.ports import free_port
from tests.waiting import until_listening


@contextmanager
def collector(directory: Path, *, onward_url: str) -> Iterator[str]:
    """Run rotel, which hands spans and metrics on to another receiver; yield its own address."""
    http, grpc = free_port(), free_port()
    with (directory / "rotel.out").open("wb") as output:
        process = subprocess.Popen(
            [
                *(str(files("rotel").joinpath("rotel-agent")), "start"),
                *("--pid-file", str(directory / "rotel.pid"), "--log-file", str(directory / "rotel.log")),
                *("--otlp-http-endpoint", f"127.0.0.1:{http}", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"),
                *("--exporter", "otlp", "--otlp-exporter-protocol", "http"),
                *("--otlp-exporter-endpoint", onward_url, "--batch-timeout", "20ms"),
            ],
            env={},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            until_listening(http)
            yield f"http://127.0.0.1:{http}"
        finally:
            process.terminate()
            process.wait(10)

"""An append-only file of changes, so that a restarted sandbox goes on where it was."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from deploy.sandbox.changes import Change


class Journal:
    """Keeps one change a line; a line counts once its line feed is there."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Tokens stand in the file: nobody else may read it.
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b")
        self._encoder = msgspec.json.Encoder()

    def replay(self) -> Iterator[Change]:
        """Yield every whole line, and cut off a torn last one, whose writer was killed."""
        decoder = msgspec.json.Decoder(Change)
        self._file.seek(0)
        whole_bytes = 0
        for raw in self._file:
            if not raw.endswith(b"\n"):
                break
            whole_bytes += len(raw)
            yield decoder.decode(raw)
        self._file.truncate(whole_bytes)

    def append(self, change: Change) -> None:
        """Write a change and hand it to the operating system before returning."""
        self._file.write(self._encoder.encode(change) + b"\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()

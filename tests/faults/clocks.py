"""The wall clock of a process, which a test may turn while it runs (needs libfaketime)."""

import itertools
from pathlib import Path

import pytest

_PLACES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1")


class WrongClock:
    """Counts like the true one until it is turned. Monotonic time stays what it is."""

    def __init__(self, path: Path) -> None:
        library = next(itertools.chain(*(Path("/").glob(place[1:]) for place in _PLACES)), None)
        if library is None:
            pytest.skip("libfaketime is not installed (apt-get install faketime)")
        self._path = path
        self._library = library
        self.turn(hours=0)

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs in its environment to go by this clock."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def turn(self, *, hours: int) -> None:
        """Let it be so many hours ahead of the true time from now on."""
        # A reader must never find half a line.
        fresh = self._path.with_suffix(".new")
        fresh.write_text(f"{hours * 3600:+d}\n")
        fresh.replace(self._path)


def tidy_up(pid: int) -> None:
    """Remove what libfaketime would share with children of a process: it would outlive one that is killed."""
    for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
        (Path("/dev/shm") / name).unlink(missing_ok=True)

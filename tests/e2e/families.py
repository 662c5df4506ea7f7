"""Which processes a program has started, and whether they are gone."""

import contextlib
from pathlib import Path

import msgspec

from tests.waiting import until

PATIENCE_S = 30.0
_PROC = Path("/proc")
IS_VISIBLE = (_PROC / "self/stat").exists()
"""Whether this system shows processes as files."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A process; its number may be given away again, its start tells them apart."""

    pid: int
    started_ticks: int


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    member: Member
    parent_pid: int
    state: str


def family_of(pid: int) -> set[Member]:
    """Return all processes below this one, whatever their groups and sessions."""
    children: dict[int, list[Member]] = {}
    for seen in _all():
        children.setdefault(seen.parent_pid, []).append(seen.member)
    found: set[Member] = set()
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting += [member.pid for member in below]
    return found


def living(members: set[Member]) -> set[Member]:
    """Return those that still run; where nobody collects orphans, the dead stay as zombies."""
    return {seen.member for seen in _all() if seen.state != "Z"} & members


async def wait_gone(members: set[Member]) -> set[Member]:
    """Wait until they are gone; return those that are not, after a long time."""
    with contextlib.suppress(TimeoutError):
        await until(lambda: not living(members), patience_s=PATIENCE_S)
    return living(members)


def _all() -> list[_Seen]:
    found = []
    for entry in _PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended while we looked
            fields = entry.read_text().rpartition(")")[2].split()
            # state, parent … and the 22nd field of the file, the start
            member = Member(pid=int(entry.parent.name), started_ticks=int(fields[19]))
            found.append(_Seen(member=member, parent_pid=int(fields[1]), state=fields[0]))
    return found

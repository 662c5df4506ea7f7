"""Platforms that other packages bring: what is installed under our entry points. Loads nothing by itself."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

PLATFORMS = "crossplay.platforms"
"""Entry points by the name of a platform; each leads to its Declaration."""
SETTINGS = "crossplay.settings"
"""Entry points by the name of a platform; each leads to a Struct with the platform's settings."""

_NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")


class PluginFault(SystemExit):
    """A package that names a platform does not fit: nothing starts, and the text says which one and why."""


@cache
def installed(group: str) -> Mapping[str, EntryPoint]:
    """Return the entry points of a group by their names, sorted. Raises PluginFault."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        if not _NAME.fullmatch(point.name):
            raise PluginFault(
                f"{_told(point)} is no name of a platform: use small letters, digits and `_`, from 2 to 31."
            )
        if point.name in found:
            raise PluginFault(
                f"{_told(point)} is named by {_told(found[point.name])}, too: uninstall one of them."
            )
        found[point.name] = point
    return found


def load(point: EntryPoint) -> object:
    """Import what an entry point leads to. Raises PluginFault."""
    try:
        return point.load()
    except Exception as error:
        raise PluginFault(f"{_told(point)} cannot be loaded: {type(error).__name__}: {error}") from error


def _told(point: EntryPoint) -> str:
    package = point.dist.name if point.dist else "a package"
    return f"`{point.name}` of {package} ({point.group})"

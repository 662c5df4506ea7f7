"""How people name the two ends of a transfer on the command line."""

import re
from uuid import UUID

from deploy.cli.exits import CommandStopped, Exit

_SPOTIFY_URI_REST = re.compile(r"playlist:\w+")


def account_of(word: str) -> dict[str, str]:
    """Return `{"connection": id}` for an id, else `{"platform": name}`."""
    try:
        return {"connection": str(UUID(word))}
    except ValueError:
        return {"platform": word.lower().replace("-", "_")}


def source_of(text: str) -> dict[str, str]:
    """Read SOURCE:PLAYLIST, split at the first colon; the playlist is an id, an address or a name."""
    account, _, playlist = text.partition(":")
    if account.lower() in ("http", "https"):
        raise _usage(f"Put the platform before the address, such as spotify:{text}")
    if not account or not playlist:
        raise _usage(f"'{text}' names no playlist; write SOURCE:PLAYLIST, such as spotify:'Road Trip'")
    if account == "spotify" and _SPOTIFY_URI_REST.fullmatch(playlist):
        playlist = text  # a bare spotify:playlist:… URI names the platform by itself
    return {**account_of(account), "playlist": playlist}


def target_of(text: str, *, into: str | None) -> dict[str, str]:
    """Read TARGET or TARGET:NAME; `into` is the id of an existing playlist instead of a new one's name."""
    account, _, name = text.partition(":")
    if not account:
        raise _usage(f"'{text}' names no target; write TARGET or TARGET:NAME, such as apple_music")
    if into and name:
        raise _usage("A new NAME and --into exclude each other; give one of them.")
    target = account_of(account)
    if into:
        target["playlist"] = into
    elif name:
        target["name"] = name
    return target


def _usage(what: str) -> CommandStopped:
    return CommandStopped(what, code=Exit.USAGE_OR_CANCELLED)

"""How people name the two ends of a transfer on the command line."""

import re
from uuid import UUID

from deploy.cli.exits import CommandStopped, Exit

_SPOTIFY_URI_REST = re.compile(r"(playlist|track):\w+")


def account_of(word: str) -> dict[str, str]:
    """Return `{"connection": id}` for an id, else `{"platform": name}`."""
    try:
        return {"connection": str(UUID(word))}
    except ValueError:
        return {"platform": word.lower().replace("-", "_")}


def source_of(text: str) -> dict[str, str]:
    """Read SOURCE:PLAYLIST, split at the first colon; the playlist is an id, an address or a name.

    An address alone names its platform itself.
    """
    if text.lower().startswith(("http://", "https://")):
        return {"playlist": text}
    account, playlist = _split(text)
    if not account or not playlist:
        raise _usage(f"'{text}' names no playlist; write SOURCE:PLAYLIST, such as spotify:'Road Trip'")
    return {**account_of(account), "playlist": playlist}


def track_of(text: str) -> dict[str, str]:
    """Read PLATFORM:TRACK, split at the first colon; the track is an id or an address."""
    account, track = _split(text)
    if not account or not track:
        raise _usage(f"'{text}' names no track; write PLATFORM:TRACK, such as apple_music:1440000001")
    return {**account_of(account), "track": track}


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


def _split(text: str) -> tuple[str, str]:
    """Return the account and what is named there; a bare Spotify URI names the platform by itself."""
    account, _, named = text.partition(":")
    if account.lower() in ("http", "https"):
        raise _usage(f"Put the platform before the address, such as spotify:{text}")
    if account == "spotify" and _SPOTIFY_URI_REST.fullmatch(named):
        return account, text
    return account, named


def _usage(what: str) -> CommandStopped:
    return CommandStopped(what, code=Exit.USAGE_OR_CANCELLED)

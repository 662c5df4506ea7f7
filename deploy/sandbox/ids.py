"""The ids that each simulated platform gives: their form, and how one follows from a key."""

import hashlib
import re
import uuid
from collections.abc import Callable, Mapping
from functools import lru_cache

import msgspec

SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
_BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASE64URL = _BASE62 + "-_"


_SAVED = {"track": "", "album": "album:", "artist": "artist:"}


class Ids(msgspec.Struct, frozen=True, kw_only=True):
    """A platform's ids. track, playlist: derive one from a key; the same key gives the same id everywhere.

    artist: the same from a name, None where they look like those of tracks. saved: what stands before ids in
    a user's library, by kind. track_form: what its track ids look like, so that a world file's own ids can be
    kept.
    """

    track_form: re.Pattern[str]
    track: Callable[[str], str]
    playlist: Callable[[str], str]
    artist: Callable[[str], str] | None = None
    saved: Mapping[str, str] = msgspec.field(default_factory=lambda: _SAVED)


@lru_cache(maxsize=65536)
def spotify_id(key: str) -> str:
    """Derive 22 base62 characters."""
    return base62(f"spotify:{key}", length=22)


def apple_id(key: str) -> str:
    """Derive a catalog id of 12 digits."""
    return decimal(f"apple_music:{key}", length=12)


def youtube_id(key: str) -> str:
    """Derive a video id of 11 characters."""
    return in_alphabet(f"youtube:{key}", alphabet=_BASE64URL, length=11)


def youtube_playlist_id(key: str) -> str:
    """Derive a playlist id: PL and 32 characters."""
    halves = (in_alphabet(f"youtube:{part}:{key}", alphabet=_BASE64URL, length=16) for part in "ab")
    return "PL" + "".join(halves)


def soundcloud_urn(kind: str, key: str) -> str:
    """Derive the URN of a thing: its kind, in the plural, and a number of 10 digits."""
    return f"soundcloud:{kind}:{decimal(f'soundcloud:{key}', length=10)}"


def soundcloud_user(name: str) -> str:
    """Derive the URN of an account from its name."""
    return soundcloud_urn("users", f"user:{name}")


def base62(key: str, *, length: int) -> str:
    """Derive that many base62 characters, at most 22."""
    return in_alphabet(key, alphabet=_BASE62, length=length)


def in_alphabet(key: str, *, alphabet: str, length: int) -> str:
    """Derive that many characters of an alphabet, the least significant first."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:17])
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(alphabet))
        digits.append(alphabet[digit])
    return "".join(digits)


def decimal(key: str, *, length: int) -> str:
    """Derive a number of that many digits, which does not begin with 0."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    first = 10 ** (length - 1)
    return str(first + number % (9 * first))


IDS: dict[str, Ids] = {
    "spotify": Ids(
        track_form=SPOTIFY_ID,
        track=spotify_id,
        playlist=spotify_id,
        saved={kind: f"spotify:{kind}:" for kind in ("track", "album", "artist")},
    ),
    "apple_music": Ids(
        track_form=re.compile(r"[0-9]{1,19}"),
        track=apple_id,
        playlist=lambda key: f"p.{spotify_id(key)[:15]}",
    ),
    "youtube": Ids(
        track_form=re.compile(r"[0-9A-Za-z_-]{11}"), track=youtube_id, playlist=youtube_playlist_id
    ),
    "deezer": Ids(
        track_form=re.compile(r"[0-9]{1,19}"),
        track=lambda key: decimal(f"deezer:{key}", length=10),
        playlist=lambda key: decimal(f"deezer:{key}", length=11),
    ),
    "tidal": Ids(
        track_form=re.compile(r"[0-9]{1,9}"),
        track=lambda key: decimal(f"tidal:{key}", length=9),
        playlist=lambda key: str(uuid.uuid5(uuid.NAMESPACE_OID, f"tidal:{key}")),
    ),
    "soundcloud": Ids(
        track_form=re.compile(r"soundcloud:tracks:[0-9]{1,19}"),
        track=lambda key: soundcloud_urn("tracks", key),
        playlist=lambda key: soundcloud_urn("playlists", key),
        artist=soundcloud_user,
    ),
    "listenbrainz": Ids(
        track_form=re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        track=lambda key: str(uuid.uuid5(uuid.NAMESPACE_OID, f"listenbrainz:{key}")),
        playlist=lambda key: str(uuid.uuid5(uuid.NAMESPACE_OID, f"listenbrainz:playlist:{key}")),
    ),
    "subsonic": Ids(
        track_form=re.compile(r"[0-9a-f]{32}"),
        track=lambda key: hashlib.sha256(f"subsonic:{key}".encode()).hexdigest()[:32],
        playlist=lambda key: base62(f"subsonic:{key}", length=22),
    ),
}
"""By platform; those of other packages are added before a world is read, see simulations.add."""

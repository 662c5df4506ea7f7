"""Liked songs: what an account has hearted, told as a playlist with an id of its own."""

from shared.models import Playlist, PlaylistId

LIKED = PlaylistId("liked")
"""Names them on each platform that has them, see Capabilities.has_liked; no platform's own id looks so."""


def liked_songs(*, url: str, owner: str | None, track_count: int | None = None) -> Playlist:
    """Return the liked songs as playlists are listed. They are read newest first, as platforms show them."""
    return Playlist(
        id=LIKED, name="Liked Songs", url=url, owner=owner, track_count=track_count, writable=False
    )

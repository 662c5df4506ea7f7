"""SoundCloud, where every change of a playlist is one call that replaces all of it."""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from deploy.sandbox.options import Options
from shared.models import PlaylistId, TrackId
from shared.secret import Secret
from tests.contract.flavor import Flavor


def settings(url: URL) -> Mapping[str, Any]:
    return {
        "soundcloud_client_id": "fictional-client",
        "soundcloud_client_secret": Secret("fictional-secret"),
        "soundcloud_api_url": str(url),
        "soundcloud_sign_in_url": str(url),
    }


FLAVORS = {
    "soundcloud": Flavor(
        options=Options(platform="soundcloud"),
        settings=settings,
        absent_playlist=PlaylistId("soundcloud:playlists:1"),
        absent_track=TrackId("soundcloud:tracks:1"),
        # A track that is blocked in the listener's country stands in playlists like any other.
        odd_kind="unplayable",
        odd_reasons=frozenset(),
        add="replace_playlist",
        remove="replace_playlist",
        tells_length=False,
    )
}

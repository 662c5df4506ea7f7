"""Spotify, as apps in development mode and those with extended quota meet it."""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from deploy.sandbox.options import Options
from shared.models import NotTransferable, PlaylistId, TrackId
from tests.contract.flavor import Flavor


def settings(url: URL) -> Mapping[str, Any]:
    return {
        "spotify_client_id": "fictional-client",
        "spotify_api_url": str(url / "v1"),
        "spotify_accounts_url": str(url),
    }


def _flavor(options: Options) -> Flavor:
    return Flavor(
        options=options,
        settings=settings,
        absent_playlist=PlaylistId("0" * 22),
        absent_track=TrackId("9" * 22),
        local_row=NotTransferable.LOCAL_FILE,
        odd_kind="episode",
        delete="remove_library",
        has_offsets=True,
    )


FLAVORS = {
    "spotify": _flavor(Options(platform="spotify", regime="dev", item_keys="new")),
    "spotify-extended": _flavor(Options(platform="spotify", regime="extended", item_keys="old")),
}

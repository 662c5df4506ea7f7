"""TIDAL, whose pages are chained by cursors and whose rows are named by ids alone."""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from deploy.sandbox.options import Options
from shared.models import PlaylistId, TrackId
from shared.secret import Secret
from tests.contract.flavor import Flavor


def settings(url: URL) -> Mapping[str, Any]:
    return {
        "tidal_client_id": "fictional-client",
        "tidal_client_secret": Secret("fictional-secret"),
        "tidal_api_url": str(url / "v2"),
        "tidal_auth_url": str(url),
        "tidal_login_url": str(url),
    }


FLAVORS = {
    "tidal": Flavor(
        options=Options(platform="tidal", country="DE"),
        settings=settings,
        absent_playlist=PlaylistId("00000000-0000-4000-8000-000000000000"),
        absent_track=TrackId("999999999"),
        look_up=("get_tracks", "search"),
        tells_length=False,
        names_left_out=True,
    )
}

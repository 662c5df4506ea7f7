"""YouTube, whose Google project has a quota that no test uses up."""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from deploy.sandbox.options import Options
from shared.models import PlaylistId, TrackId
from shared.secret import Secret
from tests.contract.flavor import Flavor


def settings(url: URL) -> Mapping[str, Any]:
    return {
        "youtube_client_id": "1-fictional.apps.googleusercontent.com",
        "youtube_client_secret": Secret("fictional-secret"),
        "youtube_api_key": Secret("fictional-key"),
        "youtube_api_url": str(url / "youtube/v3"),
        "youtube_auth_url": str(url),
        "youtube_token_url": str(url),
    }


FLAVORS = {
    "youtube": Flavor(
        options=Options(platform="youtube", daily_units=1_000_000, daily_searches=10_000),
        settings=settings,
        absent_playlist=PlaylistId("PL" + "0" * 32),
        absent_track=TrackId("00000000000"),
        has_isrcs=False,
        has_bare_albums=True,
        created_status="200",
    )
}

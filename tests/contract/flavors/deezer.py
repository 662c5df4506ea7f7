"""Deezer, with an app key of the old days; its rows with their ISRCs as today, and without as until 2023."""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from deploy.sandbox.options import Options
from shared.models import NotTransferable, PlaylistId, TrackId
from shared.secret import Secret
from tests.contract.flavor import Flavor


def settings(url: URL) -> Mapping[str, Any]:
    return {
        "deezer_app_id": "123456",
        "deezer_app_secret": Secret("fictional-secret"),
        "deezer_api_url": str(url),
        "deezer_accounts_url": str(url),
    }


def _flavor(options: Options) -> Flavor:
    return Flavor(
        options=options,
        settings=settings,
        absent_playlist=PlaylistId("99999999999999"),
        absent_track=TrackId("99999999999999"),
        local_row=NotTransferable.LOCAL_FILE,
        # Nothing but music stands in playlists; another upload is as odd as it gets.
        odd_kind="local",
        odd_reasons=frozenset({NotTransferable.LOCAL_FILE}),
        look_up=("lookup_isrc", "search"),
        can_refresh=False,
        offset_name="index",
        has_offsets=True,
        has_short_albums=True,
    )


FLAVORS = {
    "deezer": _flavor(Options(platform="deezer")),
    "deezer-2023": _flavor(Options(platform="deezer", has_row_isrcs=False)),
}

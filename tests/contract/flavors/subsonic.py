"""A user's own Subsonic server: one that takes forms, and one that has the address alone."""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from deploy.sandbox.options import Options
from shared.models import NotTransferable, Platform, PlaylistId, TrackId
from shared.platforms.registry import Platforms
from tests.contract.flavor import Flavor
from tests.fakes.session import FakeSession


def settings(_: URL) -> Mapping[str, Any]:
    return {"subsonic_allowed_networks": "127.0.0.0/8"}


async def connect(platforms: Platforms, platform: Platform, url: URL) -> FakeSession:
    """Fill the form in as a user does."""
    form = platforms.connect_form(platform)
    assert form is not None
    filled = form.fill({"address": str(url), "user": "sandbox", "password": "sandbox"})
    return FakeSession(filled.tokens, market="", server=filled.server)


def _flavor(options: Options) -> Flavor:
    return Flavor(
        options=options,
        settings=settings,
        absent_playlist=PlaylistId("0" * 22),
        absent_track=TrackId("0" * 32),
        connect=connect,
        # Everything there is a file of the user's own.
        odd_kind="video",
        odd_reasons=frozenset({NotTransferable.VIDEO}),
        head="list_playlists",
        revoked="user",
        can_refresh=False,
        has_copy=True,
        lists_at_once=True,
        has_track_pages=False,
        has_market=True,
    )


FLAVORS = {
    "subsonic": _flavor(Options(platform="subsonic")),
    "subsonic-get": _flavor(Options(platform="subsonic", form_post=False)),
}

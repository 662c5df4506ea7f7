"""Files: a platform without HTTP, so faults of the wire and what a sandbox counts do not apply."""

from deploy.sandbox.options import Options
from shared.models import PlaylistId, TrackId
from tests.contract.flavor import Flavor

FLAVORS = {
    "file": Flavor(
        options=Options(platform="file"),
        settings=lambda _: {},
        absent_playlist=PlaylistId("3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"),
        absent_track=TrackId("0" * 32),
        can_refresh=False,
        has_offsets=True,
        has_http=False,
        finds_plain_text=False,
    )
}

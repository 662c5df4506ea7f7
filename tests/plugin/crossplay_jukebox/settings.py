"""What an operator may set: each field is a variable CROSSPLAY_JUKEBOX_…, read and told as all others are."""

from typing import Annotated

import msgspec


class JukeboxSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Every platform has these three; fields beside them are its own."""

    jukebox_api_url: Annotated[str, msgspec.Meta(description="Base address of the jukebox.")] = (
        "https://jukebox.example/api"
    )
    jukebox_requests_per_s: (
        Annotated[
            float, msgspec.Meta(gt=0, description="Limit of all workers together; empty: the profile's.")
        ]
        | None
    ) = None
    jukebox_visibility_s: (
        Annotated[
            float,
            msgspec.Meta(ge=0, description="Wait before a lost write is read back; empty: the adapter's."),
        ]
        | None
    ) = None

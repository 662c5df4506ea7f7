"""All simulated platforms: how each one speaks, and what it answers to."""

from collections.abc import Callable

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Voice
from deploy.sandbox.apple_music.app import apple_music_routes
from deploy.sandbox.apple_music.voice import AppleMusicVoice
from deploy.sandbox.deezer.app import deezer_routes
from deploy.sandbox.deezer.voice import DeezerVoice
from deploy.sandbox.desk import Desk
from deploy.sandbox.ids import IDS, Ids
from deploy.sandbox.listenbrainz.app import listenbrainz_routes
from deploy.sandbox.listenbrainz.voice import ListenBrainzVoice
from deploy.sandbox.soundcloud.app import soundcloud_routes
from deploy.sandbox.soundcloud.voice import SoundCloudVoice
from deploy.sandbox.spotify.app import spotify_routes
from deploy.sandbox.spotify.voice import SpotifyVoice
from deploy.sandbox.subsonic.app import subsonic_routes
from deploy.sandbox.subsonic.voice import SubsonicVoice
from deploy.sandbox.tidal.app import tidal_routes
from deploy.sandbox.tidal.voice import TidalVoice
from deploy.sandbox.youtube.app import youtube_routes
from deploy.sandbox.youtube.voice import YouTubeVoice


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """One platform. voice: its error bodies. routes: every route, the last one for whatever is left.

    is_limit_per_address: its limit counts each calling address for itself, not all calls together.
    """

    voice: Callable[[], Voice]
    routes: Callable[[Desk], list[web.RouteDef]]
    is_limit_per_address: bool = False


SIMULATIONS: dict[str, Simulation] = {
    "spotify": Simulation(voice=SpotifyVoice, routes=spotify_routes),
    "apple_music": Simulation(voice=AppleMusicVoice, routes=apple_music_routes),
    "youtube": Simulation(voice=YouTubeVoice, routes=youtube_routes),
    "deezer": Simulation(voice=DeezerVoice, routes=deezer_routes, is_limit_per_address=True),
    "listenbrainz": Simulation(
        voice=ListenBrainzVoice, routes=listenbrainz_routes, is_limit_per_address=True
    ),
    "tidal": Simulation(voice=TidalVoice, routes=tidal_routes),
    "soundcloud": Simulation(voice=SoundCloudVoice, routes=soundcloud_routes),
    "subsonic": Simulation(voice=SubsonicVoice, routes=subsonic_routes),
}


def add(platform: str, simulation: Simulation, *, ids: Ids) -> None:
    """Take in a platform of another package. Worlds that are read from now on have it."""
    SIMULATIONS[platform] = simulation
    IDS[platform] = ids

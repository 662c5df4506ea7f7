"""All simulated platforms: how each one speaks, and what it answers to."""

from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Voice
from deploy.sandbox.apple_music.app import apple_music_routes
from deploy.sandbox.apple_music.voice import AppleMusicVoice
from deploy.sandbox.desk import Desk
from deploy.sandbox.spotify.app import spotify_routes
from deploy.sandbox.spotify.voice import SpotifyVoice
from deploy.sandbox.youtube.app import youtube_routes
from deploy.sandbox.youtube.voice import YouTubeVoice


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """One platform. voice: its error bodies. routes: every route, the last one for whatever is left."""

    voice: Callable[[], Voice]
    routes: Callable[[Desk], list[web.RouteDef]]


SIMULATIONS: Mapping[str, Simulation] = {
    "spotify": Simulation(voice=SpotifyVoice, routes=spotify_routes),
    "apple_music": Simulation(voice=AppleMusicVoice, routes=apple_music_routes),
    "youtube": Simulation(voice=YouTubeVoice, routes=youtube_routes),
}

"""Looks at the music platforms' settings and at the address under which they send users back."""

import re
from collections.abc import Iterator
from typing import NoReturn

import aiohttp

from deploy.doctor.findings import Finding, fail, ok, warn, words_of
from deploy.platforms.table import how_to
from gateway.actions.redirect_uri import is_trusted_origin, redirect_uri
from shared.clock import SystemClock
from shared.errors import SettingsError
from shared.models import Platform
from shared.platforms.apple_music.musickit import developer_token
from shared.platforms.registry import Platforms, declarations
from shared.setting_rules import Fault
from shared.settings import Settings, variable_of

_ANSWER_S = 5.0
_SPOTIFY_ID = re.compile(r"[0-9a-f]{32}")
_OVERRIDES = ("_per_s", "_per_day", "_visibility_s")
_APPLE_ID = re.compile(r"[A-Z0-9]{10}")


async def examine(settings: Settings) -> list[Finding]:
    platforms = Platforms(settings, budgets=_no_budget)
    return [
        *[
            finding
            for platform in Platform
            for finding in credentials(platform, settings=settings, known=platforms)
        ],
        public_url(settings),
        *await _reached(settings),
    ]


def credentials(platform: Platform, *, settings: Settings, known: Platforms) -> Iterator[Finding]:
    """Say whether a platform can be used with what is set for it, and what has to be entered there."""
    label, needed = known.label(platform), known.missing(platform)
    lacking = known.missing_to_connect(platform)
    set_names = [name for name in _names(platform) if getattr(settings, name)]
    if lacking and set_names:
        variables = ", ".join(map(variable_of, lacking))
        yield fail(
            platform, f"{label} is set up by half: {variables} missing.", cure=f"See {how_to(platform)}."
        )
    elif needed:
        yield warn(
            platform, f"{label} is not set up.", cure=f"If users shall have it, see {how_to(platform)}."
        )
    elif known.is_kept_here(platform):
        yield ok(platform, f"{label} need no setup: they stand in this server's own database.")
    elif platform is Platform.SPOTIFY:
        yield from _spotify(settings)
    elif platform is Platform.APPLE_MUSIC:
        yield from _apple_music(settings)
    elif platform is Platform.SUBSONIC:
        yield _subsonic(settings)
    else:
        yield _other(platform, settings=settings, known=known)


def public_url(settings: Settings) -> Finding:
    """Say whether browsers and platforms will trust the address of the gateway's pages."""
    url = settings.public_url
    cure = "Set CROSSPLAY_PUBLIC_URL to the https address under which users reach the gateway."
    if not url:
        return warn(
            "public url", "Without CROSSPLAY_PUBLIC_URL only this machine can sign users in.", cure=cure
        )
    if not is_trusted_origin(url):
        text = (
            f"{url} has no TLS: users sign in by `crossplay connect` or by pasting, and not to Apple Music."
        )
        return warn("public url", text, cure=cure)
    return ok("public url", f"Users are sent back to {url}.")


def signing_faults(settings: Settings) -> list[Fault]:
    """Return what keeps roles from starting beyond the settings' own rules: a key that cannot sign."""
    if Platforms(settings, budgets=_no_budget).missing(Platform.APPLE_MUSIC):
        return []
    try:
        developer_token(settings, SystemClock()).current()
    except SettingsError as error:
        sentences = [fault.removesuffix(".").partition(" ") for fault in error.faults]
        return [Fault(variable=name, what=what) for name, _, what in sentences]
    return []


def _spotify(settings: Settings) -> Iterator[Finding]:
    is_real = settings.spotify_accounts_url == Settings().spotify_accounts_url
    if is_real and not _SPOTIFY_ID.fullmatch(settings.spotify_client_id):
        yield warn(
            Platform.SPOTIFY,
            "CROSSPLAY_SPOTIFY_CLIENT_ID does not look like one: 32 digits and letters a to f.",
            cure="Copy it from your app at developer.spotify.com/dashboard.",
        )
    else:
        uri = _uri(settings, Platform.SPOTIFY)
        yield ok(Platform.SPOTIFY, f"Spotify is set up. Its dashboard must have the redirect URI {uri}")


def _uri(settings: Settings, platform: Platform) -> str:
    """Return where the platform sends users back to."""
    return redirect_uri(settings.public_url or f"http://127.0.0.1:{settings.port}", platform=platform)


def _apple_music(settings: Settings) -> Iterator[Finding]:
    for name in ("apple_music_team_id", "apple_music_key_id"):
        is_real = settings.apple_music_api_url == Settings().apple_music_api_url
        if is_real and not _APPLE_ID.fullmatch(getattr(settings, name)):
            yield warn(
                Platform.APPLE_MUSIC,
                f"{variable_of(name)} does not look like one: 10 digits and capital letters.",
                cure="Copy it from developer.apple.com/account.",
            )
            return
    yield ok(Platform.APPLE_MUSIC, "Apple Music is set up; its key can sign.")


def _other(platform: Platform, *, settings: Settings, known: Platforms) -> Finding:
    """Say what a platform has to know of this server, whose keys have no form that could be checked."""
    label = known.label(platform)
    if lacking := known.missing_to_connect(platform):
        variables = ", ".join(map(variable_of, lacking))
        return ok(platform, f"{label}: what is public can be read. To connect accounts: {variables}.")
    if declarations()[platform].oauth is None:
        return ok(platform, f"{label} is set up.")
    return ok(
        platform, f"{label} is set up. Its app there must have the redirect URI {_uri(settings, platform)}"
    )


def _subsonic(settings: Settings) -> Finding:
    networks = settings.subsonic_allowed_networks
    if not networks:
        return ok(Platform.SUBSONIC, "Users may connect Subsonic servers that have a public https address.")
    if not settings.public_url.startswith("https://"):
        return warn(
            Platform.SUBSONIC,
            f"Users may connect Subsonic servers in {networks}, and type passwords on pages without TLS.",
            cure="Set CROSSPLAY_PUBLIC_URL to an https address, unless everybody in between is trusted.",
        )
    return ok(Platform.SUBSONIC, f"Users may connect Subsonic servers, those in {networks} too.")


async def _reached(settings: Settings) -> list[Finding]:
    """Ask the gateway under its public address, as this machine sees it."""
    if not settings.public_url:
        return []
    url = f"{settings.public_url.rstrip('/')}/healthz"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_S)) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return [_unreached(f"{url} does not answer: {words_of(error)}.")]
    if status != 200:
        return [_unreached(f"{url} answers {status}.")]
    return [ok("gateway", f"{url} answers.")]


def _unreached(text: str) -> Finding:
    cure = "Start a gateway, check the proxy in front of it; from inside some networks this may be right."
    return warn("gateway", text, cure=cure)


def _names(platform: Platform) -> list[str]:
    """Return the settings of a platform that have no default, but for those that override its profile."""
    empty = Settings()
    return [
        name
        for name in Settings.__struct_fields__
        if name.startswith(f"{platform}_") and not name.endswith(_OVERRIDES) and not getattr(empty, name)
    ]


def _no_budget(*_: object) -> NoReturn:
    raise AssertionError("nothing is asked of a platform here")

"""All platforms of this process: what is configured, opened once, and built from the settings."""

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from typing import Self, TypeAlias

import msgspec

from shared.clock import Clock, SystemClock
from shared.errors import PlatformNotConfigured
from shared.installed import PLATFORMS, PluginFault, installed, load
from shared.models import Platform, PlaylistId
from shared.platforms.apple_music.adapter import DECLARATION as APPLE_MUSIC
from shared.platforms.base import Adapter, BrowserSignIn, Budget, Capabilities, Session
from shared.platforms.call import NO_PROOF
from shared.platforms.collections import collection_in
from shared.platforms.declaration import Declaration
from shared.platforms.deezer.adapter import DECLARATION as DEEZER
from shared.platforms.files.adapter import DECLARATION as FILES
from shared.platforms.forms import ConnectForm
from shared.platforms.http import BudgetOf, Endpoint, PlatformHttp
from shared.platforms.listenbrainz.adapter import DECLARATION as LISTENBRAINZ
from shared.platforms.oauth import TOKEN_REFUSALS, OAuthClient
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, PublicReads, SignInTerms
from shared.platforms.public import AppTokens, PublicSession
from shared.platforms.shelf import Shelf
from shared.platforms.soundcloud.adapter import DECLARATION as SOUNDCLOUD
from shared.platforms.spotify.adapter import DECLARATION as SPOTIFY
from shared.platforms.subsonic.adapter import DECLARATION as SUBSONIC
from shared.platforms.tidal.adapter import DECLARATION as TIDAL
from shared.platforms.values import is_link
from shared.platforms.youtube.adapter import DECLARATION as YOUTUBE
from shared.settings import PREFIX, Settings

Budgets: TypeAlias = Callable[[PlatformProfile, str], Budget]
"""Gives the budget of a limiter key: a text that names what the platform counts requests by."""

_OWN = (SPOTIFY, APPLE_MUSIC, TIDAL, YOUTUBE, SOUNDCLOUD, SUBSONIC, LISTENBRAINZ, DEEZER, FILES)


def declarations() -> dict[Platform, Declaration]:
    """Return the declarations of all platforms, those of other packages too. Raises PluginFault."""
    known = {one.profile.platform: one for one in _OWN}
    for name, point in installed(PLATFORMS).items():
        declared = load(point)
        if not isinstance(declared, Declaration) or declared.profile.platform != name or name in known:
            raise PluginFault(
                f"The entry point `{name}` of {PLATFORMS} must lead to the Declaration of a platform of this "
                "name that Crossplay does not have itself."
            )
        known[Platform(name)] = declared
    return known


_DECLARATIONS = declarations()


class Platforms:
    """Open it with `async with`; the platforms that the settings lack something for stay closed.

    shelf: where the playlists of files stand; None where nobody asks for them.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        budgets: Budgets,
        clock: Clock | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._settings = settings
        self._shelf = shelf
        self._budgets = budgets
        self._clock = clock or SystemClock()
        self._open = AsyncExitStack()
        self._paths: dict[Platform, PlatformHttp] = {}
        self._oauths: dict[Platform, OAuthClient] = {}
        self._browsers: dict[Platform, BrowserSignIn] = {}
        self._app_tokens: dict[Platform, AppTokens] = {}
        self._shared: dict[Platform, Budget] = {}

    async def __aenter__(self) -> Self:
        """Raises SettingsError where a configured key cannot sign."""
        async with AsyncExitStack() as stack:
            for platform, declared in _DECLARATIONS.items():
                if self.is_kept_here(platform):
                    continue
                if self.is_configured(platform) or self._reads_publicly(platform):
                    self._paths[platform] = await stack.enter_async_context(self._path(declared))
                    if not self.missing_to_connect(platform) or declared.public.has_app_tokens:
                        await self._open_oauth(declared, stack)
                    if declared.browser is not None and self.is_configured(platform):
                        self._browsers[platform] = declared.browser(self._settings, self._clock)
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def is_configured(self, platform: Platform) -> bool:
        return not self.missing(platform)

    def missing(self, platform: Platform) -> tuple[str, ...]:
        """Return the settings that a platform still needs to be usable."""
        return self._unset(_DECLARATIONS[platform].required)

    @staticmethod
    def platform_of(link: str) -> Platform | None:
        """Return the platform that a playlist's web address belongs to, set up here or not."""
        if not is_link(link):
            return None
        declared = _DECLARATIONS.items()
        return next((platform for platform, one in declared if _knows(one, link)), None)

    @staticmethod
    def playlist_id_of(platform: Platform, text: str) -> PlaylistId | None:
        """Return the id in what may be an id or an address of that platform."""
        return _DECLARATIONS[platform].playlist_id_of(text)

    def missing_to_connect(self, platform: Platform) -> tuple[str, ...]:
        """Return the settings that connecting an account still needs; what is public may do with less."""
        declared = _DECLARATIONS[platform]
        return self._unset((*declared.required, *declared.required_to_connect))

    def _unset(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if not getattr(self._settings, name))

    def profile(self, platform: Platform) -> PlatformProfile:
        """Return the platform's limits, with what the settings know better of its pools."""
        profile = _DECLARATIONS[platform].profile
        pools = {name: self._pool(platform, name, pool) for name, pool in profile.pools.items()}
        return msgspec.structs.replace(profile, pools=pools)

    def limit_key(self, platform: Platform) -> str:
        """Return what names the budget: whose requests the platform counts together.

        Where each server of a user's counts for itself, this is where all their names begin.
        """
        profile = _DECLARATIONS[platform].profile
        counted_by = getattr(self._settings, profile.counted_by) if profile.counted_by else ""
        return f"{profile.scope}:{counted_by}"

    def capabilities(self, platform: Platform) -> Capabilities:
        """Return what the adapter can do, with what the settings know better."""
        capabilities = _DECLARATIONS[platform].capabilities
        delay_s = self._override(platform, "visibility_s")
        limits = [one for one in (self._settings.playlist_limit, capabilities.playlist_limit) if one]
        return msgspec.structs.replace(
            capabilities,
            visibility_delay_s=capabilities.visibility_delay_s if delay_s is None else delay_s,
            playlist_limit=min(limits, default=None),
        )

    def sign_in_terms(self, platform: Platform) -> SignInTerms:
        """Return how long a sign-in lives there, and where its user ends it."""
        return _DECLARATIONS[platform].sign_in

    def public_reads(self, platform: Platform) -> PublicReads:
        """Return whether playlists can be read there without anybody's account."""
        return _DECLARATIONS[platform].public

    def why_no_links(self, platform: Platform) -> str | None:
        """Say why links to playlists there are not read without an account; None where they are."""
        public = self.public_reads(platform)
        missing = self._unset(public.required)
        return public.reason or (self._not_set_up(platform, missing) if missing else None)

    def label(self, platform: Platform) -> str:
        """Return the platform's name as people write it."""
        return _DECLARATIONS[platform].label

    def is_kept_here(self, platform: Platform) -> bool:
        """Say whether its playlists stand in our own database, where nobody signs in."""
        return _DECLARATIONS[platform].shelve is not None

    def adapter(self, platform: Platform, *, session: Session) -> Adapter:
        """Build one connection's adapter; cheap. Raises PlatformNotConfigured."""
        self._require(platform, self.missing(platform))
        declared = _DECLARATIONS[platform]
        if declared.shelve is None:
            return self._over_http(declared, session)
        if self._shelf is None:
            raise LookupError(f"{platform}: this process was started without its shelf")
        return declared.shelve(self._shelf, session=session, capabilities=self.capabilities(platform))

    def public_adapter(self, platform: Platform, *, market: str) -> Adapter:
        """Build an adapter that reads what everybody may see, in the catalog of a country; cheap.

        Raises PlatformNotConfigured. Whether the platform lets anybody read so, `public_reads` tells.
        """
        self._require(platform, self._unset(self.public_reads(platform).required))
        session = PublicSession(
            platform,
            market=market or self._settings.public_market,
            app_tokens=self._app_tokens.get(platform),
        )
        return self._over_http(_DECLARATIONS[platform], session)

    def _over_http(self, declared: Declaration, session: Session) -> Adapter:
        platform = declared.profile.platform
        if declared.build is None:
            raise LookupError(f"{platform} is not reached over a network")
        return declared.build(
            self._paths[platform], session=session, capabilities=self.capabilities(platform)
        )

    def oauth(self, platform: Platform) -> OAuthClient | None:
        """Return the platform's sign-in; None where it has none. Raises PlatformNotConfigured."""
        self._require_to_connect(platform)
        return self._oauths.get(platform)

    def browser_sign_in(self, platform: Platform) -> BrowserSignIn | None:
        """Return the platform's sign-in by a script; None where it has none. Raises PlatformNotConfigured."""
        self._require_to_connect(platform)
        return self._browsers.get(platform)

    def connect_form(self, platform: Platform) -> ConnectForm | None:
        """Return what a user fills in to connect; None where that is another way. Raises as `oauth` does."""
        self._require_to_connect(platform)
        return _DECLARATIONS[platform].form

    def _reads_publicly(self, platform: Platform) -> bool:
        public = self.public_reads(platform)
        return public.is_possible and not self._unset(public.required)

    def _require(self, platform: Platform, missing: tuple[str, ...]) -> None:
        if missing:
            raise PlatformNotConfigured(self._not_set_up(platform, missing))

    def _not_set_up(self, platform: Platform, missing: tuple[str, ...]) -> str:
        return f"{self.label(platform)} is not set up on this server: {_to_set(missing)}"

    def _require_to_connect(self, platform: Platform) -> None:
        self._require(platform, self.missing(platform))
        if missing := self.missing_to_connect(platform):
            note = _DECLARATIONS[platform].connect_note
            raise PlatformNotConfigured(
                f"No {self.label(platform)} account can be connected on this server: {_to_set(missing)}{note}"
            )

    def _pool(self, platform: Platform, name: str, pool: Pool) -> Pool:
        """Return a pool as the settings know it: by its day, or, of paced ones, that of requests."""
        limit = None
        if pool.day_zone:
            limit = self._override(platform, f"{name}_per_day")
        elif name == REQUESTS and (requests_per_s := self._override(platform, "requests_per_s")) is not None:
            # A window that is smaller than its burst would be none.
            limit = max(requests_per_s * pool.window_s, pool.burst)
        return pool if limit is None else msgspec.structs.replace(pool, limit=limit)

    def _override(self, platform: Platform, name: str) -> float | None:
        value: float | None = getattr(self._settings, f"{platform}_{name}", None)
        return value

    def _path(self, declared: Declaration) -> PlatformHttp:
        platform = declared.profile.platform
        profile = self.profile(platform)
        endpoint = Endpoint(
            label=declared.label,
            profile=profile,
            base_url="" if declared.guard else getattr(self._settings, f"{platform}_api_url"),
            read_timeout_s=self._settings.read_timeout_s,
            send_timeout_s=self._settings.send_timeout_s,
            sign=declared.sign(self._settings, self._clock),
            can_refresh=declared.oauth is not None,
            refusals=declared.refusals,
            probe=declared.probe,
            reword=declared.reword,
            guard=declared.guard(self._settings) if declared.guard else None,
        )
        budget = self._server_budgets(profile) if declared.guard else self._budget(profile)
        return PlatformHttp(endpoint, budget=budget, clock=self._clock)

    def _server_budgets(self, profile: PlatformProfile) -> BudgetOf:
        beginning = self.limit_key(profile.platform)
        return lambda server: self._budgets(profile, beginning + server)

    async def _open_oauth(self, declared: Declaration, stack: AsyncExitStack) -> None:
        if declared.oauth is None:
            return
        app = declared.oauth(self._settings)
        profile = self.profile(declared.profile.platform)
        endpoint = Endpoint(
            label=declared.label,
            profile=profile,
            base_url=app.base_url,
            read_timeout_s=self._settings.read_timeout_s,
            send_timeout_s=self._settings.send_timeout_s,
            sign=lambda _: NO_PROOF,
            refusals=TOKEN_REFUSALS,
            reword=app.reword,
        )
        http = PlatformHttp(endpoint, budget=self._budget(profile), clock=self._clock)
        await stack.enter_async_context(http)
        oauth = OAuthClient(http, app=app, clock=self._clock)
        self._oauths[profile.platform] = oauth
        if declared.public.has_app_tokens:
            self._app_tokens[profile.platform] = AppTokens(oauth, clock=self._clock)

    def _budget(self, profile: PlatformProfile) -> Budget:
        """Return the one budget of everything that the platform counts together."""
        platform = profile.platform
        if platform not in self._shared:
            self._shared[platform] = self._budgets(profile, self.limit_key(platform))
        return self._shared[platform]


def _knows(declared: Declaration, link: str) -> bool:
    """Say whether an address is one of that platform's playlists or collections."""
    is_kept = collection_in(link, declared.capabilities.collections) is not None
    return is_kept or declared.playlist_id_of(link) is not None


def _to_set(names: tuple[str, ...]) -> str:
    return "its operator has to set " + ", ".join(f"{PREFIX}{name.upper()}" for name in names) + "."

"""What a platform folder declares about itself; the registry opens and builds from it."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from shared.address_guard import AddressGuard
from shared.clock import Clock
from shared.models import PlaylistId
from shared.platforms.answers import Refusal
from shared.platforms.base import Adapter, BrowserSignIn, Capabilities, Session
from shared.platforms.call import Call, Sign
from shared.platforms.forms import ConnectForm
from shared.platforms.http import PlatformHttp, Reword
from shared.platforms.oauth import OAuthApp, bearer
from shared.platforms.profile import PlatformProfile, PublicReads, SignInTerms
from shared.platforms.shelf import Shelf
from shared.settings import Settings


class Build(Protocol):
    """Makes one connection's adapter."""

    def __call__(self, http: PlatformHttp, *, session: Session, capabilities: Capabilities) -> Adapter: ...


class Shelve(Protocol):
    """Makes the adapter of playlists that stand in our own database."""

    def __call__(self, shelf: Shelf, *, session: Session, capabilities: Capabilities) -> Adapter: ...


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """A platform as its folder describes it.

    required: the settings without which it cannot be used. required_to_connect: those without which no
    account can be connected while what is public can be read; connect_note: what is to be known of them.
    sign: makes the signer of its calls, which is `oauth.bearer` for most; raises SettingsError for keys that
    cannot sign. oauth, browser, form: how users sign in, one of them. public: whether playlists can be read
    without an account. playlist_id_of: the adapter's own, by which a link's platform is known before there
    is an adapter. probe, reword: see Endpoint. guard: where users name servers of their own, which of them
    may be called; the profile then counts by server, and no setting says where the platform is. build,
    shelve: one of them; shelve where the playlists stand in our own database, so that nothing leaves this
    server and nobody signs in.
    """

    label: str
    profile: PlatformProfile
    capabilities: Capabilities
    sign_in: SignInTerms
    public: PublicReads
    playlist_id_of: Callable[[str], PlaylistId | None]
    required: tuple[str, ...]
    build: Build | None = None
    shelve: Shelve | None = None
    refusals: tuple[Refusal, ...] = ()
    sign: Callable[[Settings, Clock], Sign] = lambda _, __: bearer
    oauth: Callable[[Settings], OAuthApp] | None = None
    browser: Callable[[Settings, Clock], BrowserSignIn] | None = None
    form: ConnectForm | None = None
    probe: Call | None = None
    required_to_connect: tuple[str, ...] = ()
    connect_note: str = ""
    reword: Reword | None = None
    guard: Callable[[Settings], AddressGuard] | None = None

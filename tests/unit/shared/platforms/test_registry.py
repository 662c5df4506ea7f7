from typing import cast

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from yarl import URL

from shared.db.pool import Pool as StorePool
from shared.db.shelf import PostgresShelf
from shared.errors import PlatformNotConfigured, SettingsError
from shared.models import Platform, TokenSet
from shared.platforms.base import Adopter
from shared.platforms.oauth import SIGN_IN, new_verifier
from shared.platforms.profile import REQUESTS, Pool, Price
from shared.platforms.registry import Platforms, declarations
from shared.secret import Secret
from shared.settings import Settings
from tests.contract.sandboxes import FLAVORS
from tests.fakes.budget import FakeBudgets
from tests.fakes.session import FakeSession

PEM = (
    generate_private_key(SECP256R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
BOTH = Settings(
    spotify_client_id="client-1",
    apple_music_team_id="TEAM000001",
    apple_music_key_id="KEY0000001",
    apple_music_private_key=Secret(PEM),
    youtube_client_id="client-2",
    youtube_client_secret=Secret("secret-2"),
)
SHELF = PostgresShelf(cast("StorePool", None))  # no call is made
SESSION = FakeSession(TokenSet(access_token="token"), market="DE")


@pytest.mark.parametrize("platform", list(Platform))
async def test_configured_platform_gives_its_adapter(platform: Platform) -> None:
    settings = Settings(**FLAVORS[platform].settings(URL("http://127.0.0.1:9")))

    async with Platforms(settings, budgets=FakeBudgets(), shelf=SHELF) as platforms:
        adapter = platforms.adapter(platform, session=SESSION)

        assert platforms.is_configured(platform)
        assert adapter.platform is platform
        assert adapter.capabilities == platforms.capabilities(platform)
        assert platforms.profile(platform).platform is platform


@pytest.mark.parametrize(
    "platform", [platform for platform, declared in declarations().items() if declared.required]
)
async def test_unconfigured_platform_names_the_variables_that_are_missing(platform: Platform) -> None:
    async with Platforms(Settings(), budgets=FakeBudgets()) as platforms:
        with pytest.raises(PlatformNotConfigured, match=f"CROSSPLAY_{platform.upper()}_"):
            platforms.adapter(platform, session=SESSION)
        with pytest.raises(PlatformNotConfigured):
            platforms.oauth(platform)

        assert not platforms.is_configured(platform)
        assert platforms.capabilities(platform).add_batch > 0


async def test_half_configured_platform_names_only_what_is_missing() -> None:
    settings = Settings(apple_music_team_id="TEAM000001", apple_music_private_key=Secret(PEM))

    async with Platforms(settings, budgets=FakeBudgets()) as platforms:
        with pytest.raises(PlatformNotConfigured) as caught:
            platforms.adapter(Platform.APPLE_MUSIC, session=SESSION)

    assert "CROSSPLAY_APPLE_MUSIC_KEY_ID." in str(caught.value)
    assert "TEAM_ID" not in str(caught.value)


async def test_each_platform_has_one_budget_of_what_it_counts_and_sign_in_a_pool_of_its_own() -> None:
    budgets = FakeBudgets()

    async with Platforms(BOTH, budgets=budgets) as platforms:
        prices = [platforms.profile(Platform.SPOTIFY).price(name) for name in ("search", "refresh_token")]

    assert {"app:client-1", "project:client-2", "team:TEAM000001"} <= set(budgets.by_key)
    assert prices == [Price(), Price(pool=SIGN_IN)]


async def test_sign_in_exists_where_the_platform_has_one() -> None:
    async with Platforms(BOTH, budgets=FakeBudgets()) as platforms:
        oauth = platforms.oauth(Platform.SPOTIFY)

        assert oauth is not None
        assert "playlist-modify-private" in oauth.scopes
        assert platforms.oauth(Platform.APPLE_MUSIC) is None


async def test_settings_change_limit_and_visibility() -> None:
    settings = Settings(spotify_requests_per_s=50.0, apple_music_visibility_s=0.0)
    platforms = Platforms(settings, budgets=FakeBudgets())

    changed = platforms.profile(Platform.SPOTIFY), platforms.capabilities(Platform.APPLE_MUSIC)
    kept = platforms.profile(Platform.APPLE_MUSIC), platforms.capabilities(Platform.SPOTIFY)

    assert (changed[0].pools[REQUESTS], changed[1].visibility_delay_s) == (Pool(limit=1500, window_s=30), 0.0)
    assert changed[0].pools[SIGN_IN] == Pool(limit=75, window_s=30)
    assert (kept[0].pools[REQUESTS], kept[1].visibility_delay_s) == (Pool(limit=4, window_s=1), 2.0)


async def test_settings_change_what_a_day_gives_pool_by_pool() -> None:
    platforms = Platforms(Settings(youtube_searches_per_day=500.0), budgets=FakeBudgets())

    pools = platforms.profile(Platform.YOUTUBE).pools

    assert (pools["searches"].limit, pools[REQUESTS].limit) == (500, 10_000)
    assert pools["searches"].day_zone == "America/Los_Angeles"


@pytest.mark.parametrize("pem", ["-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----"])
async def test_key_that_cannot_sign_stops_the_start_and_is_not_shown(pem: str) -> None:
    settings = Settings(
        spotify_client_id="client-1",
        apple_music_team_id="TEAM000001",
        apple_music_key_id="KEY0000001",
        apple_music_private_key=Secret(pem),
    )

    with pytest.raises(SettingsError) as caught:
        async with Platforms(settings, budgets=FakeBudgets()):
            pass

    assert "CROSSPLAY_APPLE_MUSIC_PRIVATE_KEY" in str(caught.value)
    assert "nonsense" not in str(caught.value)


async def test_the_name_of_a_budget_is_the_one_that_requests_are_booked_under() -> None:
    budgets = FakeBudgets()

    async with Platforms(BOTH, budgets=budgets) as platforms:
        asked = [one for one in Platform if platforms.is_configured(one)]
        # Of the others each server counts for itself, or nobody does.
        limit_keys = {platforms.limit_key(one) for one in asked if platforms.profile(one).counted_by}

    assert limit_keys == set(budgets.by_key)


async def test_spotify_shows_its_dialog_to_who_has_agreed_before_too() -> None:
    async with Platforms(BOTH, budgets=FakeBudgets()) as platforms:
        oauth = platforms.oauth(Platform.SPOTIFY)
        assert oauth
        address = oauth.authorize_url(state="s", verifier=new_verifier(), redirect_uri="https://a.example/")

    assert URL(address).query["show_dialog"] == "true"


@pytest.mark.parametrize(
    ("script_url", "source"),
    [
        (Settings().apple_music_musickit_url, "https://*.music.apple.com"),
        ("http://127.0.0.1:9/musickit/v3/musickit.js", "http://127.0.0.1:9"),
        ("https://apple.com.evil.example/musickit.js", "https://apple.com.evil.example"),
    ],
)
async def test_a_sign_in_by_script_admits_the_hosts_of_its_script(script_url: str, source: str) -> None:
    settings = msgspec.structs.replace(BOTH, apple_music_musickit_url=script_url)

    async with Platforms(settings, budgets=FakeBudgets()) as platforms:
        script = platforms.browser_sign_in(Platform.APPLE_MUSIC)

        assert script
        assert script.script_url == script_url
        assert source in script.sources
        assert platforms.browser_sign_in(Platform.SPOTIFY) is None
        assert platforms.oauth(Platform.APPLE_MUSIC) is None


@pytest.mark.parametrize("platform", list(Platform))
async def test_what_takes_any_track_can_adopt_and_nothing_else_can(platform: Platform) -> None:
    settings = Settings(**FLAVORS[platform].settings(URL("http://127.0.0.1:9")))

    async with Platforms(settings, budgets=FakeBudgets(), shelf=SHELF) as platforms:
        adapter = platforms.adapter(platform, session=SESSION)

        assert isinstance(adapter, Adopter) is platforms.capabilities(platform).takes_any_track


async def test_what_is_kept_here_needs_no_setting_no_sign_in_and_no_budget() -> None:
    budgets = FakeBudgets()
    async with Platforms(Settings(), budgets=budgets, shelf=SHELF) as platforms:
        assert [one for one in Platform if platforms.is_kept_here(one)] == [Platform.FILE]
        assert platforms.is_configured(Platform.FILE)
        assert platforms.oauth(Platform.FILE) is None
        assert not any(key.startswith("server:") for key in budgets.by_key)


async def test_process_without_a_shelf_says_so_when_it_is_asked_for_files() -> None:
    async with Platforms(Settings(), budgets=FakeBudgets()) as platforms:
        with pytest.raises(LookupError, match="without its shelf"):
            platforms.adapter(Platform.FILE, session=SESSION)


@pytest.mark.parametrize(
    ("link", "platform"),
    [
        ("https://open.spotify.com/playlist/37i9dQZF1DXcBWIGoYBM5M?si=1", Platform.SPOTIFY),
        (
            "https://music.apple.com/us/playlist/hits/pl.f4d106fed2bd41149aaacabb233eb5eb",
            Platform.APPLE_MUSIC,
        ),
        ("https://tidal.com/playlist/36ea71a8-445e-41a4-82ab-6628c581535d", Platform.TIDAL),
        ("https://www.deezer.com/fr/playlist/908622995", Platform.DEEZER),
        ("https://soundcloud.com/the-paper-boats/sets/tides", Platform.SOUNDCLOUD),
        ("https://music.youtube.com/playlist?list=PLabcdefghij_-klmnop", Platform.YOUTUBE),
        ("https://open.spotify.com/track/37i9dQZF1DXcBWIGoYBM5M", None),
        ("https://example.org/playlist/37i9dQZF1DXcBWIGoYBM5M", None),
        ("37i9dQZF1DXcBWIGoYBM5M", None),  # an id is no link: it might be anybody's
    ],
)
def test_a_link_names_its_platform_set_up_or_not(link: str, platform: Platform | None) -> None:
    assert Platforms(Settings(), budgets=FakeBudgets()).platform_of(link) is platform


@pytest.mark.parametrize("platform", list(Platform))
async def test_what_everybody_may_see_is_read_in_nobodys_name_or_there_is_a_reason(
    platform: Platform,
) -> None:
    settings = Settings(**FLAVORS[platform].settings(URL("http://127.0.0.1:9")))

    async with Platforms(settings, budgets=FakeBudgets()) as platforms:
        public = platforms.public_reads(platform)

        if public.is_possible:
            assert platforms.public_adapter(platform, market="DE").platform is platform
        assert bool(public.reason) is not public.is_possible
        assert public.read_on >= "2026"


async def test_without_its_keys_a_platform_is_read_in_nobodys_name_neither() -> None:
    async with Platforms(Settings(), budgets=FakeBudgets()) as platforms:
        with pytest.raises(PlatformNotConfigured, match="CROSSPLAY_APPLE_MUSIC_TEAM_ID"):
            platforms.public_adapter(Platform.APPLE_MUSIC, market="DE")


@pytest.mark.parametrize(
    ("platform", "reason"),
    [
        (Platform.DEEZER, None),  # not set up, and not needed for that
        (Platform.APPLE_MUSIC, "CROSSPLAY_APPLE_MUSIC_TEAM_ID"),
        (Platform.SPOTIFY, "connect"),
    ],
)
def test_why_links_are_not_read_is_said_also_where_nothing_is_set_up(
    platform: Platform, reason: str | None
) -> None:
    told = Platforms(Settings(), budgets=FakeBudgets()).why_no_links(platform)

    assert told is None if reason is None else reason in str(told)

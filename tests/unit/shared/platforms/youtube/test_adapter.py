"""YouTube's calls: what they cost, how many they are, and what a refusal means."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from shared.errors import (
    CrossplayError,
    PlatformDenied,
    PlatformNotFound,
    PlatformRejected,
    PlatformUnavailable,
    RateLimited,
    ReconnectRequired,
    ValidationFailed,
)
from shared.models import NotTransferable, Platform, PlaylistId, TokenSet, TrackId
from shared.platforms.collections import Collection
from shared.platforms.profile import REQUESTS, Price
from shared.platforms.public import PublicSession
from shared.platforms.youtube.adapter import DECLARATION, SEARCHES, YouTubeAdapter
from shared.secret import Secret
from shared.settings import Settings
from tests.fakes.budget import FakeBudget
from tests.fakes.clock import FakeClock
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer, Path, opened
from worker.matching.query import Query

LIKED = Collection.LIKED.playlist_id
PLAYLIST = PlaylistId("PLabcdefghijklmnop")
TRACK = TrackId("abcdefghijk")
DAY_S = 40_000.0


def says(body: object, *, status: int = 200) -> dict[str, Any]:
    return {"text": msgspec.json.encode(body).decode(), "status": status}


def refuses(status: int, reason: str, *, message: str = "No.", domain: str = "global") -> dict[str, Any]:
    errors = [{"message": message, "domain": domain, "reason": reason}]
    return says({"error": {"code": status, "message": message, "errors": errors}}, status=status)


@pytest.fixture
async def path(answerer: Answerer) -> AsyncIterator[Path]:
    changes: dict[str, Any] = {
        "label": "YouTube",
        "profile": DECLARATION.profile,
        "reword": DECLARATION.reword,
    }
    async with opened(answerer.url, refusals=DECLARATION.refusals, **changes) as opened_path:
        opened_path.budget.renewed_in_s = DAY_S
        yield opened_path


@pytest.fixture
def budget(path: Path) -> FakeBudget:
    return path.budget


@pytest.fixture
def adapter(path: Path) -> YouTubeAdapter:
    async def refresh(tokens: TokenSet) -> TokenSet:
        return tokens

    session = FakeSession(TokenSet(access_token="token"), refresh=refresh)
    return YouTubeAdapter(path.http, session=session, capabilities=DECLARATION.capabilities)


async def add(adapter: YouTubeAdapter) -> None:
    await adapter.add_tracks(PLAYLIST, track_ids=[TRACK], position=3, key="k", gate=lambda: None)


@pytest.mark.parametrize(
    "refusal",
    [
        refuses(403, "quotaExceeded", domain="youtube.quota", message="You have exceeded your quota."),
        refuses(403, "dailyLimitExceeded", domain="usageLimits", message="Daily Limit Exceeded"),
        refuses(429, "rateLimitExceeded", message="Quota exceeded for … limit 'Search Queries per day' of …"),
    ],
    ids=["quotaExceeded", "dailyLimitExceeded", "rateLimitExceeded"],
)
async def test_quota_of_a_day_ends_the_pool_and_tells_how_long(
    adapter: YouTubeAdapter, answerer: Answerer, budget: FakeBudget, refusal: dict[str, Any]
) -> None:
    answerer.answers = [refusal]

    with pytest.raises(RateLimited) as caught:
        await adapter.search(Query(plain="Harbour Light"))

    assert caught.value.retry_after_s == DAY_S
    assert (budget.used_up, budget.cool_downs) == ([SEARCHES], [])
    assert len(answerer.requests) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        refuses(403, "rateLimitExceeded", message="Too fast."),
        refuses(403, "userRateLimitExceeded", message="Too fast."),
        refuses(429, "rateLimitExceeded", message="… limit 'Queries per minute per user' of …"),
    ],
    ids=["403", "403 of a user", "429"],
)
async def test_limit_of_a_minute_costs_no_day(
    adapter: YouTubeAdapter, answerer: Answerer, budget: FakeBudget, refusal: dict[str, Any]
) -> None:
    answerer.answers = [refusal]

    with pytest.raises(RateLimited) as caught:
        await add(adapter)

    assert caught.value.retry_after_s <= DECLARATION.profile.backoff_s
    assert budget.used_up == []
    assert [pool for pool, _ in budget.cool_downs] == [REQUESTS]


@pytest.mark.parametrize(
    ("target", "refusal", "kind", "words"),
    [
        (PLAYLIST, (400, "failedPrecondition"), PlatformRejected, "private or gone"),
        (PLAYLIST, (400, "manualSortRequired"), PlatformRejected, "does not accept"),
        (PLAYLIST, (404, "videoNotFound"), PlatformRejected, "no longer has this video"),
        (PLAYLIST, (404, "playlistNotFound"), PlatformNotFound, "does not know it"),
        (PLAYLIST, (403, "playlistContainsMaximumNumberOfVideos"), PlatformRejected, "full"),
        (PLAYLIST, (403, "insufficientPermissions"), ReconnectRequired, "connect it again"),
        (PLAYLIST, (403, "accessNotConfigured"), PlatformDenied, "not enabled"),
        (PLAYLIST, (403, "playlistItemsNotAccessible"), PlatformDenied, "does not allow"),
        (PLAYLIST, (401, "youtubeSignupRequired"), PlatformDenied, "open YouTube once"),
        (PLAYLIST, (500, "backendError"), PlatformUnavailable, "fault of its own"),
        (LIKED, (403, "videoRatingDisabled"), PlatformRejected, "lets nobody like"),
        (LIKED, (404, "videoNotFound"), PlatformRejected, "no longer has this video"),
        (LIKED, (400, "videoPurchaseRequired"), PlatformRejected, "does not accept"),
        (LIKED, (400, "emailNotVerified"), PlatformDenied, "mail address"),
    ],
)
async def test_refusal_of_an_addition_says_what_cures_it(
    adapter: YouTubeAdapter,
    answerer: Answerer,
    target: PlaylistId,
    refusal: tuple[int, str],
    kind: type[CrossplayError],
    words: str,
) -> None:
    answerer.answers = [refuses(*refusal)]

    with pytest.raises(kind, match=words) as caught:
        await adapter.add_tracks(target, track_ids=[TRACK], position=0, key="k", gate=lambda: None)

    assert type(caught.value) is kind
    assert len(answerer.requests) == (
        3 if refusal[0] == 401 else 1
    )  # other tokens do not help, and were tried


async def test_insert_sends_one_video_and_no_position(adapter: YouTubeAdapter, answerer: Answerer) -> None:
    answerer.answers = [says({"id": "row"})]

    await add(adapter)

    resource = {"kind": "youtube#video", "videoId": TRACK}
    assert msgspec.json.decode(answerer.bodies[0]) == {
        "snippet": {"playlistId": PLAYLIST, "resourceId": resource}
    }


async def test_like_and_its_end_are_ratings_of_one_video_at_the_price_of_a_write(
    adapter: YouTubeAdapter, answerer: Answerer, budget: FakeBudget
) -> None:
    answerer.answers = [{"status": 204}]

    await adapter.add_tracks(LIKED, track_ids=[TRACK], position=3, key="k", gate=lambda: None)
    await adapter.remove_tracks(LIKED, track_ids=[TRACK], gate=lambda: None)

    assert {(one.method, one.path) for one in answerer.requests} == {("POST", "/v1/videos/rate")}
    asked = [dict(one.query) for one in answerer.requests]
    assert asked == [{"id": TRACK, "rating": rating} for rating in ("like", "none")]
    assert answerer.bodies == [b"", b""]
    assert budget.prices == [Price(cost=50), Price(cost=50)]


async def test_liked_videos_are_rows_of_their_playlist_and_those_without_music_are_named(
    adapter: YouTubeAdapter, answerer: Answerer
) -> None:
    ids = [f"video-{number:05}" for number in range(2)]
    rows = [{"id": f"row-{one}", "snippet": {"title": one, "resourceId": {"videoId": one}}} for one in ids]
    videos = [
        {"id": one, "snippet": {"title": one, "categoryId": category}}
        for one, category in zip(ids, ("10", "25"), strict=True)
    ]
    answerer.answers = [says({"items": rows, "pageInfo": {"totalResults": 2}}), says({"items": videos})]

    page = await adapter.read_items(LIKED)

    assert answerer.requests[0].query["playlistId"] == "LL"
    assert [item.not_transferable for item in page.items] == [None, NotTransferable.VIDEO]


async def test_search_costs_one_search_and_one_unit(
    adapter: YouTubeAdapter, answerer: Answerer, budget: FakeBudget
) -> None:
    found = {"items": [{"id": {"videoId": TRACK}, "snippet": {"title": "A &amp; B"}}]}
    videos = {"items": [{"id": TRACK, "snippet": {"title": "A & B"}, "contentDetails": {"duration": "PT1S"}}]}
    answerer.answers = [says(found), says(videos)]

    (track,) = await adapter.search(Query(plain="A  B"))

    assert (track.title, track.duration_ms) == ("A & B", 1000)
    assert budget.prices == [Price(pool=SEARCHES), Price()]
    assert answerer.requests[0].query["q"] == "A B"
    assert answerer.requests[0].query["videoCategoryId"] == "10"


@pytest.mark.parametrize("operation", ["create_playlist", "add_tracks", "remove_tracks", "delete_playlist"])
def test_every_write_costs_fifty_units(operation: str) -> None:
    assert DECLARATION.profile.price(operation) == Price(cost=50)


async def test_videos_are_read_by_fifties_each_once_and_in_the_asked_order(
    adapter: YouTubeAdapter, answerer: Answerer
) -> None:
    ids = [TrackId(f"video-{number:05}") for number in range(60)]
    answerer.answers = [
        says({"items": [{"id": own_id} for own_id in reversed(ids[:50])]}),
        says({"items": [{"id": own_id} for own_id in reversed(ids[50:])]}),
    ]

    found = await adapter.read_tracks([*ids, ids[0]])

    assert list(found) == ids
    assert [len(request.query["id"].split(",")) for request in answerer.requests] == [50, 10]


async def test_removal_asks_for_the_rows_of_the_video_alone_and_takes_out_each(
    adapter: YouTubeAdapter, answerer: Answerer, budget: FakeBudget
) -> None:
    rows = {"items": [{"id": "one"}, {"id": "two"}], "pageInfo": {"totalResults": 2}}
    answerer.answers = [says(rows), {"status": 204}, refuses(404, "playlistItemNotFound")]

    await adapter.remove_tracks(PLAYLIST, track_ids=[TRACK], gate=lambda: None)

    assert answerer.requests[0].query["videoId"] == TRACK
    assert [(one.method, one.query["id"]) for one in answerer.requests[1:]] == [
        ("DELETE", "one"),
        ("DELETE", "two"),
    ]
    assert budget.prices == [Price(), Price(cost=50), Price(cost=50)]


async def test_videos_that_are_answered_with_nothing_do_not_look_removed(
    adapter: YouTubeAdapter, answerer: Answerer
) -> None:
    row = {"id": "row", "snippet": {"title": "Harbour Light", "resourceId": {"videoId": TRACK}}}
    answerer.answers = [says({"items": [row], "pageInfo": {"totalResults": 1}}), says({})]

    with pytest.raises(PlatformUnavailable):
        await adapter.read_items(PLAYLIST)


async def test_foreign_page_token_is_a_foreign_cursor(adapter: YouTubeAdapter, answerer: Answerer) -> None:
    answerer.answers = [refuses(400, "invalidPageToken")]

    with pytest.raises(ValidationFailed):
        await adapter.read_items(PLAYLIST, cursor="50/nonsense")


async def test_account_without_a_channel_is_told_what_to_do(
    adapter: YouTubeAdapter, answerer: Answerer
) -> None:
    answerer.answers = [says({"items": []})]

    with pytest.raises(PlatformDenied, match="make one"):
        await adapter.account()


async def test_playlist_of_somebody_else_can_be_read_and_not_written(
    adapter: YouTubeAdapter, answerer: Answerer
) -> None:
    playlist = {"id": PLAYLIST, "snippet": {"title": "Theirs", "channelId": "UCtheirs"}}
    answerer.answers = [says({"items": [playlist]}), says({"items": [{"id": "UCown"}]})]

    found = await adapter.get_playlist(PLAYLIST)

    assert (found.readable, found.writable) == (True, False)


async def test_nobody_reads_what_is_public_with_the_key_and_owns_nothing(answerer: Answerer) -> None:
    settings = Settings(youtube_api_key=Secret("public-key"))
    playlist = {"id": PLAYLIST, "snippet": {"title": "Shared", "channelId": "UCtheirs"}}
    answerer.answers = [says({"items": [playlist]})]

    async with opened(answerer.url, sign=DECLARATION.sign(settings, FakeClock())) as public:
        nobody = PublicSession(Platform.YOUTUBE, market="US")
        adapter = YouTubeAdapter(public.http, session=nobody, capabilities=DECLARATION.capabilities)
        found = await adapter.get_playlist(PLAYLIST)

    assert (found.name, found.writable) == ("Shared", False)
    (request,) = answerer.requests
    assert request.query["key"] == "public-key"
    assert "Authorization" not in request.headers

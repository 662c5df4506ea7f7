import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from shared.errors import PlatformUnavailable, RateLimited, ReconnectRequired
from shared.models import NotTransferable, Platform, PlaylistId, TokenSet, TrackId
from shared.platforms.base import Adapter
from shared.platforms.registry import Platforms
from shared.settings import Settings
from tests.fakes.budget import FakeBudgets
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer
from worker.matching.query import Query

ONE, TWO = (f"0000000{n}-1111-4222-8333-444444444444" for n in (1, 2))
PLAYLIST = PlaylistId(TWO)


def says(body: object) -> dict[str, str]:
    return {"text": msgspec.json.encode(body).decode()}


def known(title: str, *isrcs: str) -> dict[str, Any]:
    return {
        "recording": {"name": title, "length": 181_500, "isrcs": list(isrcs)},
        "artist": {"name": "Ada feat. Ben", "artists": [{"name": "Ada"}, {"name": "Ben"}]},
        "release": {"name": "Tides", "year": 2021},
    }


def document(*mbids: str) -> dict[str, Any]:
    rows = [{"identifier": [f"https://musicbrainz.org/recording/{mbid}"]} for mbid in mbids]
    return {"playlist": {"identifier": f"https://listenbrainz.org/playlist/{TWO}", "track": rows}}


def question(title: str, artist: str = "Ada") -> Query:
    return Query(plain=f"{title} {artist}", title=title, artist=artist)


def open_gate() -> None:
    """The lease is ours."""


@pytest.fixture
async def platforms(answerer: Answerer) -> AsyncIterator[Platforms]:
    async with Platforms(Settings(listenbrainz_api_url=answerer.url), budgets=FakeBudgets()) as opened:
        yield opened


@pytest.fixture
def adapter(platforms: Platforms) -> Adapter:
    return platforms.adapter(Platform.LISTENBRAINZ, session=FakeSession(TokenSet(access_token="token")))


def body(answerer: Answerer, place: int) -> Any:
    return msgspec.json.decode(answerer.bodies[place])


async def test_searches_of_one_moment_are_one_look_up_and_one_reading_of_details(
    adapter: Adapter, answerer: Answerer
) -> None:
    found = [{"index": 0, "recording_mbid": ONE, "recording_name": "Low"}, {"index": 1}]
    answerer.answers = [says(found), says({ONE: known("Low Tide", "QZXX12600001")})]

    first, second = await asyncio.gather(
        adapter.search(question("Low Tide")), adapter.search(question("High Tide"))
    )

    (track,) = first
    assert (track.id, track.title, track.artists) == (ONE, "Low Tide", ("Ada", "Ben"))
    assert (track.isrc, track.duration_ms, track.release_date) == ("QZXX12600001", 181_500, "2021")
    assert second == ()
    assert len(answerer.requests) == 2
    assert body(answerer, 0) == {
        "recordings": [
            {"artist_name": "Ada", "recording_name": "Low Tide"},
            {"artist_name": "Ada", "recording_name": "High Tide"},
        ]
    }


async def test_a_thousand_searches_are_twenty_look_ups(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [says([])]

    found = await asyncio.gather(*(adapter.search(question(f"Tide {n}")) for n in range(1000)))

    assert set(found) == {()}
    assert len(answerer.requests) == 20
    assert all(len(body(answerer, place)["recordings"]) == 50 for place in range(20))


async def test_guess_without_details_keeps_what_the_look_up_said(
    adapter: Adapter, answerer: Answerer
) -> None:
    guess = {"recording_mbid": ONE, "recording_name": "Low Tide", "artist_credit_name": "Ada"}
    answerer.answers = [says([{"index": 0, **guess, "release_name": "Tides"}]), says({})]

    (track,) = await adapter.search(question("low tide"))

    assert (track.title, track.artists, track.album, track.isrc) == ("Low Tide", ("Ada",), "Tides", None)


async def test_recording_with_several_isrcs_proves_nothing_by_one_of_them(
    adapter: Adapter, answerer: Answerer
) -> None:
    isrcs = ("QZXX12600001", "QZXX12600002")
    answerer.answers = [
        says({ONE: known("Low Tide", *isrcs)}),
        says(document(ONE)),
        says({ONE: known("Low Tide", *isrcs)}),
    ]

    candidates = await adapter.read_tracks([TrackId(ONE)])
    page = await adapter.read_items(PLAYLIST)

    assert candidates[TrackId(ONE)].isrc is None
    assert [item.track.isrc for item in page.items if item.track] == [isrcs[0]]


@pytest.mark.parametrize(("title", "artist"), [("T" * 400, "A" * 400), ("Tide", "A" * 400), ("T" * 400, "A")])
async def test_question_is_never_longer_than_it_may_be(
    adapter: Adapter, answerer: Answerer, title: str, artist: str
) -> None:
    answerer.answers = [says([])]

    await adapter.search(question(title, artist))

    (asked,) = body(answerer, 0)["recordings"]
    assert len(asked["artist_name"]) + len(asked["recording_name"]) <= 250


async def test_text_without_an_artist_is_not_looked_up(adapter: Adapter, answerer: Answerer) -> None:
    assert await adapter.search(Query(plain="Low Tide")) == ()
    assert answerer.requests == []


async def test_token_that_is_not_good_asks_for_a_new_one(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [says({"code": 200, "message": "Token invalid.", "valid": False})]

    with pytest.raises(ReconnectRequired):
        await adapter.account()

    assert answerer.requests[0].headers["Authorization"] == "Token token"


async def test_public_playlist_is_read_without_a_token(platforms: Platforms, answerer: Answerer) -> None:
    answerer.answers = [says(document(ONE)), says({ONE: known("Low Tide")})]
    stranger = platforms.public_adapter(Platform.LISTENBRAINZ, market="")

    page = await stranger.read_items(PLAYLIST)

    assert [item.title for item in page.items] == ["Low Tide"]
    assert not any("Authorization" in request.headers for request in answerer.requests)


async def test_wait_is_read_from_the_platforms_own_header(adapter: Adapter, answerer: Answerer) -> None:
    headers = {"X-RateLimit-Reset-In": "7", "X-RateLimit-Remaining": "0"}
    answerer.answers = [{"status": 429, "text": "{}", "headers": headers}]

    with pytest.raises(RateLimited) as caught:
        await adapter.read_items(PLAYLIST)

    assert caught.value.retry_after_s == 7


async def test_description_is_sent_as_text_that_no_filter_takes_for_tags(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [says({"status": "ok", "playlist_mbid": ONE})]

    made = await adapter.create_playlist("Night", description="<tr_1> & so", key="k", gate=open_gate)

    sent = body(answerer, 0)["playlist"]
    assert sent["annotation"] == "&lt;tr_1&gt; &amp; so"
    assert sent["extension"] == {"https://musicbrainz.org/doc/jspf#playlist": {"public": False}}
    assert (made.id, made.description, made.writable) == (ONE, "<tr_1> & so", True)


async def test_places_are_removed_from_the_end_and_side_by_side_ones_together(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [says(document(ONE, TWO, TWO, ONE, ONE, TWO)), says({"status": "ok"})]

    await adapter.remove_tracks(PLAYLIST, track_ids=[TrackId(ONE)], gate=open_gate)

    sent = [body(answerer, place) for place in range(1, len(answerer.requests))]
    assert sent == [{"index": 3, "count": 2}, {"index": 0, "count": 1}]


def loved(mbid: str | None, title: str, **other: object) -> dict[str, object]:
    words = {"track_name": title, "artist_name": "Ada", "release_name": "Tides"}
    return {"recording_mbid": mbid, "recording_msid": None, "track_metadata": words, "score": 1, **other}


SIGNED_IN = {"valid": True, "user_name": "mira"}
LIKED = PlaylistId("liked")


async def test_loved_recordings_are_those_of_the_account_with_what_is_known_of_them(
    adapter: Adapter, answerer: Answerer
) -> None:
    rows = [loved(ONE, "Low"), loved(TWO, "High"), loved(ONE, "", track_metadata=None)]
    answerer.answers = [
        says(SIGNED_IN),
        says({"feedback": rows, "total_count": 9}),
        says({ONE: known("Low Tide", "QZXX12600001")}),
    ]

    page = await adapter.read_items(LIKED)

    told = answerer.requests[1]
    assert told.path == "/v1/feedback/user/mira/get-feedback"
    assert dict(told.query) == {"score": "1", "metadata": "true", "count": "100", "offset": "0"}
    tracks = [item.track for item in page.items if item.track]
    assert [(track.id, track.title) for track in tracks] == [
        (ONE, "Low Tide"),
        (TWO, "High"),
        (ONE, "Low Tide"),
    ]
    assert [track.isrc for track in tracks] == ["QZXX12600001", None, "QZXX12600001"]
    assert (page.next_cursor, page.total) == (None, None)


@pytest.mark.parametrize(
    ("row", "title"), [(loved(None, "Low"), "Ada – Low"), ({"score": 1}, "")], ids=["named", "nameless"]
)
async def test_what_only_a_listen_has_named_is_told_by_that_name(
    adapter: Adapter, answerer: Answerer, row: dict[str, object], title: str
) -> None:
    answerer.answers = [says(SIGNED_IN), says({"feedback": [row]})]

    page = await adapter.read_items(LIKED)
    view = await adapter.read_target(LIKED, offset=0)

    assert [(item.track, item.not_transferable, item.title) for item in page.items] == [
        (None, NotTransferable.REMOVED, title)
    ]
    assert [row.track_id for row in view.rows] == [None]


async def test_recordings_are_loved_and_left_one_by_one(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [says({"status": "ok"})]

    await adapter.add_tracks(LIKED, track_ids=[TrackId(ONE)], position=7, key="k", gate=open_gate)
    await adapter.remove_tracks(LIKED, track_ids=[TrackId(ONE)], gate=open_gate)

    assert {(request.method, request.path) for request in answerer.requests} == {
        ("POST", "/v1/feedback/recording-feedback")
    }
    assert [body(answerer, place) for place in (0, 1)] == [
        {"recording_mbid": ONE, "score": 1},
        {"recording_mbid": ONE, "score": 0},
    ]


async def test_feedback_without_a_list_is_asked_for_again_later(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [says(SIGNED_IN), says({})]

    with pytest.raises(PlatformUnavailable):
        await adapter.read_items(LIKED)


async def test_playlist_without_any_content_is_asked_for_again_later(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [says({})]

    with pytest.raises(PlatformUnavailable):
        await adapter.get_playlist(PLAYLIST)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ONE, ONE),
        (ONE.upper(), ONE),
        (f"https://listenbrainz.org/playlist/{ONE}/", ONE),
        (f"https://listenbrainz.org/user/ada/{ONE}", None),
        (f"https://example.org/playlist/{ONE}", None),
        ("not-an-mbid", None),
    ],
)
def test_playlist_is_known_by_mbid_and_address(adapter: Adapter, text: str, found: str | None) -> None:
    assert adapter.playlist_id_of(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"https://musicbrainz.org/recording/{ONE}", ONE),
        (f"https://listenbrainz.org/track/{ONE}/", ONE),
        (f"https://musicbrainz.org/release/{ONE}", None),
    ],
)
def test_recording_is_known_by_its_addresses(adapter: Adapter, text: str, found: str | None) -> None:
    assert adapter.track_id_of(text) == found

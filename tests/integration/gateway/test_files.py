"""Files over REST: imported whole, listed, fetched in each form, moved, deleted; with real Postgres."""

import io
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from shared.db.pool import Pool
from shared.formats.imported import ExportFormat
from shared.formats.limits import FILE_BYTES
from shared.formats.reading import read
from shared.formats.writing import MEDIA_TYPES
from shared.scopes import Scope
from tests.integration.gateway.conftest import Caller, Reply, new_caller, transfer_body

pytestmark = pytest.mark.integration

TABLE = (
    "Track name,Artist name,Album,Playlist name,Type,ISRC\n"
    "Lantern,The Paper Boats,Tides,Night Drive,Playlist,XXAAA2600001\n"
    ",,,Night Drive,Playlist,\n"
    "Lantern,The Paper Boats,Tides,Night Drive,Playlist,XXAAA2600001\n"
    "=Harbour+Lights,The Paper Boats,,Calm Evenings,Playlist,\n"
)


async def imported(call: Caller, content: Any = TABLE, *, name: str = "My library.csv") -> Reply:
    return await call("POST", "/files", params={"name": name}, data=content)


async def only_id(call: Caller, content: str | bytes) -> str:
    reply = await imported(call, content)
    assert reply.status == 201, reply.text
    (one,) = reply.json["items"]
    return str(one["id"])


async def test_a_file_becomes_playlists_and_every_row_is_accounted_for(call: Caller) -> None:
    reply = await imported(call)

    night, calm = reply.json["items"]
    assert (reply.status, reply.headers["Location"]) == (201, "/files")
    assert (reply.json["format"], reply.json["notes"]) == ("tunemymusic", [])
    assert (night["name"], night["track_count"], night["rest_count"]) == ("Night Drive", 2, 1)
    assert night["rest"] == [{"row": 2, "reason": "It names a playlist and no track."}]
    assert (calm["name"], calm["track_count"], calm["rest"]) == ("Calm Evenings", 1, [])


async def test_what_was_imported_is_listed_newest_first_in_pages(call: Caller) -> None:
    await imported(call)

    first = await call("GET", "/files?limit=1")
    second = await call("GET", f"/files?limit=1&cursor={first.json['next_cursor']}")

    listed = [one["name"] for one in (*first.json["items"], *second.json["items"])]
    assert listed == ["Calm Evenings", "Night Drive"]
    assert second.json["next_cursor"] is None
    assert "rest" not in first.json["items"][0]


async def test_a_file_is_shown_with_what_of_it_is_no_track(call: Caller) -> None:
    night = (await imported(call)).json["items"][0]

    reply = await call("GET", f"/files/{night['id']}")

    assert reply.json == night


@pytest.mark.parametrize("form", ExportFormat)
async def test_a_file_is_fetched_in_every_form_and_means_the_same(call: Caller, form: ExportFormat) -> None:
    night = (await imported(call)).json["items"][0]

    reply = await call("GET", f"/files/{night['id']}/content?format={form}")

    (one,) = read(reply.text.encode(), name="x").lists
    assert (reply.status, reply.kind) == (200, MEDIA_TYPES[form])
    assert reply.headers["Content-Disposition"] == (
        f'attachment; filename="crossplay-night-drive-{night["id"][:8]}.{form}"'
    )
    assert (one.name, [item.title for item in one.items]) == ("Night Drive", ["Lantern", "Lantern"])


async def test_a_fetched_table_holds_no_formula(call: Caller) -> None:
    calm = (await imported(call)).json["items"][1]

    reply = await call("GET", f"/files/{calm['id']}/content")

    assert '"\'=Harbour+Lights"' in reply.text


async def test_a_deleted_file_is_gone_and_its_neighbour_is_not(call: Caller) -> None:
    night, calm = (await imported(call)).json["items"]

    reply = await call("DELETE", f"/files/{night['id']}")

    again = await call("DELETE", f"/files/{night['id']}")
    assert reply.status == 204
    assert again.problem() == (404, "not-found")
    assert [one["id"] for one in (await call("GET", "/files")).json["items"]] == [calm["id"]]


async def test_the_first_import_connects_the_files_and_lists_them_as_playlists(call: Caller) -> None:
    files = (await imported(call)).json["items"]

    playlists = await call("GET", "/playlists?platform=file")
    await imported(call, "title\nLantern\n", name="third.csv")
    later = await call("GET", "/playlists?platform=file")

    connections = (await call("GET", "/connections")).json["items"]
    facts = [(one["platform"], one["label"], one["state"]) for one in connections]
    assert facts == [("file", "Files", "connected")]
    assert [one["id"] for one in playlists.json["items"]] == [one["id"] for one in files]
    assert {one["connection"] for one in playlists.json["items"]} == {connections[0]["id"]}
    assert [one["name"] for one in later.json["items"]][2:] == ["third"]


async def test_files_are_connected_at_once_and_only_once(call: Caller) -> None:
    first = await call("POST", "/connect/file")
    second = await call("POST", "/connect/file", json={})

    assert (first.status, first.json["status"]) == (201, "connected")
    assert first.json["connection"]["id"] == second.json["connection"]["id"]


async def test_nobody_gets_to_anothers_files_by_naming_them(call: Caller, stranger: Caller) -> None:
    await imported(call)

    reply = await stranger("POST", "/connect/file", json={"music_user_token": call.user_id})

    assert reply.problem() == (422, "validation")
    assert (await stranger("GET", "/playlists?platform=file")).json["items"] == []


async def test_disconnected_files_stay_and_come_back_with_the_next_need(call: Caller) -> None:
    await imported(call)
    (connection,) = (await call("GET", "/connections")).json["items"]

    farewell = await call("DELETE", f"/connections/{connection['id']}")

    assert "kept" in farewell.json["text"]
    assert len((await call("GET", "/files")).json["items"]) == 2
    playlists = (await call("GET", "/playlists?platform=file")).json["items"]
    assert {one["connection"] for one in playlists} == {connection["id"]}


async def test_a_connection_to_files_answers_when_it_is_tried_out(call: Caller) -> None:
    await imported(call)
    (connection,) = (await call("GET", "/connections")).json["items"]

    reply = await call("POST", f"/connections/{connection['id']}/test")

    assert reply.json["health"] == "ok"


@pytest.mark.parametrize("by", ["id", "name"])
async def test_a_file_is_the_source_of_a_transfer_by_id_or_name(connected: Caller, by: str) -> None:
    night = (await imported(connected)).json["items"][0]

    reply = await connected(
        "POST", "/transfer", json=transfer_body(source={"platform": "file", "playlist": night[by]})
    )

    assert (reply.status, reply.json["source"]["playlist"]) == (202, night["id"])


async def test_a_file_is_a_target_without_being_connected_before(connected: Caller) -> None:
    reply = await connected("POST", "/transfer", json=transfer_body(target={"platform": "file"}))

    assert (reply.status, reply.json["target"]["platform"]) == (202, "file")


async def test_what_is_no_playlist_is_refused_with_its_cure_and_nothing_is_stored(call: Caller) -> None:
    reply = await imported(call, b"\x89PNG\r\n\x1a\n")

    assert reply.problem() == (422, "file-unreadable")
    assert "CSV" in reply.json["detail"]
    assert (await call("GET", "/files")).json["items"] == []


async def test_a_file_that_is_announced_as_too_large_is_not_received(call: Caller) -> None:
    reply = await imported(call, io.BytesIO(b" " * (FILE_BYTES + 1)))

    assert reply.problem() == (413, "body-too-large")


async def test_a_file_that_turns_out_too_large_is_not_received_to_its_end(call: Caller) -> None:
    sent_bytes = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent_bytes
        while sent_bytes < 4 * FILE_BYTES:
            sent_bytes += 1_000_000
            yield b" " * 1_000_000

    reply = await imported(call, pieces())

    assert reply.problem() == (413, "body-too-large")
    assert sent_bytes < 2 * FILE_BYTES


async def test_a_packed_body_is_refused(call: Caller) -> None:
    reply = await call("POST", "/files", data=b"x", headers={"Content-Encoding": "gzip"})

    assert reply.problem() == (415, "unsupported-media-type")


async def test_reading_needs_one_scope_and_importing_another(call: Caller, pool: Pool) -> None:
    reader = await new_caller(call.client, pool, name="mira", scopes=[Scope.CONNECTIONS_READ])
    file_id = await only_id(call, "title\nLantern\n")

    listed = await reader("GET", "/files")
    refused = [await imported(reader), await reader("DELETE", f"/files/{file_id}")]

    assert [one["id"] for one in listed.json["items"]] == [file_id]
    assert [one.problem() for one in refused] == [(403, "forbidden-scope")] * 2


async def test_thousands_of_rows_are_stored_in_order(call: Caller, pool: Pool) -> None:
    titles = [f"Lantern {number % 7}" for number in range(12_039)]
    file_id = await only_id(call, "title\n" + "\n".join(titles))

    content = await call("GET", f"/files/{file_id}/content?format=json")

    items = msgspec.json.decode(content.text)["playlists"][0]["items"]
    assert [item["title"] for item in items] == titles
    assert await pool.fetchval("SELECT count(*) FROM shelf_tracks") == 7


async def test_the_same_words_of_two_users_are_two_tracks(call: Caller, stranger: Caller, pool: Pool) -> None:
    for one in (call, stranger):
        await imported(one, "title\nLantern\n")

    assert await pool.fetchval("SELECT count(DISTINCT user_id) FROM shelf_tracks") == 2


async def test_the_list_of_platforms_has_files_without_any_setup(call: Caller) -> None:
    listed = (await call("GET", "/platforms")).json["items"]

    (one,) = [one for one in listed if one["platform"] == "file"]
    assert one["setup"] is None
    assert one["capabilities"]["write"]

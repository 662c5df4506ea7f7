"""The client verbs against a gateway on a real socket."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deploy.cli.exits import Exit
from tests.fakes.gateway import TRANSFER_ID, FakeGateway, item, listed, status

Crossplay = Callable[..., Awaitable[int]]


def running(**changes: Any) -> dict[str, Any]:
    return status("running", phase="match", **changes)


async def test_transfer_waits_and_prints_the_final_status_as_its_last_line(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    final = status("completed", outcome="full", written=3, target_playlist={"id": "p.1", "name": "Tides"})
    gateway.revisions = [status("queued", pending=3), running(pending=1, ready=2), final]

    code = await crossplay("transfer", "spotify:Tides", "apple_music:Tides", "--wait", "-o", "json")

    assert code == Exit.FULL
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == final
    assert gateway.received.bodies == [
        {
            "source": {"platform": "spotify", "playlist": "Tides"},
            "target": {"platform": "apple_music", "name": "Tides"},
        }
    ]
    assert "Prefer" not in gateway.received.headers[1]
    assert gateway.received.headers[2]["Prefer"] == "wait=25"
    assert gateway.received.headers[0]["Idempotency-Key"]


async def test_transfer_waits_unless_told_otherwise_and_reports_partial_with_names(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.revisions = [
        status("completed", outcome="partial", summary="2 of 3 songs", written=2, unmatched=1)
    ]
    gateway.pages[f"/status/{TRANSFER_ID}/tracks"] = [
        item(0, "exact"),
        item(1, "already_present"),
        item(2, "no_candidate", reason="not in the catalog"),
    ]

    code = await crossplay("transfer", "spotify:Tides", "apple_music")

    printed = capsys.readouterr()
    assert code == Exit.PARTIAL
    assert "2 of 3 songs" in printed.out
    assert "Lantern 2 — The Paper Boats  [no_candidate] not in the catalog" in printed.out
    assert "Lantern 0" not in printed.out
    assert "Lantern 1" not in printed.out
    assert "completed" in printed.err


async def test_every_option_of_transfer_reaches_the_gateway(
    gateway: FakeGateway, crossplay: Crossplay
) -> None:
    account = "5d3c1f0e-8a88-4a70-b6f6-0d5a3f6b2c11"

    code = await crossplay(
        *("transfer", f"{account}:https://open.spotify.com/playlist/x?si=1", "apple-music"),
        *(
            "--into",
            "p.9",
            "--policy",
            "exact",
            "--explicit",
            "avoid",
            "--on-duplicate",
            "skip",
            "--idempotency-key",
            "k-1",
        ),
    )

    assert code == Exit.FULL
    assert gateway.received.bodies == [
        {
            "source": {"connection": account, "playlist": "https://open.spotify.com/playlist/x?si=1"},
            "target": {"platform": "apple_music", "playlist": "p.9"},
            "policy": "exact",
            "explicit": "avoid",
            "on_duplicate": "skip",
        }
    ]
    assert gateway.received.headers[0]["Idempotency-Key"] == "k-1"


async def test_detached_transfer_prints_its_id_and_does_not_follow(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.revisions = [status("queued", pending=1)]

    code = await crossplay("transfer", "spotify:Tides", "apple_music", "--detach")

    assert code == Exit.FULL
    assert capsys.readouterr().out == f"{TRANSFER_ID}\n"
    assert gateway.received.paths == ["POST /transfer"]


async def test_json_lines_give_each_revision_once_and_the_final_one_last(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.revisions = [status("queued"), running(pending=1), status("completed", outcome="full", written=1)]

    await crossplay("transfer", "spotify:Tides", "apple_music", "-o", "jsonl")

    states = [json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()]
    assert states == ["queued", "running", "completed"]


async def test_wait_that_runs_out_leaves_the_transfer_running(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.revisions = [running(pending=1)]

    code = await crossplay("transfer", "spotify:Tides", "apple_music", "--timeout", "0.3", "-o", "json")

    printed = capsys.readouterr()
    assert code == Exit.STILL_RUNNING
    assert f"crossplay status {TRANSFER_ID} --follow" in printed.err
    assert json.loads(printed.out)["state"] == "running"


@pytest.mark.parametrize(
    ("final", "code"),
    [
        (status("failed", error={"code": "playlist-not-found", "text": "Gone."}), Exit.FAILED),
        (status("cancelled"), Exit.USAGE_OR_CANCELLED),
        (
            status("paused", paused={"reason": "platform_not_configured", "platform": "spotify"}),
            Exit.SIGN_IN,
        ),
    ],
)
async def test_exit_code_tells_the_end(
    final: dict[str, Any], code: Exit, gateway: FakeGateway, crossplay: Crossplay
) -> None:
    gateway.revisions = [running(), final]

    assert await crossplay("transfer", "spotify:Tides", "apple_music") == code


async def test_pause_until_the_user_signs_in_names_the_command_for_it(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    pause = {
        "reason": "reconnect_required",
        "platform": "spotify",
        "action_url": "/connect/spotify?connection=c-1",
    }
    gateway.revisions = [running(), status("paused", paused=pause)]

    code = await crossplay("transfer", "spotify:Tides", "apple_music")

    assert code == Exit.SIGN_IN
    assert "crossplay connect spotify --connection c-1" in capsys.readouterr().out


async def test_warnings_are_told_in_words(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    warning = {"code": "target_edited", "detail": "Somebody else changed the playlist meanwhile."}
    gateway.revisions = [status("completed", outcome="full", written=1, warnings=[warning])]

    await crossplay("status", TRANSFER_ID)

    assert "warning: Somebody else changed the playlist meanwhile." in capsys.readouterr().out


async def test_pause_for_a_rate_limit_is_waited_for(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    pause = {"reason": "rate_limited", "platform": "spotify", "resume_at": "2026-11-22T18:00:00Z"}
    gateway.revisions = [
        running(pending=1),
        status("paused", paused=pause, summary="Spotify asked us to wait", deferred=1),
        status("completed", outcome="full", written=1),
    ]

    code = await crossplay("transfer", "spotify:Tides", "apple_music")

    assert code == Exit.FULL
    assert "Spotify asked us to wait" in capsys.readouterr().err


async def test_gateway_that_restarts_is_waited_for(gateway: FakeGateway, crossplay: Crossplay) -> None:
    gateway.revisions = [running(pending=1), status("completed", outcome="full", written=1)]
    gateway.interruptions = 2

    code = await crossplay("transfer", "spotify:Tides", "apple_music")

    assert code == Exit.FULL


async def test_status_follows_to_the_end(gateway: FakeGateway, crossplay: Crossplay) -> None:
    gateway.revisions = [running(pending=1), status("completed", outcome="partial", unmatched=1)]

    assert await crossplay("status", TRANSFER_ID, "--follow") == Exit.PARTIAL


async def test_status_names_every_track_that_was_not_moved(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.revisions = [status("completed", outcome="partial", written=1, unmatched=15)]
    gateway.pages[f"/status/{TRANSFER_ID}/tracks"] = [
        item(0, "exact"),
        *(item(position, "only_other_version", reason="live only") for position in range(1, 16)),
    ]

    code = await crossplay("status", TRANSFER_ID, "--tracks")

    assert code == Exit.FULL
    assert capsys.readouterr().out.count("[only_other_version] live only") == 15


async def test_tracks_to_be_looked_at_show_what_there_is_to_choose_from(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    choices = [
        {
            "track": {
                "id": "t1",
                "title": "Lantern (Live)",
                "artists": ["The Paper Boats"],
                "album": "Tides",
            },
            "score": 0.875,
            "reason": "The title is similar.",
        },
        {"track": {"id": "t2", "title": "Lantern", "artists": [], "duration_ms": 201_400}, "score": 0.5},
    ]
    gateway.pages[f"/status/{TRANSFER_ID}/tracks"] = [
        item(0, "exact", alternatives=choices),
        item(1, "review", reason="Not certain enough.", alternatives=choices),
    ]

    await crossplay("status", TRANSFER_ID, "--tracks")

    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if "[review]" in line)
    assert lines[at].strip() == "2  Lantern 1 — The Paper Boats  [review] Not certain enough."
    assert lines[at + 1].strip() == "1. Lantern (Live) — The Paper Boats (Tides)  0.88  The title is similar."
    assert lines[at + 2].strip() == "2. Lantern (3:21)  0.50"


async def test_status_with_tracks_as_json_is_one_line(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.revisions = [status("completed", outcome="partial", unmatched=1)]
    gateway.pages[f"/status/{TRANSFER_ID}/tracks"] = [item(0, "no_candidate")]

    await crossplay("status", TRANSFER_ID, "--tracks", "-o", "json")

    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["not_moved"] == [item(0, "no_candidate")]


async def test_status_without_id_lists_transfers(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.pages["/transfers"] = [listed(f"t-{number}") for number in range(5)]
    gateway.pages["/transfers"][1] |= {"kind": "undo", "phase": "undo"}

    code = await crossplay("status", "--limit", "4")

    assert code == Exit.FULL
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "t-0\trunning\tmatch\tspotify:Tides\tapple_music"
    assert lines[1] == "t-1\trunning\tundo\tundo of spotify:Tides\tapple_music"
    assert len(lines) == 4


async def test_undo_waits_and_names_what_could_not_be_removed(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.revisions = [
        status("queued", kind="undo", phase="undo", pending=2),
        status(
            "completed", kind="undo", outcome="partial", summary="1 of 2 were removed", removed=1, failed=1
        ),
    ]
    gateway.pages[f"/status/{TRANSFER_ID}/tracks"] = [
        item(0, "removed"),
        item(1, "failed", reason="The playlist held this track before."),
    ]

    code = await crossplay("undo", "3f0c2f6e")

    out = capsys.readouterr().out
    assert code == Exit.PARTIAL
    assert gateway.received.paths[0] == "POST /transfer/3f0c2f6e/undo"
    assert "Not removed:" in out
    assert "[failed] The playlist held this track before." in out
    assert "[removed]" not in out


async def test_undo_that_is_detached_prints_its_id(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.revisions = [status("queued", kind="undo", pending=1)]

    code = await crossplay("undo", "3f0c2f6e", "--detach")

    assert code == Exit.FULL
    assert capsys.readouterr().out == f"{TRANSFER_ID}\n"


async def test_undo_that_a_platform_cannot_do_says_what_cures_it(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.problem = {
        "status": 409,
        "code": "undo-not-supported",
        "detail": "Apple Music lets no other app remove tracks.",
        "help": "Do by hand what `detail` says.",
        "url": "https://music.example/p.1",
    }

    code = await crossplay("undo", TRANSFER_ID)

    told = capsys.readouterr().err
    assert code == Exit.FAILED
    assert "Apple Music lets no other app remove tracks." in told
    assert "https://music.example/p.1" in told


async def test_undone_transfer_says_by_what(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.revisions = [status("completed", outcome="full", written=1, undone_by="5d3c1f0e")]

    await crossplay("status", TRANSFER_ID)

    assert "undone by: 5d3c1f0e" in capsys.readouterr().out


async def test_pause_by_the_operator_is_waited_for(gateway: FakeGateway, crossplay: Crossplay) -> None:
    gateway.revisions = [
        status("paused", paused={"reason": "operator", "platform": "spotify"}, pending=1),
        status("completed", outcome="full", written=1),
    ]

    assert await crossplay("transfer", "spotify:Tides", "apple_music") == Exit.FULL


async def test_playlists_come_from_all_pages_and_can_be_searched(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.pages["/playlists"] = [
        {"id": f"p{number}", "name": name, "track_count": number}
        for number, name in enumerate(["Harbour", "Straße", "harbour lights"])
    ]

    code = await crossplay("playlists", "spotify", "--search", "HARBOUR")

    assert code == Exit.FULL
    assert capsys.readouterr().out == "p0\t0\tHarbour\np2\t2\tharbour lights\n"
    assert gateway.received.queries[0]["platform"] == "spotify"


async def test_playlists_as_json_keep_what_the_gateway_said(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.pages["/playlists"] = [{"id": "p1", "name": "Harbour", "cover": "x"}]

    await crossplay("playlists", "spotify", "-o", "json")

    assert json.loads(capsys.readouterr().out) == {"items": gateway.pages["/playlists"]}


@pytest.mark.parametrize(
    ("slug", "http_status", "code"),
    [
        ("unauthenticated", 401, Exit.SIGN_IN),
        ("reconnect-required", 409, Exit.SIGN_IN),
        ("connection-missing", 409, Exit.SIGN_IN),
        ("validation", 422, Exit.USAGE_OR_CANCELLED),
        ("unknown-platform", 404, Exit.NOT_FOUND),
        ("playlist-not-readable", 422, Exit.NOT_FOUND),
        ("platform-not-configured", 409, Exit.CONFIG),
        ("target-not-writable", 422, Exit.FAILED),
    ],
)
async def test_problem_becomes_words_and_an_exit_code(
    slug: str,
    http_status: int,
    code: Exit,
    gateway: FakeGateway,
    crossplay: Crossplay,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gateway.problem = {
        "status": http_status,
        "code": slug,
        "detail": "This cannot be done.",
        "errors": [{"pointer": "/source/playlist", "detail": "is empty"}],
        "trace_id": "4bf92f",
        "help": "Do something else.",
    }

    assert await crossplay("transfer", "spotify:Tides", "apple_music") == code

    printed = capsys.readouterr()
    assert "This cannot be done." in printed.err
    assert "/source/playlist: is empty" in printed.err
    assert "trace 4bf92f" in printed.err
    assert printed.out == ""


async def test_unknown_transfer_is_not_found(crossplay: Crossplay) -> None:
    assert await crossplay("status", "nonsense") == Exit.NOT_FOUND

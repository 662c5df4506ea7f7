"""A person decides doubtful tracks once; the next transfer asks nobody."""

import secrets

import pytest

from tests.e2e.stack import Stack, crossplay
from tests.e2e.users import Json
from tests.e2e.worlds import Cut, Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def strictly(stack: Stack, cut: Cut) -> Json:
    """Transfer a playlist so strictly that tracks without an ISRC are to be looked at; return its end."""
    body = {
        "source": {"platform": cut.platform, "playlist": cut.name},
        "target": {"platform": cut.target, "name": f"{cut.name} {secrets.token_hex(4)}"},
        "policy": "exact",
    }
    return await stack.user.end((await stack.user.post("/transfer", body))["id"])


async def to_look_at(stack: Stack, status: Json) -> list[Json]:
    return [item for item in await stack.user.tracks(status["id"]) if item["outcome"] == "review"]


async def forget_rules(stack: Stack) -> None:
    """Leave nothing behind for the tests that share this system."""
    for rule in (await stack.user.get("/rules", params={"limit": "200"}))["items"]:
        code, _, told = await crossplay("rule", "remove", rule["id"], environ=stack.cli_environ())
        assert code == 0, told


async def test_what_was_decided_once_needs_no_decision_in_the_next_transfer(
    stack: Stack, worlds: Worlds
) -> None:
    cut = worlds.movable
    first = await strictly(stack, cut)
    reviews = await to_look_at(stack, first)
    by_command, *by_request = reviews

    code, out, told = await crossplay(
        *("decide", first["id"], str(by_command["position"] + 1), "--candidate", "1", "--remember"),
        environ=stack.cli_environ(),
    )
    for item in by_request:
        path = f"/status/{first['id']}/tracks/{item['position']}/match"
        await stack.user.put(path, {"candidate": 1, "remember": True})
    decided = await stack.user.end(first["id"])

    assert code == 0, told
    assert "[chosen_by_user]" in out
    assert (decided["state"], decided["outcome"]) == ("completed", "full")
    assert sorted(await stack.rows(cut.target, decided["target_playlist"]["id"])) == sorted(cut.written)
    assert [warning["code"] for warning in decided["warnings"]] == ["added_at_end"]
    await stack.forget_answers()
    await stack.control(cut.target, "requests", method="DELETE")

    second = await strictly(stack, cut)

    asked = await stack.looked_up(cut.target)
    assert await stack.flaws(cut, second) == []
    assert asked
    assert set(asked) <= cut.isrcs
    await forget_rules(stack)


async def test_a_pinned_pair_holds_from_the_command_to_the_playlist(stack: Stack, worlds: Worlds) -> None:
    cut = worlds.home
    done = await stack.user.end(await stack.start(cut))
    rows = await stack.user.tracks(done["id"])
    source, other = rows[3]["source"]["url"], rows[7]["target"]["url"]
    environ = stack.cli_environ()
    code, out, told = await crossplay(
        "rule", "pin", f"apple_music:{source}", f"spotify:{other}", environ=environ
    )

    pinned = await stack.user.end(await stack.start(cut))
    _, listed, _ = await crossplay("rules", environ=environ)
    await forget_rules(stack)
    plain = await stack.user.end(await stack.start(cut))

    items = await stack.user.tracks(pinned["id"])
    assert code == 0, told
    assert out.split()[0] in listed
    assert (items[3]["outcome"], items[3]["target"]["url"]) == ("chosen_by_user", other)
    assert await stack.rows("spotify", pinned["target_playlist"]["id"]) == [
        cut.written[7] if item["source"]["url"] == source else row
        for item, row in zip(items, cut.written, strict=True)
    ]
    assert await stack.flaws(cut, plain) == []

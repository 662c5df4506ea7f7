"""What the `keys` verbs print without a database, and how a ring is judged against what is stored."""

import base64

import pytest

from deploy.cli.exits import Exit
from deploy.cli.keys import _print_status, judge
from deploy.cli.main import run
from shared.db.seals import KeyUse
from shared.secret import Secret
from shared.settings import parse_key_ring

PRESENT = f"k1:{base64.b64encode(bytes(range(32))).decode()}"


def used(place: str, kid: str | None, text_count: int) -> KeyUse:
    return KeyUse(place=place, kid=kid, text_count=text_count)


def test_a_generated_key_is_an_entry_of_the_ring_and_each_one_is_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    codes = [run(["keys", "generate"]) for _ in range(2)]

    printed = capsys.readouterr()
    entries = printed.out.split()
    assert codes == [Exit.FULL, Exit.FULL]
    assert len(parse_key_ring(Secret(",".join(entries)))) == 2
    assert "first in CROSSPLAY_SECRET_KEYS" in printed.err
    assert not any(entry.partition(":")[2] in printed.err for entry in entries)


def test_a_generated_ring_begins_with_the_new_key_and_keeps_the_present_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CROSSPLAY_SECRET_KEYS", PRESENT)

    code = run(["keys", "generate", "--ring"])

    printed = capsys.readouterr()
    kids = tuple(parse_key_ring(Secret(printed.out.strip())))
    assert code == Exit.FULL
    assert kids[1:] == ("k1",)
    assert printed.out.strip().endswith(PRESENT)
    assert "crossplay keys rotate" in printed.err


def test_a_ring_made_of_nothing_is_the_new_key_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CROSSPLAY_SECRET_KEYS", raising=False)

    code = run(["keys", "generate", "--ring"])

    assert code == Exit.FULL
    assert len(parse_key_ring(Secret(capsys.readouterr().out.strip()))) == 1


def test_a_key_may_go_when_nothing_stored_needs_it_and_it_is_not_the_first() -> None:
    uses = [used("connections", "k2", 3), used("connect sessions", "k2", 1)]

    found = judge(uses, kids=("k3", "k2", "k1"))

    assert [(key.id, key.is_sealing, key.text_count, key.may_be_dropped) for key in found.ring] == [
        ("k3", True, 0, False),
        ("k2", False, 4, False),
        ("k1", False, 0, True),
    ]
    assert found.missing == ()


def test_keys_that_stored_texts_need_and_the_ring_lacks_are_named() -> None:
    uses = [used("connections", "k0", 2), used("connections", None, 1), used("connections", "k1", 5)]

    found = judge(uses, kids=("k1",))

    assert found.missing == ("k0",)
    assert found.unreadable_count == 1


def test_a_ring_is_told_in_words_to_people_and_in_rows_to_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    uses = [used("connections", "k2", 3), used("connections", "k0", 1), used("connect sessions", None, 2)]

    _print_status(judge(uses, kids=("k3", "k2", "k1")))

    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "connections\tk2\t3\t",
        "connections\tk0\t1\tnot in the ring",
        "connect sessions\t?\t2\tno sealed texts",
    ]
    assert printed.err.splitlines() == [
        "k3 seals what is stored from now on, and opens 0.",
        "k2 is still needed for 3; this replaces it: crossplay keys rotate",
        "k1 may be dropped, if every gateway and worker runs with this ring.",
    ]

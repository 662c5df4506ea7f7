"""Sealed texts open only in their own place, under a key of the ring, and unchanged."""

import base64

import pytest

from shared.cipher import Cipher, KeyMissing, SealBroken
from shared.secret import Secret
from shared.settings import parse_key_ring

CONTEXT = "c-1|spotify|tokens"
OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def test_a_sealed_text_opens_in_its_place() -> None:
    cipher = Cipher({"k1": OLD})

    sealed = cipher.seal("a secret ✓", context=CONTEXT)

    assert sealed.startswith("v1.k1.")
    assert "secret" not in sealed
    assert cipher.open(sealed, context=CONTEXT) == "a secret ✓"


def test_the_same_text_is_never_sealed_alike() -> None:
    cipher = Cipher({"k1": OLD})

    assert cipher.seal("a", context=CONTEXT) != cipher.seal("a", context=CONTEXT)


def test_the_first_key_seals_and_every_key_opens() -> None:
    sealed_before = Cipher({"k1": OLD}).seal("a", context=CONTEXT)
    rotated = Cipher({"k2": NEW, "k1": OLD})

    sealed_after = rotated.seal("a", context=CONTEXT)

    assert sealed_after.startswith("v1.k2.")
    assert rotated.open(sealed_before, context=CONTEXT) == "a"


def test_a_ring_of_the_settings_fits() -> None:
    ring = parse_key_ring(Secret(f"k1:{base64.b64encode(OLD).decode()}"))

    assert Cipher(ring).open(Cipher({"k1": OLD}).seal("a", context=CONTEXT), context=CONTEXT) == "a"


def test_a_ring_without_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        Cipher({})


def test_another_place_does_not_open_it() -> None:
    cipher = Cipher({"k1": OLD})
    sealed = cipher.seal("a", context=CONTEXT)

    with pytest.raises(SealBroken):
        cipher.open(sealed, context="c-2|spotify|tokens")


def test_an_unknown_key_is_named_by_its_id_alone() -> None:
    sealed = Cipher({"k1": OLD}).seal("a", context=CONTEXT)

    with pytest.raises(KeyMissing, match="'k1'") as caught:
        Cipher({"k2": NEW}).open(sealed, context=CONTEXT)

    assert caught.value.kid == "k1"
    assert sealed.rpartition(".")[2] not in str(caught.value)


@pytest.mark.parametrize("place", [2, 3])
def test_a_changed_text_is_refused(place: int) -> None:
    cipher = Cipher({"k1": OLD})
    parts = cipher.seal("a text", context=CONTEXT).split(".")
    parts[place] = ("A" if parts[place][0] != "A" else "B") + parts[place][1:]

    with pytest.raises(SealBroken):
        cipher.open(".".join(parts), context=CONTEXT)


@pytest.mark.parametrize(
    "text", ["", "v1", "v2.k1.AAAA.AAAA", "v1.k1.AAAA", "v1.k1.!!.!!", "v1.k1..", "ü.k1.a.b"]
)
def test_what_was_never_sealed_is_refused(text: str) -> None:
    with pytest.raises(SealBroken):
        Cipher({"k1": OLD}).open(text, context=CONTEXT)


def test_nothing_shows_a_key() -> None:
    cipher = Cipher({"k1": OLD})

    assert repr(cipher) == "Cipher(kids=('k1',))"

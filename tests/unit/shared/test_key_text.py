"""The text of an API key: whole, or recognized as not whole."""

import re
import zlib

import pytest

from shared import key_text

KEY_ID, SECRET = "0123456789abcdef", "5a" * 32
TEXT = key_text.compose(KEY_ID, secret=SECRET)


def test_a_text_is_read_as_it_was_composed() -> None:
    assert key_text.parse(TEXT) == (KEY_ID, SECRET)


def test_the_form_is_what_a_scanner_for_secrets_is_told() -> None:
    body, check_sum = TEXT[:-8], TEXT[-8:]

    assert re.fullmatch(r"cp_live_[0-9a-f]{16}_[0-9a-f]{72}", TEXT)
    assert int(check_sum, 16) == zlib.crc32(body.encode())


@pytest.mark.parametrize("place", range(len(TEXT)))
def test_one_wrong_character_is_noticed_wherever_it_is(place: int) -> None:
    wrong = "1" if TEXT[place] != "1" else "2"

    assert key_text.parse(TEXT[:place] + wrong + TEXT[place + 1 :]) is None


@pytest.mark.parametrize("length", range(0, len(TEXT), 7))
def test_a_key_that_was_cut_is_noticed(length: int) -> None:
    assert key_text.parse(TEXT[:length]) is None
    assert key_text.parse(TEXT[len(TEXT) - length :]) is None


@pytest.mark.parametrize("text", [TEXT + "0", TEXT + "\n", " " + TEXT, TEXT.upper(), TEXT + TEXT])
def test_what_has_more_or_other_letters_is_no_key(text: str) -> None:
    assert key_text.parse(text) is None


def test_swapped_neighbours_are_noticed() -> None:
    swapped = TEXT[:8] + TEXT[9] + TEXT[8] + TEXT[10:]

    assert key_text.parse(swapped) is None


def test_a_hint_shows_the_beginning_of_the_id_alone() -> None:
    assert key_text.hint(KEY_ID) == "cp_live_012345…"

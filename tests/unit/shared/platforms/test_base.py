import pytest

from shared.platforms.base import parse_isrc


@pytest.mark.parametrize("text", ["QZXX12600001", "qzxx12600001", "QZ-XX1-26-00001", " qz xx1 26 00001\n"])
def test_isrc_is_normalized(text: str) -> None:
    assert parse_isrc(text) == "QZXX12600001"


@pytest.mark.parametrize("text", [None, "", "QZXX1260000", "QZXX126000011", "1ZXX12600001", "QZXX1260000é"])
def test_text_that_is_no_isrc_is_none(text: str | None) -> None:
    assert parse_isrc(text) is None

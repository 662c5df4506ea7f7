"""The grammar of Spotify's `fields`."""

from typing import Any

import pytest

from deploy.sandbox.answers import Refused
from deploy.sandbox.spotify.fields import parse_mask

SHAPE: dict[str, Any] = {
    "total": 1,
    "name": "n",
    "owner": {"id": "o", "href": "h"},
    "items": [{"added_at": "t", "item": {"id": "i", "name": "x", "album": {"id": "a"}}}],
}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("total", {"total": 1}),
        ("owner.id,unknown", {"owner": {"id": "o"}}),
        (
            "items(added_at,item(id,album.id))",
            {"items": [{"added_at": "t", "item": {"id": "i", "album": {"id": "a"}}}]},
        ),
        ("items.item.name", {"items": [{"item": {"name": "x"}}]}),
        ("!items,!owner.href", {"total": 1, "name": "n", "owner": {"id": "o"}}),
    ],
)
def test_fields_choose_and_exclude(text: str, left: Any) -> None:
    assert parse_mask(text).apply(SHAPE) == left


@pytest.mark.parametrize("text", ["items(", "items)", "a..b", "(a)", "!"])
def test_broken_fields_are_refused(text: str) -> None:
    with pytest.raises(Refused):
        parse_mask(text)

"""What an Accept header likes best."""

import pytest

from gateway.actions.refusals import NotAcceptable
from gateway.negotiation import preferred

OFFERS = ("application/json", "text/csv", "text/markdown")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; header=present", "text/csv"),
        ("text/markdown, */*;q=0.1", "text/markdown"),
        ("application/json;q=0.2, text/csv;q=0.9", "text/csv"),
        ("text/*", "text/csv"),
        ("text/*, text/csv;q=0", "text/markdown"),
        ("*/*, application/json;q=0.5", "text/csv"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
        ("nonsense, text/markdown", "text/markdown"),
    ],
)
def test_the_best_liked_form_is_taken(accept: str, expected: str) -> None:
    assert preferred(accept, offers=OFFERS) == expected


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "*/*;q=0", "nonsense"])
def test_a_client_that_takes_none_is_told_what_there_is(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="text/csv"):
        preferred(accept, offers=OFFERS)

"""The API reference for people: everything that the document has, and nothing from elsewhere."""

import re
from html.parser import HTMLParser

from gateway.app import OPERATIONS
from gateway.openapi import document
from gateway.reference_page import HEADERS, render


class Reader(HTMLParser):
    """Collects ids, links, and what a browser would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found["href"]))
        if tag in {"script", "img", "link", "iframe", "form"} or {"src", "style", "onclick"} & set(found):
            self.loads.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader


def test_the_page_has_every_operation_and_every_schema() -> None:
    made = document(OPERATIONS)

    page = read(render(made))

    assert {one.name for one in OPERATIONS} <= set(page.ids)
    assert set(made["components"]["schemas"]) <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert page.open == []


def test_the_page_loads_nothing_and_its_links_lead_somewhere() -> None:
    page = read(render(document(OPERATIONS)))

    assert page.loads == []
    for link in set(page.links):
        assert link in {"/openapi.json", "/problems"} or link.removeprefix("#") in page.ids


def test_the_page_may_run_and_load_nothing() -> None:
    policy = HEADERS["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'; ")
    assert re.search(r"style-src 'sha256-[\w+/=]+'", policy)
    assert "unsafe" not in policy


def test_what_the_document_says_is_text_and_no_markup() -> None:
    made = document(OPERATIONS)
    made["paths"]["/transfer"]["post"]["summary"] = "<script>alert(1)</script>"

    text = render(made)

    assert "<script" not in text
    assert "&lt;script&gt;" in text

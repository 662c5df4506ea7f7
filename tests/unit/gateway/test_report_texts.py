"""Texts of strangers stay texts: in spreadsheets, in Markdown, in file names."""

import csv
import html
import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gateway.report_texts import file_name, markdown_text, plain_cell
from gateway.reports import csv_lines

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NASTY = st.text(st.sampled_from("=+-@\t\r\n＝＋－＠'\",;|`*_[]()<>&~\\#!:$ a\u202e\u2028"), max_size=20)
ID = "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"


@given(st.lists(st.lists(TEXTS | NASTY, min_size=2, max_size=5), min_size=1, max_size=5))
def test_csv_comes_back_from_a_reader_as_it_was(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(csv_lines(rows), newline=""), strict=True))

    assert read == [[plain_cell(cell) for cell in row] for row in rows]
    assert [[cell.removeprefix("'") for cell in row] for row in read] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]


@given(TEXTS | NASTY)
def test_no_cell_is_a_formula_and_no_other_is_changed(text: str) -> None:
    cell = plain_cell(text)

    first = unicodedata.normalize("NFKC", cell[:1])
    assert first not in ("=", "+", "-", "@", "\t", "\r", "\n")
    assert cell in (text, f"'{text}")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert plain_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "1-1", " =1", "Größe", "'=1"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert plain_cell(text) == text


@given(TEXTS | NASTY)
def test_markdown_shows_a_text_as_it_is_in_its_own_cell(text: str) -> None:
    written = markdown_text(text)
    table = f"| A | B |\n|---|---|\n| {written} | end |\n"

    rendered = MarkdownIt("commonmark").enable("table").render(table)

    cells = re.findall(r"<td>(.*?)</td>", rendered, flags=re.DOTALL)
    assert len(cells) == 2
    assert cells[1] == "end"
    assert "<" not in cells[0]
    assert html.unescape(cells[0]).split() == html.unescape(written).split()


@pytest.mark.parametrize(
    "text",
    [
        "a | b",
        "`code`",
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](https://tracker.example/x.png)",
        "one\n\n# two",
        "<!-- ",
        "\\| \\",
        "www.example.com",
        "mail@example.com",
    ],
)
def test_no_text_becomes_markup(text: str) -> None:
    rendered = MarkdownIt("commonmark").enable("table").render(f"# {markdown_text(text)}\n")

    inner = rendered.removeprefix("<h1>").removesuffix("</h1>\n")
    assert "<" not in inner
    assert html.unescape(inner) == " ".join(text.split())


def test_marks_that_turn_a_line_round_are_taken_out() -> None:
    assert markdown_text("abc\u202edef\u2066") == "abc def"


@given(TEXTS | NASTY)
def test_a_file_name_is_letters_digits_and_hyphens(title: str) -> None:
    assert re.fullmatch(r"crossplay(-[a-z0-9]+)*-3f0c2f6e\.csv", file_name(title, thing_id=ID, ending="csv"))


def test_a_file_name_has_the_words_of_its_playlist() -> None:
    assert (
        file_name("Été ’98: Road/Trip", thing_id=ID, ending="md") == "crossplay-ete-98-road-trip-3f0c2f6e.md"
    )

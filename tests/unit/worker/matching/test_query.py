"""The plan of text searches."""

from tests.unit.worker.matching.build import source
from worker.matching.query import Query, text_queries


def test_fielded_search_comes_before_the_plain_one() -> None:
    queries = text_queries(source(title="Tide - 2011 Remaster", artists=("Mira Sol", "DJ Kelp")))

    assert queries == (
        Query(plain="Tide Mira Sol", title="Tide", artist="Mira Sol"),
        Query(plain="Tide Mira Sol"),
        Query(plain="Tide", loose=True),
    )


def test_version_is_searched_for_and_cut_down_last() -> None:
    queries = text_queries(source(title="Tide (Live at Kelp Hall)"))

    assert [query.plain for query in queries if not query.loose] == ["Tide Live at Kelp Hall Mira Sol"] * 2
    assert [query.plain for query in queries if query.loose] == ["Tide Mira Sol", "Tide"]


def test_display_string_is_searched_whole_and_by_its_first_artist() -> None:
    queries = text_queries(source(title="Tide", artists=("Mira Sol & DJ Kelp",)))

    assert queries[0].artist == "Mira Sol"
    assert queries[1].plain == "Tide Mira Sol & DJ Kelp"


def test_other_script_is_romanised_only_in_a_loose_query() -> None:
    queries = text_queries(source(title="Огни", artists=("Мира",)))

    assert queries[0].plain == "Огни Мира"
    assert [query.plain for query in queries if query.loose] == ["Ogni Mira", "Огни"]


def test_title_alone_is_searched_where_the_artist_is_unknown() -> None:
    assert text_queries(source(title="Tide", artists=())) == (Query(plain="Tide"),)


def test_track_without_a_title_is_not_searched() -> None:
    assert text_queries(source(title=" ")) == ()

"""The decision about one item."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.models import MATCHED, Explicit, Isrc, Outcome, Platform, Policy, Track, TrackId
from tests.unit.worker.matching.build import HARBOUR, source, track
from worker.matching.decide import decide

SAME = Policy.SAME_RECORDING
texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["Tide", "Tide (Live)", "Tide - DJ Kelp Remix", "(", "]) -", "潮 (ライブ)", "a\x00b", "*", " "]
    ),
)
tracks = st.builds(
    Track,
    platform=st.sampled_from(Platform),
    id=st.text(min_size=1, max_size=6).map(TrackId),
    title=texts,
    artists=st.lists(texts, max_size=3).map(tuple),
    album=st.none() | texts,
    duration_ms=st.none() | st.integers(0, 400_000),
    isrc=st.none() | st.sampled_from(["XXAAA2600001", "XXAAA2600002"]).map(Isrc),
    explicit=st.none() | st.booleans(),
    release_date=st.none() | st.sampled_from(["1998", "2004-05-06"]),
)


@pytest.mark.parametrize(
    ("candidate", "outcome"),
    [
        (track(isrc=HARBOUR.isrc), Outcome.EXACT),
        (track(isrc=HARBOUR.isrc, title="Harbor Light", duration_ms=None), Outcome.EXACT),
        (track(isrc=HARBOUR.isrc, title="Rain", artists=("Tove Lund",)), Outcome.REVIEW),
        (track(isrc=HARBOUR.isrc, duration_ms=320_000), Outcome.REVIEW),
        (track(isrc=HARBOUR.isrc, title="Harbour Lights (Live)", duration_ms=None), Outcome.EXACT),
        (track(isrc=HARBOUR.isrc, title="Harbour Lights, Pt. 2", duration_ms=None), Outcome.REVIEW),
        (track(isrc=HARBOUR.isrc, title="Harbour Lights (Live)", duration_ms=260_000), Outcome.REVIEW),
        (track(), Outcome.SAME_RECORDING),
        (track(isrc=Isrc("XXAAA2600009")), Outcome.SAME_RECORDING),
        (track(duration_ms=None, album=None), Outcome.SAME_RECORDING),
        (track(duration_ms=206_000), Outcome.SAME_RECORDING),
        (track(title="Harbour Lihgts", duration_ms=201_000), Outcome.SAME_RECORDING),
        (track(title="Harbour Lihgts", duration_ms=207_000), Outcome.REVIEW),
        (track(duration_ms=214_000), Outcome.REVIEW),
        (track(artists=("Tove Lund",), album="Rain"), Outcome.NO_CANDIDATE),
        (track(title="Rain"), Outcome.NO_CANDIDATE),
        (track(title="Harbour Lights (Live)"), Outcome.ONLY_OTHER_VERSION),
        (track(title="Harbour Lights (Karaoke Version)"), Outcome.ONLY_OTHER_VERSION),
        (track(title="Harbour Lights 2"), Outcome.NO_CANDIDATE),
    ],
)
def test_candidate_is_judged(candidate: Track, outcome: Outcome) -> None:
    decision = decide(HARBOUR, [candidate], policy=SAME)

    assert decision.outcome is outcome
    assert (decision.choice is not None) is (outcome in MATCHED)


def test_nothing_found_is_no_candidate() -> None:
    decision = decide(HARBOUR, [], policy=SAME)

    assert (decision.outcome, decision.evidence) == (Outcome.NO_CANDIDATE, None)
    assert decision.reason == "The search found nothing."


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        (Policy.EXACT, Outcome.REVIEW),
        (Policy.SAME_RECORDING, Outcome.REVIEW),
        (Policy.BEST_EFFORT, Outcome.BEST_EFFORT),
    ],
)
def test_weaker_candidate_is_taken_only_by_best_effort(policy: Policy, outcome: Outcome) -> None:
    assert decide(HARBOUR, [track(duration_ms=212_000)], policy=policy).outcome is outcome


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize(
    "other",
    [
        track(title="Harbour Lights (Karaoke Version)"),
        track(title="Harbour Lights (Instrumental)"),
        track(title="Harbour Lights (DJ Kelp Remix)"),
        track(title="Harbour Lights (Live)", artists=("Tove Lund",)),
        track(title="Harbour Lights, Pt. 2"),
    ],
)
def test_no_policy_takes_something_else(policy: Policy, other: Track) -> None:
    assert decide(HARBOUR, [other], policy=policy).outcome in {
        Outcome.ONLY_OTHER_VERSION,
        Outcome.NO_CANDIDATE,
    }


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        (Policy.EXACT, Outcome.ONLY_OTHER_VERSION),
        (Policy.SAME_RECORDING, Outcome.ONLY_OTHER_VERSION),
        (Policy.BEST_EFFORT, Outcome.BEST_EFFORT),
    ],
)
def test_another_take_by_the_same_artist_is_taken_only_by_best_effort(
    policy: Policy, outcome: Outcome
) -> None:
    decision = decide(HARBOUR, [track(title="Harbour Lights (Live)")], policy=policy)

    assert decision.outcome is outcome
    assert "only one is the live version" in decision.reason


def test_best_effort_takes_another_take_rather_than_nothing() -> None:
    doubtful = track("doubtful", artists=("Mila Solo",), album="Other", duration_ms=320_000)
    live = track("live", title="Harbour Lights (Live)", duration_ms=260_000)

    strict = decide(HARBOUR, [doubtful, live], policy=SAME)
    best = decide(HARBOUR, [doubtful, live], policy=Policy.BEST_EFFORT)

    assert strict.outcome is Outcome.REVIEW
    assert (best.outcome, best.choice) == (Outcome.BEST_EFFORT, 1)


@pytest.mark.parametrize(
    ("wish", "choice"), [(Explicit.AS_SOURCE, 1), (Explicit.PREFER, 0), (Explicit.AVOID, 1)]
)
def test_clean_or_explicit_release_is_chosen_as_wished(wish: Explicit, choice: int) -> None:
    releases = [track("a", explicit=True), track("b", explicit=False, album="Greatest Hits")]

    decision = decide(source(explicit=False), releases, policy=SAME, explicit=wish)

    assert decision.choice == choice


def test_gap_tells_how_far_the_runner_up_is_behind() -> None:
    alone = decide(HARBOUR, [track()], policy=SAME)
    led = decide(HARBOUR, [track("a"), track("b", duration_ms=203_000, album="Other")], policy=SAME)

    assert alone.gap is None
    assert led.gap is not None
    assert 0 < led.gap < 0.2


def test_exact_policy_takes_only_an_equal_isrc() -> None:
    decision = decide(HARBOUR, [track("text"), track("isrc", isrc=HARBOUR.isrc)], policy=Policy.EXACT)

    assert (decision.outcome, decision.choice) == (Outcome.EXACT, 1)
    assert decide(HARBOUR, [track("text")], policy=Policy.EXACT).outcome is Outcome.REVIEW


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [(Policy.SAME_RECORDING, Outcome.REVIEW), (Policy.BEST_EFFORT, Outcome.BEST_EFFORT)],
)
def test_loose_query_never_rates_above_best_effort(policy: Policy, outcome: Outcome) -> None:
    assert decide(HARBOUR, [track()], policy=policy, is_loose=True).outcome is outcome


def test_right_one_is_chosen_among_decoys() -> None:
    candidates = [
        track("live", title="Harbour Lights - Live at Kelp Hall", duration_ms=200_000),
        track("remix", title="Harbour Lights (DJ Kelp Remix)"),
        track("cover", artists=("Tove Lund",), album="Covers"),
        track("right", title="Harbour Lights (2011 Remaster)", album="Salt Roads (Deluxe Edition)"),
        track("karaoke", title="Harbour Lights (Karaoke Version)", artists=("Kelp Karaoke",)),
    ]

    decision = decide(HARBOUR, candidates, policy=SAME)

    assert decision.choice == 3
    assert decision.reason == "The title agrees, the artist agrees, the durations are 0.0 s apart."


@pytest.mark.parametrize(
    "preferred",
    [
        track("z", album="Salt Roads (Deluxe Edition)"),
        track("z", album="Other", explicit=True),
        track("z", album="Other", release_date="1998"),
        track("a", album="Other"),
    ],
)
def test_pressing_is_preferred_by_album_explicit_flag_release_and_id(preferred: Track) -> None:
    other = track(
        "m", album="Greatest Hits" if preferred.id == "a" else "Other", explicit=False, release_date="2004"
    )
    wanted = source(explicit=True)

    decision = decide(wanted, [other, preferred], policy=SAME)

    assert (decision.outcome, decision.choice) == (Outcome.SAME_RECORDING, 1)


def test_compilation_is_taken_where_it_is_alone() -> None:
    decision = decide(HARBOUR, [track(album="Greatest Hits")], policy=SAME)

    assert decision.outcome is Outcome.SAME_RECORDING


def test_two_recordings_that_fit_alike_are_reviewed() -> None:
    candidates = [track("short", duration_ms=170_000), track("long", duration_ms=230_000)]

    decision = decide(source(duration_ms=None), candidates, policy=SAME)

    assert (decision.outcome, decision.choice) == (Outcome.REVIEW, None)
    assert {one.index for one in decision.alternatives} == {0, 1}


def test_two_pressings_of_one_recording_are_no_ambiguity() -> None:
    candidates = [track("single", album="Harbour Lights"), track("album", duration_ms=201_000)]

    decision = decide(source(duration_ms=None), candidates, policy=SAME)

    assert (decision.outcome, decision.choice) == (Outcome.SAME_RECORDING, 1)


def test_review_names_up_to_five_alternatives_best_first() -> None:
    candidates = [track(str(extra), duration_ms=212_000 + 400 * extra) for extra in range(7)]

    decision = decide(HARBOUR, candidates, policy=SAME)

    assert decision.outcome is Outcome.REVIEW
    assert [one.index for one in decision.alternatives] == [0, 1, 2, 3, 4]


def test_other_version_is_told_in_a_sentence() -> None:
    decision = decide(HARBOUR, [track(title="Harbour Lights (Live)")], policy=SAME)

    assert decision.reason == "Only another version was found: only one is the live version."


@settings(max_examples=150, deadline=None)
@given(
    tracks, st.lists(tracks, max_size=5, unique_by=lambda one: one.id), st.sampled_from(Policy), st.randoms()
)
def test_order_of_candidates_does_not_matter(
    wanted: Track, candidates: list[Track], policy: Policy, chance: random.Random
) -> None:
    shuffled = list(candidates)
    chance.shuffle(shuffled)

    first = decide(wanted, candidates, policy=policy)
    second = decide(wanted, shuffled, policy=policy)

    assert (first.outcome, first.score, first.reason) == (second.outcome, second.score, second.reason)
    assert [candidates[one.index] for one in first.alternatives] == [
        shuffled[one.index] for one in second.alternatives
    ]
    if first.choice is not None and second.choice is not None:
        assert candidates[first.choice] == shuffled[second.choice]


@settings(max_examples=150, deadline=None)
@given(tracks)
def test_track_matches_itself(wanted: Track) -> None:
    decision = decide(wanted, [wanted], policy=SAME)

    if wanted.title.strip():
        assert decision.choice == 0
        assert 0.0 <= decision.score <= 1.0

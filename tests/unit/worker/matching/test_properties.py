"""What holds for every pair of tracks, whatever they are called."""

import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.models import MATCHED, Isrc, Outcome, Platform, Policy, Track, TrackId
from worker.matching.decide import decide

ROOT = Path(__file__).resolve().parents[4]
SAME = Policy.SAME_RECORDING
SURE = frozenset({Outcome.EXACT, Outcome.SAME_RECORDING})
# Lengths of two tracks: as good as equal, but not to the millisecond, which is a proof of its own.
LENGTHS_MS = ((213_000, 213_000), (213_480, 213_790), (213_480, None), (None, 213_480), (None, None))

# Words of invented titles; none of them names a version in any language.
WORDS = (
    "Paperglass", "Tide", "Ferryman", "Overcoat", "Nettle", "Lantern", "Gravel", "Hymnal", "Orchard",
    "Allotment", "Kestrel", "Umbrella", "Farero", "Zurdo", "Vidro", "Fosco", "Ombre", "Straßen", "Łódka",
    "Снег", "Рельсах", "Фонарь", "κόκκινο", "τρενάκι", "ひかり", "しおり", "水溜", "月影", "雨巷", "유리창",
    "봄눈", "قمر", "النافذة", "רחוב", "שלטים",
)  # fmt: skip
PACKAGING = (
    "{} (Remastered)", "{} - Remastered 2011", "{} (2011 Remaster)", "{} [Digital Remaster]", "{} (Mono)",
    "{} - Stereo Version", "{} (Deluxe Edition)", "{} (Album Version)", "{} - Bonus Track", "{} (Explicit)",
    "{} (Official Video)", "{} [Official Audio]", "{} (Lyric Video)", "{} (Remasterizado)", "{} (リマスター)",
    "{} (From the Vault)", "{} [HD]", "{} (Original Version)",
)  # fmt: skip
DECISIVE = {
    "live": (
        "{} (Live)", "{} - Live at Dunmarrow Hall", "{} (En Vivo)", "{} - Ao Vivo", "{} (En direct)",
        "{} (Dal vivo)", "{} (ライブ)", "{} (라이브)", "{} (вживую)", "{} (现场)",
    ),
    "karaoke": ("{} (Karaoke Version)", "{} (カラオケ)", "{} (караоке)"),
    "instrumental": ("{} (Instrumental)", "{} (伴奏)"),
    "a cappella": ("{} [A Cappella]",),
    "faster": ("{} - Sped Up", "{} (Nightcore)"),
    "slower": ("{} (Slowed + Reverb)",),
    "recorded again": ("{} (Re-Recorded)", "{} (Orla's Version)"),
    "demo": ("{} (Demo)", "{} - Outtake"),
    "acoustic": ("{} (Acoustic)", "{} - Acústico"),
    "cover": ("{} (Cover)", "{} (Tribute to Orla Vennick)"),
    "8-bit": ("{} (8-Bit Version)",),
    "piano": ("{} - Piano Version",),
    "orchestra": ("{} (Orchestral)",),
    "strings": ("{} (String Quartet Version)",),
    "lo-fi": ("{} (Lo-Fi)",),
    "Spanish": ("{} (Spanish Version)",),
    "Japanese": ("{} (Japanese Ver.)",),
    "remix": ("{} (Tovik Remix)", "{} - Tovik Remix", "{} (Tovik's Warehouse Edit)"),
    "part": ("{} (Reprise)", "{} (Commentary)"),
}  # fmt: skip
VERSIONS = tuple(form for forms in DECISIVE.values() for form in forms)
JUNK = (
    "\x00", "\x07\x1b[31m", "\ud800", "\udfff\ud800", "\u202e", "\u200b\u200d\ufeff", "\ufffd", "e\u0301" * 9,
    "𝕿𝖎𝖉𝖊", "🌧️🛶", "ﷺ", "İı", "ß", "ŉ", "(((", ")))", "[(]) -", " - ", "「」", "...", "*", "**", "feat.",
    "(feat. )", "ft. ft.", "pt. pt. II", "()", "Live", "(Live)", "Remix", "%s {} \\", "1" * 30,
    "\u0660\u0661",
)  # fmt: skip
titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True).map(" ".join)
latin_titles = st.lists(
    st.sampled_from([word for word in WORDS if word.isascii()]), min_size=1, max_size=4, unique=True
).map(" ".join)
texts = st.one_of(
    titles,
    st.text(max_size=40),
    st.text(st.characters(), max_size=12),  # lone surrogates, too
    st.lists(st.sampled_from(JUNK + WORDS), min_size=1, max_size=5).map("".join),
    st.builds(str.format, st.sampled_from(PACKAGING + VERSIONS), titles),
)
tracks = st.builds(
    Track,
    platform=st.sampled_from(Platform),
    id=st.text(min_size=1, max_size=6).map(TrackId),
    title=texts,
    artists=st.lists(texts, max_size=3).map(tuple),
    album=st.none() | texts,
    duration_ms=st.none() | st.sampled_from([0, -1, 1, 200_000, 201_000, 2**40]) | st.integers(0, 400_000),
    isrc=st.none() | st.sampled_from(["XXFIC2600001", "XXFIC2600002"]).map(Isrc),
    explicit=st.none() | st.booleans(),
    release_date=st.none() | st.sampled_from(["", "1998", "2004-05", "2004-05-06", "0000", "yesterday"]),
    track_number=st.none() | st.integers(-1, 40),
    disc_number=st.none() | st.integers(-1, 4),
)
several = st.lists(tracks, max_size=6, unique_by=lambda one: one.id)


def song(track_id: str = "song", **changes: object) -> Track:
    """Make a track of which everything is known but its ISRC."""
    base = Track(
        platform=Platform.SPOTIFY,
        id=TrackId(track_id),
        title="Paperglass Tide",
        artists=("Orla Vennick",),
        album="Low Country",
        duration_ms=213_000,
        release_date="2014-03-07",
    )
    return msgspec.structs.replace(base, **changes)


@settings(max_examples=200, deadline=None)
@given(tracks, several, st.sampled_from([Policy.SAME_RECORDING, Policy.BEST_EFFORT]), st.randoms())
def test_track_is_chosen_for_itself_whatever_else_is_offered(
    wanted: Track, others: list[Track], policy: Policy, chance: random.Random
) -> None:
    assume(wanted.title.strip())
    candidates = [other for other in others if decide(wanted, [other], policy=policy).choice is None]
    candidates.append(wanted)
    chance.shuffle(candidates)

    decision = decide(wanted, candidates, policy=policy)

    assert decision.choice is not None
    assert candidates[decision.choice] == wanted


@settings(max_examples=300, deadline=None)
@given(tracks, several, st.sampled_from(Policy), st.randoms())
def test_order_of_candidates_changes_nothing(
    wanted: Track, candidates: list[Track], policy: Policy, chance: random.Random
) -> None:
    shuffled = list(candidates)
    chance.shuffle(shuffled)

    first = decide(wanted, candidates, policy=policy)
    second = decide(wanted, shuffled, policy=policy)

    assert (first.outcome, first.score, first.reason) == (second.outcome, second.score, second.reason)
    assert (first.choice is None) == (second.choice is None)
    if first.choice is not None and second.choice is not None:
        assert candidates[first.choice] == shuffled[second.choice]
    assert {candidates[one.index].id for one in first.alternatives} == {
        shuffled[one.index].id for one in second.alternatives
    }


@settings(max_examples=300, deadline=None)
@given(tracks, tracks)
def test_score_is_the_same_from_either_side(one: Track, other: Track) -> None:
    forth = decide(one, [other], policy=SAME)
    back = decide(other, [one], policy=SAME)

    assert forth.outcome is back.outcome
    if forth.outcome is not Outcome.NO_CANDIDATE:  # of other songs no more is told than that they are
        assert forth.score == pytest.approx(back.score)


@settings(max_examples=300, deadline=None)
@given(tracks, several, st.sampled_from(Policy), st.booleans())
def test_no_text_makes_it_raise(
    wanted: Track,
    candidates: list[Track],
    policy: Policy,
    is_loose: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    decision = decide(wanted, candidates, policy=policy, is_loose=is_loose)

    assert 0.0 <= decision.score <= 1.0
    assert decision.reason
    assert (decision.choice is not None) is (decision.outcome in MATCHED)
    assert {one.index for one in decision.alternatives} <= set(range(len(candidates))) - {decision.choice}


def test_very_long_texts_are_decided_in_bounded_time() -> None:
    """Where it fails: the last part that was printed, repeated, took more processor time than there is."""
    command = (sys.executable, "-m", "tests.unit.worker.matching.long_texts")

    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (finished.stdout.splitlines()[-1], finished.returncode) == ("done", 0), finished.stderr


@settings(max_examples=200, deadline=None)
@given(titles, st.sampled_from(PACKAGING), st.booleans())
def test_packaging_words_never_part_a_recording(
    title: str,
    packaging: str,
    at_source: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    plain, packed = song("plain", title=title), song("packed", title=packaging.format(title))
    wanted, offered = (packed, plain) if at_source else (plain, packed)

    decision = decide(wanted, [offered], policy=SAME)

    assert (decision.outcome, decision.choice) == (Outcome.SAME_RECORDING, 0)


@settings(max_examples=200, deadline=None)
@given(titles, st.sampled_from(PACKAGING), st.sampled_from(PACKAGING))
def test_two_packagings_of_one_recording_agree(title: str, one: str, other: str) -> None:
    wanted = song(title=one.format(title))

    decision = decide(wanted, [song("offered", title=other.format(title))], policy=SAME)

    assert decision.outcome is Outcome.SAME_RECORDING


@settings(max_examples=300, deadline=None)
@given(titles, st.sampled_from(VERSIONS), st.booleans(), st.sampled_from(Policy), st.sampled_from(LENGTHS_MS))
def test_decisive_word_on_one_side_forbids_a_sure_match(
    title: str,
    version: str,
    at_source: bool,  # noqa: FBT001 - hypothesis gives it
    policy: Policy,
    lengths_ms: tuple[int | None, int | None],
) -> None:
    plain = song("plain", title=title, duration_ms=lengths_ms[0])
    other = song("version", title=version.format(title), duration_ms=lengths_ms[1])
    wanted, offered = (other, plain) if at_source else (plain, other)

    decision = decide(wanted, [offered], policy=policy)

    assert decision.outcome not in SURE


@settings(max_examples=200, deadline=None)
@given(titles, st.lists(st.sampled_from(list(DECISIVE)), min_size=2, max_size=5, unique=True), st.randoms())
def test_version_that_is_wanted_is_chosen_among_others(
    title: str, kinds: list[str], chance: random.Random
) -> None:
    forms = [chance.choice(DECISIVE[kind]) for kind in kinds]
    candidates = [song("plain", title=title), *(song(form, title=form.format(title)) for form in forms)]
    chance.shuffle(candidates)

    decision = decide(song(title=forms[0].format(title)), candidates, policy=SAME)

    assert decision.choice is not None
    assert candidates[decision.choice].id == forms[0]


@settings(max_examples=200, deadline=None)
@given(latin_titles, latin_titles)
def test_other_title_is_never_a_sure_match(title: str, other: str) -> None:
    assume(set(title.split()).isdisjoint(other.split()))

    decision = decide(song(title=title), [song("other", title=other)], policy=SAME)

    assert decision.outcome not in SURE


@settings(max_examples=100, deadline=None)
@given(titles)
def test_other_artist_or_length_is_never_a_sure_match(title: str) -> None:
    others = [
        song("artist", title=title, artists=("Brother Wicket",), album="Broth"),
        song("length", title=title, duration_ms=302_000),
    ]

    decision = decide(song(title=title), others, policy=SAME)

    assert decision.outcome not in SURE

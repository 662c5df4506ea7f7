"""Words that mean something else in a title, a credit or an album, as data: extend it by a line."""

from worker.matching.versions import phrases_of

# Words in brackets that tell a clean release from an explicit one.
CLEAN = frozenset({"clean", "edited", "amended", "censored"})
EXPLICIT = frozenset({"explicit", "dirty", "uncensored"})

# A credit that holds one of these plays what others have made known.
IMITATORS = frozenset(
    phrases_of("""
    tribute | karaoke | cover | covers | lullaby | rockabye | made famous | in the style of
    party tyme | backing tracks | soundalike | impersonators | ameritz | zzang | sing2piano
""")
)

# A part of a title that begins with one of these names guests.
FEATURING = frozenset({"feat", "ft", "featuring", "with", "w"})

# Phrases that are plain words, too: among more than two other words they name no version.
PLAIN_WORDS = frozenset(
    phrases_of("""
    take | slow | speed | piano | strings | theme | beat | beats | intro | outro | video | audio
    original | single | reverb | concert | session | lyrics | lyric | english | spanish | french
    german | italian | portuguese | japanese | korean | chinese | russian | hindi | flip | tribute
    poem | speech | spoken | clean | dirty | mono | stereo | inst | arr | vip | cover | ver
    preview | mixed | interview | unreleased | dub | bonus | expanded | edit | on the radio | sketch
    ep | sound | vinyl | revisited | lesson | reaction | teaser | trailer | tabs | chords | review
    explained | mr | concierto | minus | playthrough | choreography | playback | bootleg | stripped | uncut
""")
)

# A part of a title that begins so tells where the track comes from or who made it, not what was played.
ORIGINS = phrases_of("""
    from | music from | theme from | love theme from | main theme from | song from | as heard in
    as heard on | featured in | prod | prod by | produced by | produced | original motion picture
    original score | aus | extrait de | extrait du | tiré de | dal film | de la película | из | bof
    bande originale | da novela | taken from | written by | soundtrack from | b side | a side
    side a | side b
""")

# Names that stand for several artists, or for none.
NOBODY = frozenset(
    phrases_of("""
    various artists | various | va | v a | varios artistas | varios | vari artisti | artistes divers
    verschiedene interpreten | verschiedene | divers | vários artistas | разные артисты
    разные исполнители | ヴァリアス アーティスト | 群星 | unknown artist | unknown
    diverse artiesten | blandade artister | soundtrack
""")
)

# An album whose name holds one of these is a collection: the original release is preferred to it.
COMPILATIONS = phrases_of("""
    greatest hits | best of | the best | hits | collection | essential | essentials | anthology
    gold | ultimate | compilation | various artists | now thats what i call | playlist | now
    number ones | top | soundtrack | motion picture | songs from | music from
    inspired by | grandes exitos | lo mejor | il meglio
    the very best | singles | mix
""")

"""Words that tell versions of a song apart, as data: extend it by a line here and a line in its test."""

from enum import StrEnum

import msgspec


class Weight(StrEnum):
    """What a version word means for the recording."""

    SOFT = "soft"  # says how it was packed or sold, not what was played
    LENGTH = "length"  # another cut: the same recording only where the durations agree
    DECISIVE = "decisive"  # another recording, whatever else agrees


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of version and how titles say it.

    phrases: matched as whole words, in scripts without spaces as parts of words. named: the words around the
    phrase tell two of a kind apart (the remixer, the venue). has_own_length: it is played or cut anew, so
    that two of one length to the millisecond are one. stands_in: who
    asks for best effort takes it for the song, where there is nothing nearer.
    """

    kind: str
    weight: Weight
    phrases: tuple[str, ...]
    named: bool = False
    has_own_length: bool = False
    stands_in: bool = False


def phrases_of(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.replace("\n", "|").split("|") if phrase.strip())


VERSIONS = (
    Version(
        kind="packaging",
        weight=Weight.SOFT,
        phrases=phrases_of("""
            mv | m v | mp3 | flac | studioversion | albumversion | originalaufnahme | lyrics español
            remaster | remastered | remastering | re-master | re-mastered | digital remaster
            digitally remastered | remastered version | remaster version | remastered edition
            remasterizado | remasterizada | remastérisé | remasterisé | remasterizzato | remastert
            rimasterizzato | ремастер | リマスター | リマスタリング | 리마스터 | deluxe
            deluxe edition | deluxe version | super deluxe | expanded edition | expanded
            special edition | limited edition | collectors edition | anniversary edition
            anniversary | anniversary version | legacy edition | bonus track | bonus tracks
            bonus track version | bonus | mono | stereo | mono version | stereo version | mono mix
            stereo mix | mono remaster | stereo remaster | original mono | album version
            lp version | original album version | original | original version | original mix
            original recording | original studio version | main version | full version
            standard version | studio version | version originale | version original
            versione originale | originalversion | album mix | official | official audio
            official video | official music video | official hd video | official lyric video
            official lyrics video | official visualizer | official visualiser | music video
            lyric video | lyrics video | lyrics | lyric | with lyrics | visualizer | visualiser
            video | audio | videoclip | video oficial | clip officiel | clip oficial
            offizielles video | official 4k video | hd | hq | 4k | 1080p | high quality | hd video
            hq audio | explicit | explicit version | explicit album version | dirty | dirty version
            clean | clean version | edited | edited version | amended | amended version | soundtrack
            original soundtrack | motion picture soundtrack | original motion picture soundtrack
            ost | theme | single | ep | digital single | from the vault | dolby atmos
            main title | main titles | main theme | theme song | tv theme | 78rpm | 78 rpm | 45 rpm
            vinyl | 78rpm version | vinyl rip | spatial audio | enhanced | enhanced video version
            sound | musicvideo | offical
            letra | con letra | espanol lyrics | subtitles | english subtitles | english lyrics | subtitulada
            subtitulado | legendado | sub español | vietsub | tradução | paroles
            us version | uk version | international version | intl version
            us album version | uk album version | hidden track
        """),
    ),
    Version(
        kind="shortened",
        weight=Weight.LENGTH,
        stands_in=True,
        phrases=phrases_of("""
            radioversion | singleversion | radiofassung
            radio edit | radio version | radio mix | radio cut | single version | single edit
            single mix | 7 version | 7 mix | 7 edit | 7 inch | 7 inch version | 7 inch mix
            7 inch edit | edit | video edit | video version | album edit | short version
            short edit | tv size | tv edit | tv version | clean radio edit | edit version
            edited radio version | short mix | film version | movie version
            original single version | original single mix | original radio edit | intro edit
            main mix
        """),
    ),
    Version(
        kind="extended",
        weight=Weight.LENGTH,
        stands_in=True,
        phrases=phrases_of("""
            extended | extended mix | extended version | long version | full length version
            unedited | 12 version | 12 mix | 12 inch | 12 inch version | 12 inch mix
            12 extended mix | long mix | extended edit | extended play | uncut | full length
        """),
    ),
    Version(
        kind="interlude",
        weight=Weight.LENGTH,
        phrases=phrases_of("""
            interlude | intro | outro | skit | prelude | epilogue | prologue | intermission
            interludio | introduction | intro version
        """),
    ),
    Version(
        kind="live",
        weight=Weight.DECISIVE,
        named=True,
        stands_in=True,
        phrases=phrases_of("""
            liveversion | liveaufnahme | konzertmitschnitt | live mitschnitt | konzertversion | en concierto
            concierto | ao vivo em | livekonzert | na zywo | ζωντανή ηχογράφηση | ζωντανά | הופעה חיה
            בהופעה | בהופעה חיה | لايف | حفلة | مباشر | من حفلة | 콘서트 | コンサート
            ライブバージョン | 实况
            live | live at | live from | live in | live on | live version | live session
            live sessions | recorded live | in concert | concert | unplugged | mtv unplugged
            en vivo | en directo | ao vivo | en direct | en public | dal vivo | in concerto
            konzert | live aufnahme | концерт | вживую | живое выступление | na żywo | naživo
            élőben | canlı | canli | live performance | bbc session | peel session | session
            sessions | spotify sessions | itunes session | at the bbc | ライブ | ライヴ | 라이브
            现场 | 現場 | 演唱会 | 演唱會 | colors show | a colors show | tiny desk
            tiny desk concert | soundcheck | on the radio | spontaneous | live lounge
            radio session | from the basement
        """),
    ),
    Version(
        kind="remix",
        weight=Weight.DECISIVE,
        named=True,
        phrases=phrases_of("""
            ρεμίξ | רמיקס | ريمكس
            remix | remixed | remixed by | re-mix | rmx | mix | club edit
            vip mix | vip | bootleg | rework | reworked | re-work | refix
            flip | mashup | mash up | re-edit | reedit | reconstruction | remixado | remezcla
            ремикс | リミックス | 리믹스 | 混音 | dj mix | mixed | megamix | edm remix
            club version | dance version | disco version | dubplate | beats
            chopped and screwed | chopped not slopped | interpretation | reinterpretation | recut
            reimagined | re-imagined | redux | revisited | recomposed
        """),
    ),
    Version(
        kind="dub",
        weight=Weight.DECISIVE,
        phrases=phrases_of("dub | dub version | in dub | riddim | dubstrumental"),
    ),
    Version(
        kind="acoustic",
        weight=Weight.DECISIVE,
        stands_in=True,
        phrases=phrases_of("""
            akustikversion | akustikfassung | unplugged version | ακουστικό | אקוסטי | 不插电 | 어쿠스틱 버전
            acoustic | acoustic version | acoustic mix | acoustic session | acústico | acústica
            acoustique | acustico | acustica | akustik | akustisch | akustyczna | акустика
            акустическая версия | アコースティック | 어쿠스틱 | stripped | stripped version
            stripped down | solo acoustic
        """),
    ),
    Version(
        kind="karaoke",
        weight=Weight.DECISIVE,
        phrases=phrases_of("""
            mr | 卡拉ok | ктв | минус | минусовка | karaokeversion | karaoké | קריוקי | كاريوكي | καραόκε
            karaoke | karaoke version | backing track | in the style of | made famous by
            originally performed by | minus one | sing along | singalong | sing-along | カラオケ
            노래방 | караоке | playback | made popular by | as made famous by | backing version
            playalong | play along
        """),
    ),
    Version(
        kind="cover",
        weight=Weight.DECISIVE,
        named=True,
        phrases=phrases_of("""
            coverversion | versión de | hommage à | kavers
            cover | cover version | covered by | tribute | tribute to | a tribute to
            tribute version | カバー | 커버 | 翻唱 | кавер | rendition | parody
        """),
    ),
    Version(
        kind="demo",
        weight=Weight.DECISIVE,
        named=True,
        phrases=phrases_of("""
            maqueta | demoversion | demoaufnahme | maquette | provino | scetch | סקיצה | ντέμο
            demo | demo version | demos | rough mix | early version | early mix | work in progress
            outtake | outtakes | rehearsal | home recording | home demo | alternate take
            alternative take | alt take | take | early take | unreleased | first version | デモ
            데모 | демо | sketch | voice memo | voice note | work tape | writing session
            monitor mix
        """),
    ),
    Version(
        kind="instrumental",
        weight=Weight.DECISIVE,
        phrases=phrases_of("""
            instrumentalversion | instrumentalfassung | موسيقى | عزف | אינסטרומנטלי | ορχηστρικό | インスト版
            инструментальная версия | minus one track
            instrumental | instrumental version | intrumental | instrumental mix | instrumentals | strumentale
            instrumentale | off vocal | offvocal | without vocals | inst | inst ver | инструментал
            インスト | インストゥルメンタル | 伴奏 | 纯音乐 | 반주 | beat | karaoke instrumental
        """),
    ),
    Version(
        kind="a cappella",
        weight=Weight.DECISIVE,
        phrases=phrases_of("""
            acapella | a cappella | acappella | a capella | vocals only | vocal only | アカペラ
            아카펠라 | акапелла | isolated vocals
        """),
    ),
    Version(
        kind="sped up",
        weight=Weight.DECISIVE,
        phrases=phrases_of("""
            sped up | speed up | spedup | sped up version | speed up version | super sped up
            nightcore | fast version | faster version | sped-up | sped | speed | ナイトコア
        """),
    ),
    Version(
        kind="slowed",
        weight=Weight.DECISIVE,
        phrases=phrases_of("""
            slowed | slowed down | slowed version | slowed and reverb | slowed reverb | slow version
            reverb | super slowed | ultra slowed | daycore | slow | slow mix
        """),
    ),
    Version(
        kind="re-recorded",
        weight=Weight.DECISIVE,
        has_own_length=True,
        stands_in=True,
        phrases=phrases_of("""
            re-recorded | rerecorded | re-recording | rerecording | rerecord | re-record
            new recording | newly recorded | new version | 再録 | regrabado | regrabada
            neuaufnahme | remake | re-recorded version | new mix | rerecorded version
            nueva versión | nuova versione | nouvelle version
        """),
    ),
    Version(
        kind="orchestral",
        weight=Weight.DECISIVE,
        phrases=phrases_of("""
            orchestral | orchestral version | symphonic | symphonic version | orchestra version
            оркестровая версия
        """),
    ),
    Version(
        kind="piano",
        weight=Weight.DECISIVE,
        phrases=phrases_of("piano version | piano | piano solo | solo piano | ピアノ"),
    ),
    Version(
        kind="strings",
        weight=Weight.DECISIVE,
        phrases=phrases_of("string version | strings version | string quartet | strings"),
    ),
    Version(kind="chiptune", weight=Weight.DECISIVE, phrases=phrases_of("8 bit | 8-bit | chiptune")),
    Version(kind="lo-fi", weight=Weight.DECISIVE, phrases=phrases_of("lofi | lo-fi | lo fi | lofi version")),
    Version(
        kind="music box",
        weight=Weight.DECISIVE,
        phrases=phrases_of("music box | オルゴール | lullaby version | lullaby rendition"),
    ),
    Version(
        kind="arrangement",
        weight=Weight.DECISIVE,
        named=True,
        phrases=phrases_of("""
            guitar version | choir version | jazz version | bossa nova | bossa version | arranged by
            arr | transcribed | arrangement | solo version | duet version | band version
            ensemble version | a 2 voix
        """),
    ),
    Version(
        kind="other video",
        weight=Weight.DECISIVE,
        phrases=phrases_of("""
            tutorial | lesson | guitar lesson | piano lesson | reaction | first reaction | dance practice
            choreography | teaser | trailer | making of | behind the scenes | how to play | playthrough
            play through | tabs | chords | with tabs | drum cover | bass cover | guitar cover
            piano cover | fan made | fanmade | mashup video | explained | review | type beat
        """),
    ),
    Version(
        kind="partial",
        weight=Weight.DECISIVE,
        phrases=phrases_of("""
            reprise | overture | commentary | interview | spoken word | spoken | medley
            bonus beats | excerpt | snippet | preview | track by track | track commentary
            voice commentary | continuous mix | poem | speech | dialogue
        """),
    ),
    Version(
        kind="English",
        weight=Weight.DECISIVE,
        phrases=phrases_of(
            "in english | english | en inglés | en anglais | auf englisch | em inglês | in inglese"
        ),
    ),
    Version(
        kind="Spanish",
        weight=Weight.DECISIVE,
        phrases=phrases_of(
            "in spanish | spanish | en español | versión en español | in spagnolo | spanglish"
        ),
    ),
    Version(
        kind="French",
        weight=Weight.DECISIVE,
        phrases=phrases_of("in french | french | en français | auf französisch | in francese"),
    ),
    Version(
        kind="German",
        weight=Weight.DECISIVE,
        phrases=phrases_of("in german | german | auf deutsch | deutsche version"),
    ),
    Version(
        kind="Italian",
        weight=Weight.DECISIVE,
        phrases=phrases_of("in italian | italian | in italiano"),
    ),
    Version(
        kind="Portuguese",
        weight=Weight.DECISIVE,
        phrases=phrases_of("in portuguese | portuguese | em português"),
    ),
    Version(
        kind="Japanese",
        weight=Weight.DECISIVE,
        phrases=phrases_of("in japanese | japanese | 日本語 | 日本語版"),
    ),
    Version(
        kind="Korean",
        weight=Weight.DECISIVE,
        phrases=phrases_of("in korean | korean | 한국어"),
    ),
    Version(
        kind="Chinese",
        weight=Weight.DECISIVE,
        phrases=phrases_of("in chinese | chinese | mandarin | 中文 | 中文版 | 国语 | 國語 | 普通话"),
    ),
    Version(
        kind="Cantonese",
        weight=Weight.DECISIVE,
        phrases=phrases_of("cantonese | 粤语 | 粵語"),
    ),
    Version(
        kind="Russian",
        weight=Weight.DECISIVE,
        phrases=phrases_of("in russian | russian | на русском"),
    ),
    Version(kind="Hindi", weight=Weight.DECISIVE, phrases=phrases_of("in hindi | hindi")),
    Version(
        kind="version",
        weight=Weight.DECISIVE,
        named=True,
        stands_in=True,
        phrases=phrases_of("""
            version | ver | versión | versão | versione | versie | wersja | версия | バージョン
            ヴァージョン | 버전 | 版
        """),
    ),
    Version(
        kind="alternate",
        weight=Weight.DECISIVE,
        stands_in=True,
        phrases=phrases_of("""
            alternate | alternative | alternate version | alternative version | alternate mix
            alt version | alternative mix | variation | different version | second version
        """),
    ),
)

VERSION_BY_KIND = {version.kind: version for version in VERSIONS}

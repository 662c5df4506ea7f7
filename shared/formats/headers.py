"""Which column of a table holds what, whatever its header is called, in whichever language.

Only the letters of a header count, in lower case. Sources: the headers of Exportify's user interface in its
16 languages (watsonbox/exportify, src/i18n, read 2026-11-28), of its forks, and of TuneMyMusic, Soundiiz and
Roon (read 2026-11-22).
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum


class Column(StrEnum):
    """What is read of a table."""

    TITLE = "title"
    ARTISTS = "artists"
    ARTIST = "artist"
    ALBUM = "album"
    ISRC = "isrc"
    DURATION = "duration"
    DURATION_MS = "duration_ms"
    URI = "uri"
    PLAYLIST = "playlist"
    TYPE = "type"
    EXPLICIT = "explicit"
    RELEASE_DATE = "release_date"
    TRACK_NUMBER = "track_number"
    DISC_NUMBER = "disc_number"


# ARTISTS: several names in one field, a comma inside one is written `\,`; ARTIST: one text for all of them.
_NAMES: dict[Column, str] = {
    Column.TITLE: """
        Track Name | Title | Name | Track | Song | Song Name | Song Title | Track Title | Titel | Titre
        Título | Track-Name | Nombre de la canción | Nom du titre | Nome della traccia | Nummernaam
        Låtens namn | Nome da faixa | トラック名 | اسم الأغنية | Parça Adı
        Όνομα κομματιού | 曲目名称 | 曲目名稱 | 歌名
    """,
    Column.ARTISTS: """
        Artist Name(s) | Künstlername(n) | Nombre(s) del artista | Nom(s) de l'artiste | Nome dell'artista
        Naam van artiest | Nome(s) do artista | Artistens namn | アーティスト名 | أسماء الفنانين | Sanatçı Adı
        Όνομα/τα καλλιτέχνη | 艺人名称 | 藝人名稱 | Artist 名
    """,
    Column.ARTIST: """
        Artist Name | Artist | Artists | Creator | Performer | Interpret | Künstler | Artiste | Artista
    """,
    Column.ALBUM: """
        Album Name | Album | Album Title | Release | Album-Name | Nombre del álbum | Nom de l'album
        Nome dell'album | Naam van album | Nome do álbum | Albumets namn | アルバム名 | اسم الألبوم
        Albüm Adı | Όνομα άλμπουμ | 专辑名称 | 專輯名稱 | 專輯名
    """,
    Column.ISRC: "ISRC | ISRC Code | ISRCs",
    Column.DURATION: "Duration | Length | Time | Dauer | Durée | Duración | Durata",
    Column.DURATION_MS: """
        Track Duration (ms) | Duration (ms) | Duration ms | Track-Dauer (ms) | Duración de la canción (ms)
        Durée du titre (ms) | Durata della traccia (ms) | Nummerduur (ms) | Duração da faixa (ms)
        Låtlängd (ms) | トラックの長さ（ミリ秒） | مدة الأغنية (بالمللي ثانية) | Parça Süresi (ms)
        Διάρκεια κομματιού (ms) | 曲目时长（毫秒） | 曲目長度（毫秒） | 曲目時長（毫秒）
    """,
    Column.URI: """
        Track URI | URI | Spotify URI | URL | Track URL | Link | Spotify - id | Spotify ID | Track ID
        Track-URI | URI de la canción | URI du titre | URI della traccia | Nummer URI | URI da faixa
        Låtens URI | トラックURI | رابط الأغنية (URI) | Parça URI | URI κομματιού | 曲目 URI | 歌 Link
    """,
    Column.PLAYLIST: "Playlist name | Playlist | Playlist Title",
    Column.TYPE: "Type | Kind",
    Column.EXPLICIT: """
        Explicit | Explizit | Explícito | Explicite | Esplicito | Expliciet | Explícita | 明示的な内容 | صريح
        Açık İçerik | Ακατάλληλο | 含露骨内容 | 含露骨內容 | 家長指引
    """,
    Column.RELEASE_DATE: """
        Album Release Date | Release Date | Veröffentlichungsdatum des Albums | Fecha de lanzamiento del álbum
        Date de sortie de l'album | Data di rilascio dell'album | Releasedatum van het album
        Data de lançamento do álbum | Albumets releasedatum | アルバム発売日 | تاريخ إصدار الألبوم
        Albüm Çıkış Tarihi | Ημερομηνία κυκλοφορίας άλμπουμ | 专辑发行日期 | 專輯發行日期 | 專輯發行日
    """,
    Column.TRACK_NUMBER: """
        Track Number | Track-Nummer | Número de la canción | Numéro du titre | Numero della traccia
        Nummernummer | Número da faixa | Låtnummer | トラック番号 | رقم الأغنية | Parça Numarası
        Αριθμός κομματιού | 曲目编号 | 曲目編號 | 曲目冧把
    """,
    Column.DISC_NUMBER: """
        Disc Number | Disc-Nummer | Número de disco | Numéro de disque | Numero del disco | Schijfnummer
        Número do disco | Skivnummer | ディスク番号 | رقم القرص | Disk Numarası | Αριθμός δίσκου | 光盘编号
        光碟編號 | 碟片冧把
    """,
}
EXPORTIFY_ORDER: tuple[Column | None, ...] = (
    *(Column.URI, Column.TITLE, None, Column.ARTISTS, None, Column.ALBUM, None, None, Column.RELEASE_DATE),
    *(None, Column.DISC_NUMBER, Column.TRACK_NUMBER, Column.DURATION_MS, None, Column.EXPLICIT, None),
    Column.ISRC,
)
"""What stands where in an Exportify file, also in a language that has come after this."""


def letters_of(header: str) -> str:
    """Return what of a header counts: `Artist Name(s)` and `artistnames` are the same."""
    plain = unicodedata.normalize("NFKC", header).casefold()
    return "".join(filter(str.isalpha, plain))


_COLUMNS: Mapping[str, Column] = {
    letters_of(name): column for column, names in _NAMES.items() for name in re.split(r"[|\n]", names)
}


def columns_of(header: Sequence[str]) -> dict[Column, int]:
    """Return where each known column stands; the first of two that are called alike counts."""
    found: dict[Column, int] = {}
    for index, name in enumerate(header):
        column = _COLUMNS.get(letters_of(name))
        if column is not None and column not in found:
            found[column] = index
    return found

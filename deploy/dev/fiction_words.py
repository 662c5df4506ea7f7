"""Words that the fictional music is made of. No artist, album or song here exists, as far as we know."""

import msgspec


class Tongue(msgspec.Struct, frozen=True, kw_only=True):
    """A script or language with its artists and the parts of its titles.

    share: how many of 100 tracks are in it. shapes: format strings over first and second.
    """

    share: int
    artists: tuple[str, ...]
    shapes: tuple[str, ...]
    firsts: tuple[str, ...]
    seconds: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split("|"))


TONGUES = (
    Tongue(
        share=52,
        artists=_names(
            "The Copper Otters | Ilsabet Varn | Mothlight Ferry Club | Dunmore & the Paper Tigers"
            " | Quillhaven"
            " | Bramblewick Sound Society | Odile Marchbanks | Nine Volt Orchard | Pella Strand"
            " | Gravel Choir | Tobin Ashgrove | The Understudy Moons | Kestrel Depot | Marrow & Finch"
            " | DJ Teakettle | HXLDR"
        ),
        shapes=(
            "{first} {second}",
            "The {second} Was {first}",
            "{first} {second} Season",
            "My {first} {second}",
        ),
        firsts=_words(
            "Marbled Lopsided Borrowed Tidal Unlit Feathered Woollen Sideways Candied Brittle Thirsty"
            " Magnetic Overgrown Salted Whispering Crooked Hollow Amber Rusted Weightless Folded"
            " Distant Patient Mossy"
        ),
        seconds=_words(
            "Lantern Trombone Greenhouse Ferryman Escalator Almanac Chandelier Bicycle Observatory Marmalade"
            " Staircase Typewriter Peninsula Umbrella Carousel Barometer Windmill Accordion Lighthouse Kettle"
            " Switchboard Hammock Compass Quarry"
        ),
    ),
    Tongue(
        share=16,
        artists=_names(
            "Zoé Brûlecœur | Štěpán Žlutý Kůň | Niña Ráfaga | Ægir Þokusson | Łąka Nocą | Gökçe Şimşekli"
        ),
        shapes=("{first} {second}", "{second} à {first}", "Où dort {first} {second}"),
        firsts=_words(
            "Señal Příliš Brûlé Größe Żółty Über Ráfaga Düş Ångström Coração Téměř Fenêtre Ñandú Œillet"
        ),
        seconds=_words(
            "naïve pêche úplněk żeglarz Möwe lluvia açaí kütüphane déjà smørgås pingüino vlčí øya maçã hôtel"
        ),
    ),
    Tongue(
        share=10,
        artists=_names("Кедровый Подъезд | Мята Кузнецова-Лис | Трамвай до Марса | Зимний Бубен"),
        shapes=("{first} {second}", "{second}, ты {first}", "Где {first} {second}"),
        firsts=_words(
            "Бумажный Солёный Нечаянный Медный Сонный Вчерашний Хрустальный Рыжий Дальний Мятный Тёплый"
        ),
        seconds=_words(
            "подснежник ледокол самовар ёжик фонарь чемодан маяк троллейбус апельсин метроном июль"
        ),
    ),
    Tongue(
        share=8,
        artists=_names("みかん灯台 | 午後のペンギン団 | カワウソ電算室"),
        shapes=("{first}{second}", "{second}は{first}", "さよなら{first}{second}"),
        firsts=_names(
            "透明な | 眠たい | からっぽの | 逆さまの | 銀色の | 迷子の | やわらかい | 塩味の | 遠い"
        ),
        seconds=_names(
            "観覧車 | 自動販売機 | クラゲ | 万華鏡 | 交差点 | 望遠鏡 | 毛布 | 電話ボックス | 砂時計 | 雨傘"
        ),
    ),
    Tongue(
        share=6,
        artists=_names("달콤한우체국 | 고래편의점 | 종이비행대"),
        shapes=("{first} {second}", "{second}의 {first} 밤", "안녕 {first} {second}"),
        firsts=_names("거꾸로 된 | 잠든 | 투명한 | 느린 | 푸른빛 | 구겨진 | 조용한 | 서툰 | 반짝이는"),
        seconds=_names("우산 | 자판기 | 정류장 | 나침반 | 고양이자리 | 유리병 | 회전목마 | 손전등 | 귤나무"),
    ),
    Tongue(
        share=5,
        artists=_names("Οι Χάρτινοι Φάροι | Μελίνα Σπουργίτη | Τραμ Δεκαεπτά"),
        shapes=("{first} {second}", "{second}, {first}", "Πού πας {first} {second}"),
        firsts=_words("Ασημένιο Αλμυρό Νυσταγμένο Μακρινό Γυάλινο Κρυφό Ξεχασμένο Βιολετί Ανάποδο"),
        seconds=_words("καράβι φανάρι περιβόλι ακορντεόν σύννεφο κουμπί καλοκαίρι ποδήλατο ρολόι"),
    ),
    Tongue(
        share=3,
        artists=_names("🛸 Hovercat | The Sofa Astronauts ☄️"),
        shapes=("{first} {second}", "{second} {first}", "{second}, but {first}"),
        firsts=_words("🌧️ 🪩 🦦🦦 🌵 🧊 🪐 🫧 🐌💨"),
        seconds=_words("Teleporting Homesick Sleepwalking Wobbling Jellybean Satellite Pancake Doorbell"),
    ),
)

ALBUMS = _names(
    "Postcards from Nowhere Loud | Second Drawer | Tape Hiss & Honey | Lost Umbrella Office"
    " | Rooms Without Corners | Weather for Two | Small Appliances | Northbound Picnic"
    " | Eleven Doors | The Long Commute"
)
VENUES = _names("the Velvet Silo | Larkspur Hall | the Old Tram Depot | Harbour Shed 9")
REMIXERS = _names("Moxie Tangent | Sub Marina | KROKANT | Gentle Forklift")
KARAOKE_MAKERS = _names("Singalong Basement Crew | Mic Drop Karaoke Makers")
COVER_MAKERS = _names("Lampshade Lullaby Ensemble | Café Cloudberry Trio | The Elevator Interpreters")
GUESTS = _names("Rue Pimlott | Señor Ocaso | Лада Ветер | Haneul Moss")

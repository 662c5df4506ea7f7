"""What is known of artists and no comparison of letters shows: their other names, and who composed.

One line is one artist, in any order. A name that two artists bear does not belong here.
"""

ALIASES = """
mgk | Machine Gun Kelly
Lady A | Lady Antebellum
The Chicks | Dixie Chicks
Ye | Kanye West
Puff Daddy | P. Diddy | Diddy | Sean Combs
Snoop Dogg | Snoop Doggy Dogg | Snoop Lion
Yasiin Bey | Mos Def
Yusuf | Cat Stevens | Yusuf / Cat Stevens
Jawny | Johnny Utah
Joji | Pink Guy
Lil Bow Wow | Bow Wow
2Pac | Tupac | Tupac Shakur | Makaveli
The Notorious B.I.G. | Biggie Smalls | Notorious BIG
Ms. Lauryn Hill | Lauryn Hill
Marina | Marina and the Diamonds
Prince | The Artist Formerly Known as Prince
Sinéad O'Connor | Shuhada' Sadaqat
MARRS | M/A/R/R/S
Jay Chou | 周杰倫 | 周杰伦
Eason Chan | 陳奕迅 | 陈奕迅
JJ Lin | 林俊傑 | 林俊杰
G.E.M. | 鄧紫棋 | 邓紫棋
Teresa Teng | 鄧麗君 | 邓丽君
Faye Wong | 王菲
Mayday | 五月天
Andy Lau | 劉德華 | 刘德华
Jacky Cheung | 張學友 | 张学友
Leslie Cheung | 張國榮 | 张国荣
Hikaru Utada | Utada Hikaru | 宇多田ヒカル
Kenshi Yonezu | 米津玄師
Sheena Ringo | Ringo Sheena | 椎名林檎
Tatsuro Yamashita | 山下達郎
Mariya Takeuchi | 竹内まりや
Ryuichi Sakamoto | 坂本龍一
Joe Hisaishi | 久石譲
Official HIGE DANdism | Official髭男dism
Zutomayo | ずっと真夜中でいいのに。
Yorushika | ヨルシカ
Yoasobi | ヨアソビ
Southern All Stars | サザンオールスターズ
BTS | 방탄소년단 | 防弾少年団 | Bangtan Boys
IU | 아이유
Girls' Generation | SNSD | 소녀시대 | 少女時代
TVXQ! | 東方神起 | 동방신기 | Tohoshinki
BIGBANG | 빅뱅
PSY | 싸이
Super Junior | 슈퍼주니어
Taeyeon | 태연
Umm Kulthum | Oum Kalthoum | أم كلثوم | Om Kalsoum
Fairuz | Fairouz | فيروز
Amr Diab | عمرو دياب
Abdel Halim Hafez | عبد الحليم حافظ
"""

# Who wrote it does not tell who plays it: two that share a composer only are two recordings.
COMPOSERS = """
Bach | Johann Sebastian Bach | J.S. Bach | JS Bach
Bartók | Béla Bartók
Beethoven | Ludwig van Beethoven | L. v. Beethoven | Бетховен
Berlioz | Hector Berlioz
Bizet | Georges Bizet
Brahms | Johannes Brahms
Britten | Benjamin Britten
Bruch | Max Bruch
Bruckner | Anton Bruckner
Chopin | Frédéric Chopin | Fryderyk Chopin | Frederic Francois Chopin | Шопен
Corelli | Arcangelo Corelli
Debussy | Claude Debussy | Claude Achille Debussy
Donizetti | Gaetano Donizetti
Dvořák | Antonín Dvořák | Antonin Dvorak
Elgar | Edward Elgar | Sir Edward Elgar
Falla | Manuel de Falla
Fauré | Gabriel Fauré
Gershwin | George Gershwin
Gluck | Christoph Willibald Gluck
Grieg | Edvard Grieg
Handel | George Frideric Handel | Georg Friedrich Händel | Haendel | Händel
Haydn | Joseph Haydn | Franz Joseph Haydn
Holst | Gustav Holst
Janáček | Leoš Janáček
Liszt | Franz Liszt | Liszt Ferenc
Mahler | Gustav Mahler
Mendelssohn | Felix Mendelssohn | Felix Mendelssohn Bartholdy
Monteverdi | Claudio Monteverdi
Mozart | Wolfgang Amadeus Mozart | W.A. Mozart | Моцарт
Mussorgsky | Modest Mussorgsky | Mussorgski | Moussorgski | Мусоргский
Orff | Carl Orff
Pachelbel | Johann Pachelbel
Paganini | Niccolò Paganini
Palestrina | Giovanni Pierluigi da Palestrina
Pergolesi | Giovanni Battista Pergolesi
Prokofiev | Sergei Prokofiev | Sergej Prokofjew | Прокофьев
Puccini | Giacomo Puccini
Purcell | Henry Purcell
Rachmaninoff | Sergei Rachmaninov | Sergei Rachmaninoff | Rachmaninow | Рахманинов
Ravel | Maurice Ravel
Rimsky-Korsakov | Nikolai Rimsky-Korsakov | Римский-Корсаков
Rossini | Gioachino Rossini
Saint-Saëns | Camille Saint-Saëns
Satie | Erik Satie
Scarlatti | Domenico Scarlatti
Schoenberg | Arnold Schoenberg | Arnold Schönberg
Schubert | Franz Schubert
Schumann | Robert Schumann
Scriabin | Alexander Scriabin | Skrjabin | Скрябин
Shostakovich | Dmitri Shostakovich | Schostakowitsch | Chostakovitch | Шостакович
Sibelius | Jean Sibelius
Smetana | Bedřich Smetana
Strauss | Johann Strauss | Johann Strauss II | Johann Strauß
Richard Strauss
Stravinsky | Igor Stravinsky | Strawinsky | Стравинский
Tchaikovsky | Pyotr Ilyich Tchaikovsky | Peter Tschaikowsky | Чайковский | Tchaïkovski
Telemann | Georg Philipp Telemann
Verdi | Giuseppe Verdi
Vivaldi | Antonio Vivaldi
Wagner | Richard Wagner
Weber | Carl Maria von Weber
"""

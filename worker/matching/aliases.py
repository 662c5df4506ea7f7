"""Names of one artist that no comparison of letters brings together: renamings and other scripts, as data.

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
Tchaikovsky | Pyotr Ilyich Tchaikovsky | Peter Tschaikowsky | Чайковский | Tchaïkovski
Rachmaninoff | Sergei Rachmaninov | Sergei Rachmaninoff | Rachmaninow | Рахманинов
Prokofiev | Sergei Prokofiev | Sergej Prokofjew | Прокофьев
Shostakovich | Dmitri Shostakovich | Schostakowitsch | Chostakovitch | Шостакович
Mussorgsky | Modest Mussorgsky | Mussorgski | Moussorgski | Мусоргский
Dvořák | Antonín Dvořák | Antonin Dvorak
Handel | George Frideric Handel | Georg Friedrich Händel | Haendel
Bach | Johann Sebastian Bach | J.S. Bach | JS Bach
Mozart | Wolfgang Amadeus Mozart | W.A. Mozart
Beethoven | Ludwig van Beethoven
Chopin | Frédéric Chopin | Fryderyk Chopin
"""

"""Common words of languages that we tell apart but do not stem: they only name it.

Each list holds the few dozen words that make up a quarter of any prose. The four
languages that the rest of the house knows well have longer lists
(`app.domain.stopwords`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.domain.stopwords import STOP_WORDS

_DUTCH = """
aan al alle als bij dat de deze die dit door dan dus een en er geen had heeft hebben
hebt het hier hoe hun ik in is je jouw kan kunnen kunt maar maken meer met mij moet
moeten naar niet niets nog nu of om omdat onder ons onze ook op over te tot tussen u uit
uw van veel via voor waar wanneer wat we welke werd wij worden wordt zal zich zien zij
zijn zo zoals zonder zou ze laat staat
"""
_FRENCH = """
a afin ai au aussi aux avec avoir avant c ce cela ces cet cette chaque comme comment
dans de des deux doit doivent donc dont du elle en entre est et etc faire fait il ils je
l la le les leur leurs lors lorsque mais même ne nos notre nous on ont ou où par pas peut
peuvent plus pour pouvez puis qu quand que qui s sa sans se ses si son sont sous sur ces
tous tout toute toutes très un une vers votre vous vos y être ceci
"""
_SPANISH = """
a al algunos antes así cada como con cual cuando cómo de debe del desde donde dos e el
ella en entre es esa ese eso esta estas este esto estos está están fue ha hacer han hasta
hay la las le les lo los muy más más ni no nos o otra otro para pero por porque puede
pueden que qué se sea ser si sin sobre solo son su sus también tiene todo todos tras un
una uno usted y ya
"""
_ITALIAN = """
a ad agli ai al alla alle anche avere che chi ci come con così cui da dai dal dalla dalle
degli dei del della delle dello deve di dopo dove due e ed essere fare fino gli ha hanno
i il in la le lo loro ma mentre ne nei nel nella nelle non nostro o ogni per perché più
poi possono prima può quando questa queste questi questo qui se senza si sia sono stato
su sua sue sul sulla suo tra tutti tutto un una uno viene è
"""
_PORTUGUESE = """
a ao aos antes as até cada com como da das de deve do dos e ela elas ele eles em entre
era essa esse esta este está estão eu fazer foi for há isso isto já lhe mais mas mesmo
muito na nas no nos não o onde os ou para pela pelas pelo pelos pode podem por porque
quando que quem se sem ser seu seus sobre sua suas são só também tem todos um uma você
vocês à às é
"""
_POLISH = """
a aby ale ani być był była było będzie bez bo by były ci co czy dla do gdy gdzie go i ich
im inne ja jak jako je jego jej jest jeśli już każdy kiedy która które który lub ma mają
może można musi na nad nie niż nowy o od oraz pod po podczas przed przez przy po się są
ta tak także tam te tego tej ten to tu tych tylko tym u w we wszystkie z za ze został że
żeby
"""
_CZECH = """
a aby ale ani bez bude by byl byla bylo být co do ho i jak jako je jeho její jejich jen
ještě již jsem jsme jsou k kde kdo když která které který lze ma mezi mohou může na nad
nebo není o od pak po pod podle pokud pomocí pro protože proto před při s se si svůj ta
tak také tato tento této to tohoto tom tuto ty tyto u už v ve však všechny z za ze že
"""
_SWEDISH = """
alla att av bara de dem den denna det detta dig din dina där du efter eller en ett för
från ha han har hur i in inte ja jag kan kommer man med mellan men mer mot mycket måste ni
när nu och om på sedan ska sig sin som så till under upp ut utan vad var vara vi vid vill
är över även
"""
_DANISH = """
af alle at blev bliver da de dem den denne der deres det dette dig din du efter eller en
er et for fra han har her hvis hvor hvordan hvad i ikke ind jeg kan kun man med meget
mellem men mere mod når nu og også om op over på sig sin skal som så til ud uden under
var ved vi vil være
"""
_NORWEGIAN = """
alle at av bare ble blir da de dem den denne der dere det dette deg din du en eller er et
etter for fra ha han har her hvis hvor hvordan hva i ikke inn jeg kan kun man med mellom
men mer mot når nå og også om opp over på seg sin skal som så til under ut uten var ved
vi vil være
"""
_ROMANIAN = """
a acest această aceste acestea ai al ale am ar are au ca care ce cea cel cele către cu
cum cât când da dar de deci despre din dintre doar după e ei el este fi fie fost fără
funcție în însă între la le li lor lui mai mult ne nu o ori pe pentru poate pot prin
prin sa sale sau se sunt și să spre sub toate trebuie un unde unei unor unui va vor îi își
"""
_TURKISH = """
ama ancak bir biz bu bunu da daha de değil diğer en gibi göre hem her için ile ilgili ise
kadar ki mı mi nasıl ne o olan olarak oldu olduğu olur sadece sonra tüm var ve veya veya
ya yok zaman çok önce üzerinde şey şu
"""
_BULGARIAN = """
а ако без бе беше бъде в ви вие все всеки всички във върху го да до докато е за защо и
или им има имат как какво като когато кога които който която което към ли между ми може
можете могат му на над най не него нея ни но някои нея от по под преди при през с са само
се си след ще така те тази там този това тези то той тя трябва у че чрез със
"""

#: Language code -> its commonest words, in Latin letters.
LATIN_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "en": STOP_WORDS["en"],
        "de": STOP_WORDS["de"],
        "nl": frozenset(_DUTCH.split()),
        "fr": frozenset(_FRENCH.split()),
        "es": frozenset(_SPANISH.split()),
        "it": frozenset(_ITALIAN.split()),
        "pt": frozenset(_PORTUGUESE.split()),
        "pl": frozenset(_POLISH.split()),
        "cs": frozenset(_CZECH.split()),
        "sv": frozenset(_SWEDISH.split()),
        "da": frozenset(_DANISH.split()),
        "no": frozenset(_NORWEGIAN.split()),
        "ro": frozenset(_ROMANIAN.split()),
        "tr": frozenset(_TURKISH.split()),
    }
)

#: The same in Cyrillic letters.
CYRILLIC_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "uk": STOP_WORDS["uk"],
        "ru": STOP_WORDS["ru"],
        "bg": frozenset(_BULGARIAN.split()),
    }
)

"""The commonest words of four languages: they tell a language and carry no subject.

The lists are short and hand-made: articles, pronouns, prepositions, conjunctions,
auxiliaries and a few adverbs. What they miss, the rarity of a stem on the site
takes care of. Words are folded as `app.domain.stems.words` folds them: lower case,
apostrophes gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_ENGLISH = """
a about above after again all also am an and any are as at be because been before
being below between both but by can cannot could did do does doing done down during
each either else few for from further get had has have having he her here hers him
his how however i if in into is it its itself just let may me might more most must my
neither no nor not now of off on once one only onto or other our ours out over own
per same shall she should since so some such than that the their theirs them then
there these they this those through to too under until up upon us very via was we
were what when where whether which while who whom whose why will with within without
would yes yet you your yours youre dont doesnt isnt cant wont its im ive well
many every another even two see
"""

_GERMAN = """
ab aber alle allem allen aller alles als also am an ander andere anderen anderer auch
auf aus außer bei beim bereits bevor bin bis bist da dabei dadurch dafür damit danach
dann daran darauf daraus darf darin das dass davon dazu dein deine deinem deinen deiner
dem den denen denn der deren des dessen die dies diese diesem diesen dieser dieses doch
dort du durch ein eine einem einen einer eines er es etwas euch euer für gegen hab habe
haben hat hatte hatten hier hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in
indem ins ist ja jede jedem jeden jeder jedes jedoch jetzt kann kannst kein keine keinem
keinen keiner können könnte man mehr mein meine mit muss musst müssen nach nachdem nicht
nichts noch nun nur ob oder ohne sehr sein seine seinem seinen seiner seit sich sie sind
so sobald sofern solche soll sollen sollte sondern sonst sowie über um und uns unser
unsere unter vom von vor wann war waren warum was weil weiter welche welchem welchen
welcher welches wenn wer werden wie wieder wir wird wirst wo wurde wurden zu zum zur
zwischen innerhalb neben mehrere weitere folgende folgenden beispielsweise deines dich
euren unseren hast hatte
"""

_UKRAINIAN = """
а або адже але б без би більш більше був була були було бути в вам вами вас ваш ваша
ваше вашим ваших вашого вашому ваші вже ви від він вона вони воно все всі всіх втім
від да далі де деякі деяких для до є же за завжди замість з зі згідно із й його її інша
інше інших інші і їм їх їхній їхні її коли кожен кожна кожного кожної крім кілька лише
має мають менше ми мій мати може можете можна можуть на навіть над нам нас наш наша наше
наші не нема немає ні ним ними них ніж о однак один одна одне обидва ось під після по
поки потім потрібно потрібен потрібна при про проте протягом під саме себе свого своє
свої своїх своєї ситуації сам слід такий така таке таких такі також там те тепер ти тим
тих то тоді того той тому тут у усе усі усіх хоча хто це цей цим цих цього цьому ця цю ці
цією цієї та ще щодо буде будуть будь між перед нижче вище тільки дуже оскільки отже
наприклад зокрема допомогою варто адже поміж через чи щоб що що якщо як яка яке яким яких якого якому який якої яку які
"""

_RUSSIAN = """
а без более будет будут бы был была были было быть в вам вами вас ваш ваша ваши вашего
во вот все всех вы где да даже для до его ее если есть еще ещё её же за здесь и из или
им ими их к как какой когда который которая которое которые которого которой которых
кто ли либо между меня мне может можно мой мы на над надо нас наш не него нее нет ни них
но о об однако он она они оно от очень по под после потом почему при про с сам свой
своего свои себя со так также такой там тем теперь то тогда того тоже той только том ты
у уже чего чем что чтобы эта эти это этого этой этом этот эту я является
"""

#: Language code -> its commonest words.
STOP_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "en": frozenset(_ENGLISH.split()),
        "de": frozenset(_GERMAN.split()) | frozenset({"ausser"}),
        "uk": frozenset(_UKRAINIAN.split()),
        "ru": frozenset(_RUSSIAN.split()),
    }
)

#: The common words of all languages at once: a page may well mix two.
ANY_STOP_WORD: frozenset[str] = frozenset().union(*STOP_WORDS.values())

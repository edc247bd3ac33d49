"""How sentences begin that sum a page up, and how those begin that do not.

Each pattern is held against a sentence in lower case with its apostrophes folded to
the straight one. English, German, Ukrainian and Russian.
"""

from __future__ import annotations

import re


def _beginning(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\W*(?:{'|'.join(alternatives)})\b")


def _anywhere(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b")


#: Never a summary: remarks on versions, scope, and where the text came from.
REMARK = _beginning(
    "applies to|note|notes|warning|caution|important|tip|deprecated|last updated|update",
    "this (?:feature|article|page) (?:is|was) (?:in beta|deprecated|moved|out of date)",
    "gilt für|hinweis|achtung|wichtig|tipp|warnung|anmerkung|veraltet|stand|aktualisierung",
    "застосовується до|примітка|увага|важливо|порада|попередження|зауваження|застаріло|оновлення",
    "применяется к|примечание|внимание|важно|совет|предупреждение",
)

#: Speaks of the page itself: what it shows, describes, explains.
ABOUT_THE_PAGE = _beginning(
    "(?:this|the following) (?:page|article|guide|section|topic|tutorial|task|post|blog)",
    "this (?:document|example|report|course|video|webinar|release|series|runbook)",
    "(?:in|on) this|learn|here(?:'s| is| are)|read about|find out|see how|an? overview",
    "(?:diese[rs]?|dieses) (?:seite|artikel|abschnitt|anleitung|dokument|handbuch|thema)",
    "(?:in|auf) diese[mr]|erfahre|hier (?:findest|erfährst|wird|werden)|lerne",
    "(?:ця|цей|це) (?:сторінка|розділ|стаття|посібник|завдання|приклад|документ|тема)",
    "(?:у|в|на) (?:цьому|цій) |дізна(?:йтеся|йтесь|єтеся|єтесь)|показує|описує|пояснює",
    "ця? (?:інструкція|задача)|тут (?:описано|наведено)|огляд|як ",
    "(?:эта|этот|это) (?:страница|раздел|статья|руководство|документ)|(?:в|на) этом",
)

#: Says what a reader is able to do.
ABILITY = _beginning(
    "you can|you'll|you may|people can|users? can|use |with ",
    "du kannst|sie können|man kann|mit ",
    "(?:ви )?можете|ви можете|можна|за допомогою|використову(?:йте|ючи)|щоб ",
    "(?:вы )?можете|можно|с помощью",
)

#: Leans on a sentence before it.
LEANING = _beginning(
    "however|but|also|then|it|they|he|she|and|so|therefore|thus|these|those|that|next",
    "additionally|moreover|furthermore|finally|for example|for instance|in addition|as a",
    "aber|jedoch|auch|dann|es|sie|er|und|daher|deshalb|außerdem|zum beispiel|danach",
    "але|однак|проте|також|тоді|він|вона|воно|вони|і|та|тому|отже|крім того|потім|далі",
    "наприклад|зокрема|якщо|після|ці|такий|така|таке|такі",
    "но|однако|также|тогда|он|она|оно|они|и|поэтому|кроме того|потом|например|если",
)

#: Sends the reader elsewhere.
POINTING = _anywhere(
    "for more information|more information|see also|see the|see|read more|refer to|visit",
    "weitere informationen|mehr informationen|siehe|finden sie",
    "див|дивіться|докладніше|детальніше|додатков(?:у|а|ої) інформаці(?:ю|я|ї)|ознайомтеся",
    "смотрите|подробнее|см",
)

#: A step of an instruction.
STEP = _beginning(
    "click|select|open|enter|choose|type|run|go to|navigate|press|make sure|ensure|add",
    "klicke|klicken|wähle|wählen|öffne|gib|navigiere|stelle sicher",
    "клацніть|натисніть|виберіть|відкрийте|введіть|запустіть|перейдіть|переконайтеся",
    "установіть|встановіть|додайте|створіть|розгорніть|виконайте|перевірте|зауважте",
    "нажмите|выберите|откройте|введите|запустите|перейдите|убедитесь",
)

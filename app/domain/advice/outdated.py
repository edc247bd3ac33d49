"""Pages that nobody has touched for long and that say themselves that they are old."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, Literal

from app.domain.advice.findings import Finding, quoted
from app.domain.advice.moments import Moment, moments
from app.domain.advice.page_kinds import is_record
from app.domain.advice.views import PageView, Part
from app.domain.sentences import sentences

#: Days without an edit before a promise, an unfinished spot, a state of affairs counts.
_PROMISE_DAYS = 30
_UNFINISHED_DAYS = 90
_STATE_DAYS = 365
#: How long after its day a promise is surely kept or broken.
_GRACE = timedelta(days=31)
#: A state of affairs older than this is history.
_STATE_AGE = timedelta(days=540)
#: Between the word that looks ahead and the date.
_REACH = 80
_LONGEST_SENTENCE = 500
#: Words of a note beside those that say that something is missing.
_OTHER_WORDS = 5

#: Looks ahead, from when it was written.
_AHEAD: Final = re.compile(
    r"\b(?:will|going to|(?:is|are) (?:planned|scheduled|expected|due|slated|targeted)|"
    r"plan(?:s|ned)? (?:to|for)|upcoming|(?:should|must) be|wird|werden|geplant|vorgesehen|voraussichtlich|"
    r"буд(?:е|уть|емо)|планує(?:ться|мо)|заплановано|очікується|ма(?:є|ють) бути)\b",
    re.IGNORECASE,
)
#: Looks back, doubts, or says since when: such a sentence promises nothing.
_BACK: Final = re.compile(
    r"\b(?:was|were|had|has|have|would|could|might|since|originally|initially|formerly|if|ago|"
    r"war|waren|hatten?|wurden?|würden?|könnten?|seit|ursprünglich|wenn|falls|"
    r"unterstützt|verwendet|genutzt|benutzt|"
    r"був|була|було|були|раніше|спочатку|якби|якщо|починаючи|"
    r"example|beispiel\w*|наприклад|прикладі?)\b|[“”„«»\"]",
    re.IGNORECASE,
)
_QUOTES: Final = re.compile('[“”„«»"]')
#: A date that something is promised for.
_FOR: Final = re.compile(
    r"(?<!made )(?<!issued )(?<!created )(?<!signed )(?<!dated )(?<!written )"
    r"(?:\b(?:in|by|on|until|before|for|of|early|late|mid|the|"
    r"spring|summer|autumn|fall|winter|half|"
    r"im|am|bis|ab|zum|ende|anfang|mitte|der|für|frühjahr|frühling|sommer|herbst|halbjahr|"
    r"у|в|до|з|на|кінця|кінець|кінці|початку|середини|"
    r"навесні|влітку|восени|взимку))\s+$",
    re.IGNORECASE,
)
#: Says up to when something holds.
_UNTIL: Final = re.compile(
    r"\b(?:(?:is |are |remains? )?valid (?:until|through|till)|expires? (?:on|in)|"
    r"(?:gültig|gilt|gelten) bis(?: zum)?|(?:діє|діють|чинн\w+|дійсн\w+) до)"
    r"\s*:?\s*(?:the\s+|end of\s+|ende\s+|кінця\s+)?$",
    re.IGNORECASE,
)
#: Says how things stand at a date. What is so `as of` a date in the middle of a sentence
#: may be so from then on: only at its beginning, or in brackets, does it date the rest.
_AS_OF: Final = re.compile(
    r"(?:(?:^|[(\[,;–—]\s*)(?:as of|currently,? (?:in|as of)|status as of)|"
    r"(?:^|[(\[*•|]\s*)(?:last (?:updated|reviewed|checked)(?: on| in)?|"
    r"stand(?: vom| von)?|zuletzt (?:aktualisiert|geprüft)(?: am)?|"
    r"оновлено|актуально на)|\bстаном на)\s*:?\s*(?:the\s+)?$",
    re.IGNORECASE,
)
#: A mark that somebody left to come back to, where it is no word of the text.
_MARK: Final = re.compile(
    r"^\W{0,3}(?:TODO|TBD|FIXME|TBC)\b(?!\s+(?:list|item|app|comment|tag)s?\b)(?:\W|$)"
    r"|[(\[](?P<inside>TODO|TBD|FIXME|TBC)\b[^)\]]{0,80}[)\]]"
    r"|:\s*(?:TBD|TBC|TODO)\W{0,2}$"
)
#: Says that something is yet to come, if that is all that is said.
_TO_COME: Final = re.compile(
    r"\b(?:coming soon|to be (?:determined|defined|decided|announced|confirmed|continued|"
    r"completed|added|written)|under construction|work in progress|"
    r"folgt (?:noch|in kürze|bald)|in arbeit|noch (?:offen|zu klären|zu ergänzen)|"
    r"wird noch ergänzt|уточнюється|буде (?:доповнено|додано|уточнено)|незабаром|"
    r"далі буде|в процесі написання)\b",
    re.IGNORECASE,
)


def outdated(page: PageView) -> Iterator[Finding]:
    """Walk what on a page is over, or was never finished.

    Records of a moment (minutes, decisions, post-mortems, dated titles) may speak of
    the past as they like.
    """
    labels = [one.name for one in page.page.labels or ()]
    if is_record(page.title, labels):
        return
    for part, paragraph in page.paragraphs():
        if _is_untouched(page, _UNFINISHED_DAYS) and _is_unfinished(paragraph):
            yield _finding("unfinished", 2, part, paragraph)
        for sentence in sentences(paragraph):
            if len(sentence) > _LONGEST_SENTENCE:
                continue
            for one in moments(sentence):
                yield from _judged(page, part, sentence, one)


def _judged(
    page: PageView, part: Part, sentence: str, one: Moment
) -> Iterator[Finding]:
    today = page.now.date()
    before = sentence[: one.start]
    passed = one.last_day + _GRACE < today and _is_untouched(page, _PROMISE_DAYS)
    if passed and _UNTIL.search(before):
        yield _finding("expired", 3, part, sentence, one)
    elif passed and _is_promised(sentence, before):
        yield _finding("promise_passed", 3, part, sentence, one)
    elif _is_dated(sentence, before) and _is_old(page, one.last_day, today):
        yield _finding("old_state", 2, part, sentence, one)


def _is_promised(sentence: str, before: str) -> bool:
    ahead = _AHEAD.search(before, max(0, len(before) - _REACH))
    return bool(ahead and _FOR.search(before) and not _BACK.search(sentence))


def _is_dated(sentence: str, before: str) -> bool:
    return bool(_AS_OF.search(before)) and not _AHEAD.search(sentence)


def _is_old(page: PageView, day: date, today: date) -> bool:
    return day + _STATE_AGE < today and _is_untouched(page, _STATE_DAYS)


def _is_unfinished(paragraph: str) -> bool:
    mark = _MARK.search(paragraph)
    if mark:
        before = paragraph[: mark.start()]
        return not (mark["inside"] and _spells(before, mark["inside"]))
    found = _TO_COME.search(paragraph)
    if found is None or _QUOTES.search(paragraph):
        return False
    others = paragraph[: found.start()] + paragraph[found.end() :]
    return len(others.split()) <= _OTHER_WORDS


def _spells(before: str, letters: str) -> bool:
    """Whether the words before a bracket are what its letters are short for."""
    initials = "".join(word[0] for word in re.findall(r"\w+", before)).upper()
    return initials.endswith(letters)


def _is_untouched(page: PageView, days: int) -> bool:
    untouched = page.days_untouched
    return untouched is not None and untouched >= days


def _finding(
    signal: str,
    severity: Literal[2, 3],
    part: Part,
    text: str,
    moment: Moment | None = None,
) -> Finding:
    return Finding(
        kind="outdated",
        signal=signal,
        severity=severity,
        heading=part.heading,
        place=part.place,
        passage=quoted(text, around=(moment.start, moment.end) if moment else (0, 0)),
        facts={"date": text[moment.start : moment.end]} if moment else {},
    )

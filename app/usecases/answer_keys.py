"""What an answer depends on, and the sealed form in which answers are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from app.domain.completions import Completion, LabelChoice, Passage, Usage
from app.domain.fingerprint import content_hash
from app.domain.pages import PageText
from app.errors import ConfigurationError
from app.store.encryption import Cipher
from app.usecases.ai_ports import Respondent

#: Shorter texts are alike by chance.
_FEWEST_CHARACTERS = 200
#: Its answers cost nothing, so they are no reason not to ask a better one.
_FREE = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer, and the title of the page it was given for.

    Attributes:
        given_at: When it was given; None if nobody noted that.
        page_id: The page that it was given for; empty likewise.
    """

    completion: Completion
    title: str
    given_at: datetime | None = None
    page_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerKeys:
    """Names of one question's answers, whoever of the respondents gives them.

    Attributes:
        page_id: Whose question it is; no name depends on it.
        whole: Keys of title and text, in the order of respondents.
        texts: Keys of the text alone; empty for a text too short to be known by it.
    """

    title: str
    whole: tuple[str, ...]
    texts: tuple[str, ...]
    content: str
    text: str
    version: int
    settings: str
    page_id: str = ""

    @classmethod
    def of(
        cls,
        page: PageText,
        respondents: Sequence[Respondent],
        *,
        version: int,
        settings: str = "",
        page_id: str = "",
    ) -> AnswerKeys:
        """Name the answers to a page's question.

        `settings` is all else that the question depends on: vocabulary, limits,
        languages. An answer of the free provider counts only where it would be asked first.
        """
        content = content_hash(page)
        text = content_hash(replace(page, title=""))
        keys = cls(
            title=page.title,
            whole=(),
            texts=(),
            content=content,
            text=text,
            version=version,
            settings=settings,
            page_id=page_id,
        )
        paid = [
            one
            for place, one in enumerate(respondents)
            if place == 0 or one.provider != _FREE
        ]
        named = [keys.named(one.provider, one.model) for one in paid]
        is_telling = len(page.text.strip()) >= _FEWEST_CHARACTERS
        return replace(
            keys,
            whole=tuple(whole for whole, _ in named),
            texts=tuple(text for _, text in named) if is_telling else (),
        )

    @property
    def first(self) -> str:
        """The key of the first respondent's answer: it names the question."""
        return self.whole[0]

    def named(self, provider: str, model: str) -> tuple[str, str]:
        """Return the keys, with title and without, of one respondent's answer."""
        asked = (str(self.version), self.settings, provider, model)
        return _hash(self.content, *asked), _hash(self.text, *asked)

    def fits(self, key: str, kept: KeptAnswer) -> bool:
        """Whether a kept answer is this page's: its own, or that of its original.

        Confluence calls a copy "Copy of" its original; one title holds the other.
        """
        if key in self.whole:
            return True
        ours, theirs = self.title.casefold().strip(), kept.title.casefold().strip()
        return bool(ours and theirs) and (ours in theirs or theirs in ours)


def sealed(cipher: Cipher, kept: KeptAnswer) -> str:
    """Return an answer encrypted: it speaks of a page's content.

    How it came about lies in its run's receipt, not here.
    """
    said = asdict(replace(kept, completion=replace(kept.completion, exchange=None)))
    # Releases before this one take no field of an answer that they do not know.
    del said["completion"]["exchange"]
    said["given_at"] = kept.given_at.isoformat() if kept.given_at else None
    return cipher.seal(json.dumps(said, ensure_ascii=False))


def opened(cipher: Cipher, box: str) -> KeptAnswer | None:
    """Return an answer again; None for one that can only be asked anew.

    Its key is gone, or another version of this program kept it in another form.
    """
    try:
        kept = json.loads(cipher.open(box))
        answer = kept["completion"]
        completion = Completion(
            **{
                **answer,
                "labels": tuple(LabelChoice(**one) for one in answer["labels"]),
                "proposals": tuple(LabelChoice(**one) for one in answer["proposals"]),
                "usage": Usage(**answer["usage"]),
                # Answers of earlier versions have neither.
                "sources": tuple(Passage(**one) for one in answer.get("sources", ())),
                "oddities": tuple(answer.get("oddities", ())),
            }
        )
        given_at = kept.get("given_at")
        return KeptAnswer(
            completion=completion,
            title=kept["title"],
            given_at=datetime.fromisoformat(given_at) if given_at else None,
            page_id=kept.get("page_id", ""),
        )
    except (ConfigurationError, KeyError, TypeError, ValueError):
        return None


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

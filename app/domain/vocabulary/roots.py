"""What the inflected forms of a word have in common, a little finer than a stem.

`app.domain.stems` cuts words at six letters, which the ranker's sums forgive. A term is
either named on a page or it is not, and two terms are one label or they are not: here
`мережі` must meet `мережа`, `policies` `policy`, and `Rollen` `Rolle`, while
`international` must not meet `internal`.
"""

from __future__ import annotations

from functools import lru_cache

from app.domain.stems import stem, words

#: Endings of Ukrainian nouns and adjectives, longest first; enough letters stay.
_ENDINGS = (
    *("ями", "ами", "ого", "ому", "ими"),
    *("ів", "їв", "ам", "ям", "ах", "ях", "ом", "ем", "єм", "ою", "ею", "єю"),
    *("ий", "ої", "их", "ім", "им"),
    *("а", "я", "у", "ю", "и", "і", "ї", "о", "е", "є", "ь"),
)
_SHORTEST = 3
#: The shortest words that English `-ies`, `-es` and German `-en` are taken off.
_PLURAL = 5
#: Two forms of one word share so much of the longer one.
_SHARED = 0.7


@lru_cache(maxsize=100_000)
def root(word: str) -> str:
    """Return what all forms of a folded word share, as far as its letters tell.

    Of what has a digit in it there are no forms: `iso27001` is not `iso27002`.
    """
    if any(map(str.isdigit, word)):
        return word
    if "а" <= word[:1] <= "ґ":
        return stem(_without_ending(word))
    if len(word) >= _PLURAL and word.endswith("ies"):
        return stem(word[:-3] + "y")
    if len(word) >= _PLURAL and word.endswith(("sses", "shes", "ches", "xes")):
        return stem(word[:-2])
    if len(word) >= _PLURAL and word.endswith("en"):
        return stem(word[:-1])
    return stem(word)


def roots(name: str) -> tuple[str, ...]:
    """Return the roots of a name's words, in order; hyphens and underscores part them."""
    return tuple(map(root, words(name)))


@lru_cache(maxsize=200_000)
def are_forms(one: str, other: str) -> bool:
    """Whether two folded words may be forms of one: the same root, and not much more."""
    if one == other:
        return True
    if root(one) != root(other):
        return False
    longer = max(len(one), len(other))
    shared = next(
        (
            at
            for at, pair in enumerate(zip(one, other, strict=False))
            if len({*pair}) > 1
        ),
        min(len(one), len(other)),
    )
    # An ending of three letters is long for a short word and nothing for a long one.
    return shared >= _SHARED * longer or longer - shared <= _SHORTEST


def _without_ending(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word[: -len(ending)]
    return word

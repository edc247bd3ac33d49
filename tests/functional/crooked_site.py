"""A space that has grown crooked: one of each thing that an outline speaks of."""

from __future__ import annotations

import random

from tests.functional.house import House

#: What the pages of each branch are about, in words that no other branch uses.
_SUBJECTS = {
    "Network": "router switch cable socket gateway firewall packet subnet vlan port",
    "Payroll": "salary payslip bonus pension overtime wage invoice tax deduction bank",
    "Зустрічі": "порядок денний протокол рішення учасник запрошення кімната голосування",
}
_COMMON = "team week change check note people start end work plan list name day part"


def prose(subject: str, seed: int, *, words: int = 120, own_share: float = 0.5) -> str:
    """Return sentences on a subject, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    own, common = _SUBJECTS[subject].split(), _COMMON.split()
    said = [
        rng.choice(own if rng.random() < own_share else common) for _ in range(words)
    ]
    return " ".join(said)


def grow(house: House) -> dict[str, str]:
    """Add the branches to the house's space; return page ids by name."""
    ids: dict[str, str] = {}
    seed = 0
    for subject in _SUBJECTS:
        ids[subject] = house.add_page(subject, f"All about it: {prose(subject, 999)}")
        for name in ("one", "two", "three", "four", "five"):
            seed += 1
            title = f"{subject} {name}"
            text = prose(subject, seed)
            ids[title] = house.add_page(title, text, parent_id=ids[subject])
    return ids


def bend(house: House, ids: dict[str, str]) -> None:
    """Put one thing of each kind wrong; the new pages' ids are added."""
    ids["strange"] = house.add_page(
        "Who pays whom", prose("Payroll", 50), parent_id=ids["Network"]
    )
    copied = prose("Network", 60, words=200)
    ids["first"] = house.add_page(
        "Cables", f"{copied} and more", parent_id=ids["Network"]
    )
    ids["copy"] = house.add_page("Wires", copied, parent_id=ids["Payroll"])
    link = '<ac:link><ri:page ri:content-title="Glossary &amp; terms" /></ac:link>'
    for name in ("one", "two", "three"):
        house.add_page(f"Letter {name}", f"{link} {name}", parent_id=ids["Зустрічі"])
    ids["services"] = house.add_page("Services", "What we run.")
    for name in ("Mail", "Files", "Print", "Клієнти"):
        ids[name] = house.add_page(name, "A service.", parent_id=ids["services"])
        if name != "Клієнти":
            body = "Do this.</p><h2>Steps</h2><p>One.</p><h2>Owner</h2><p>Us."
            house.add_page(f"{name} runbook", body, parent_id=ids[name])
    parts = (("Network", 70), ("Payroll", 71))
    sections = "".join(
        f"</p><h1>On {subject.lower()}</h1><p>{prose(subject, seed, words=700, own_share=0.9)}"
        for subject, seed in parts
    )
    ids["long"] = house.add_page("Handbook", f"Read this.{sections}")

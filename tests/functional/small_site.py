"""A site so small that a test is quick, yet with labels that people have put there."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.model import Page, Space
from sandbox.people import account_id_of
from sandbox.principals import Principal
from sandbox.site import Site

SPACE_KEY = "OPS"

#: One page in each language that people have left without labels, and what fits it.
ENGLISH, GERMAN, UKRAINIAN = "english", "german", "ukrainian"
FITTING = {ENGLISH: "backup", GERMAN: "netzwerk", UKRAINIAN: "відпустка"}

_LABELLED = (
    (
        "backup",
        "Nightly backup of the database",
        (
            "The backup of the database runs every night and is copied to a second disk. "
            "Whoever is on duty checks that the backup has finished."
        ),
    ),
    (
        "backup",
        "Restore a backup",
        (
            "Stop the server, choose the newest backup, and restore the files from the "
            "disk. A restore is rehearsed with an old backup every month."
        ),
    ),
    (
        "backup",
        "Where backup tapes are kept",
        (
            "Each backup tape is kept for a year in the safe. The oldest backup is "
            "overwritten first, and the list of tapes is kept beside the safe."
        ),
    ),
    (
        "netzwerk",
        "Netzwerk im Büro einrichten",
        (
            "Das Netzwerk im Büro besteht aus zwei Schaltern und einem Router. Jede Dose "
            "im Netzwerk trägt eine Nummer, die auch am Schalter steht."
        ),
    ),
    (
        "netzwerk",
        "Störung im Netzwerk melden",
        (
            "Ist das Netzwerk gestört, prüfen Sie zuerst das Kabel und den Router. Danach "
            "melden Sie die Störung mit der Nummer der Dose."
        ),
    ),
    (
        "netzwerk",
        "Gäste im Netzwerk",
        (
            "Gäste bekommen ein eigenes Netzwerk ohne Zugang zu den Servern. Das Kennwort "
            "für das Netzwerk der Gäste wechselt jede Woche."
        ),
    ),
    (
        "відпустка",
        "Щорічна відпустка",
        (
            "Щорічна відпустка триває двадцять чотири дні. Заяву на відпустку подають "
            "керівнику за два тижні до її початку."
        ),
    ),
    (
        "відпустка",
        "Як перенести відпустку",
        (
            "Відпустку переносять за згодою керівника. У заяві вказують нові дні відпустки "
            "та причину перенесення."
        ),
    ),
    (
        "відпустка",
        "Відпустка без збереження зарплати",
        (
            "Таку відпустку надають за заявою працівника. Дні цієї відпустки не входять до "
            "щорічної відпустки."
        ),
    ),
)

#: What a person writes on the pages that wait for labels.
TEXTS = {
    ENGLISH: "A backup of the mail server is made every night. If the disk breaks, "
    "the newest backup is restored by whoever is on duty.",
    GERMAN: "Der neue Router verbindet das Netzwerk im Lager mit dem Netzwerk im Büro. "
    "Die Nummer der Dose steht am Schalter.",
    UKRAINIAN: "Заяву на відпустку під час навчання подають керівнику. Дні такої "
    "відпустки не входять до щорічної відпустки.",
}
_TITLES = {
    ENGLISH: "Mail server backup",
    GERMAN: "Netzwerk im Lager",
    UKRAINIAN: "Навчальна відпустка",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallSite:
    """Where things are on the small site.

    Attributes:
        waiting: Language -> id of the page that waits for labels.
        labelled: Ids of the pages that people have labelled.
    """

    space_id: str
    homepage_id: str
    waiting: dict[str, str]
    labelled: tuple[str, ...]


def fill(site: Site) -> SmallSite:
    """Fill an empty site, the same each time."""
    space = site.create_space(key=SPACE_KEY, name="Operations", actor=site.admin)
    labelled = []
    for label, title, text in _LABELLED:
        page = add_page(site, space, title, text)
        site.add_labels(page.id, [("global", label)], olena(site))
        labelled.append(page.id)
    waiting = {
        language: add_page(site, space, title, "").id
        for language, title in _TITLES.items()
    }
    assert space.homepage_id is not None
    return SmallSite(
        space_id=space.id,
        homepage_id=space.homepage_id,
        waiting=waiting,
        labelled=tuple(labelled),
    )


def add_page(
    site: Site,
    space: Space,
    title: str,
    text: str,
    *,
    parent_id: str | None = None,
    page_id: str | None = None,
) -> Page:
    """Add a page of one paragraph that Olena wrote."""
    return site.create_page(
        space_id=space.id,
        title=title,
        body=f"<p>{text}</p>" if text else "",
        parent_id=parent_id or space.homepage_id,
        actor=olena(site),
        page_id=page_id,
    )


def olena(site: Site) -> Principal:
    """Return the editor who writes the pages."""
    return site.directory.get(account_id_of("olena")).principal

"""Whether a German word with a capital letter is a common noun rather than a name.

German writes all nouns large, so capitals prove no name there. Endings tell most nouns,
their last part the compounds, and the commonest are listed.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_ENDINGS = (
    "ung|ungen|heit|heiten|keit|keiten|schaft|schaften|tion|tionen|sion|sionen|tät|täten"
    "|nis|nisse|nissen|ment|mente|ments|ismus|ling|linge|chen|tum|ik|iken|ie|ien|enz|enzen"
    "|anz|anzen|ität|itäten|end|ende|enden|ierer|ierern|or|oren|ive|ektiven|atur|aturen"
    "|ieren|ionen|eur|eure|ant|anten|ist|isten|ei|eien|graf|logie|logien|gebnis|gebnisse"
)
_HAS_ENDING = re.compile(rf"[a-zäöüß]{{3,}}(?:{_ENDINGS})")
_LISTED = """
abend ablauf abruf absatz abschnitt abstand admin adresse aktion alter anbieter anfang
anfrage angabe angebot anlass anruf ansatz anspruch anteil antrag antwort anwender
anzahl anzeige arbeit archiv art artikel attribut aufbau aufgabe aufruf auftrag aufwand
auge ausdruck ausgabe ausnahme auswahl auszug autor autorin basis baum beginn beispiel
beitrag benutzer berater bereich bericht beruf bescheid besitzer bestand bestandteil
besuch betreuer betrieb bewerber bild blatt block brief browser buch budget büro code
computer datei daten datum dauer detail dienst dienstag ding dokument drittel druck
ebene ecke eigentümer eingabe eingang einkauf einsatz eintrag element email empfänger
ende entwickler entwurf ereignis erfolg ergebnis ersatz fach faktor fall farbe fehler
feld fenster ferien feedback filter firma folge form format formular frage frau freund hang
frist funktion gast gebäude gebiet gebühr gefahr gehalt geld gerät geschäft gesetz
gespräch gesetz gewicht grad grenze größe grund gruppe hand handbuch haus heft herr hilfe
hinweis höhe idee inhaber inhalt intervall jahr kanal kapitel karte kategorie kauf kenntnis
kennwort kennzeichen kette kind klasse knoten kollege kollegin komma kommentar konto kontext
kontrolle kopf kopie kosten kraft kreis kunde kundin kurs lage land länge last laufwerk
leben lehrer leiter leser leute licht lieferant linie link liste lizenz lösung mail
maschine maß mehrheit meilenstein meldung menge mensch menü merkmal methode minute
mitarbeiter mitglied mittel modell modul moment monat muster nachricht nachteil nachweis
name netz netzwerk neuigkeit notiz nummer nutzer nutzung objekt option ordner ort paar
paket papier parameter partner passwort pause person pfad phase plan platz position post
preis prinzip problem produkt profil programm projekt prozent prozess prüfer punkt quelle
rahmen rand rang raum rechner rechnung recht regel reihe reise rest richter richtlinie risiko
rolle rückgabe sache satz schaden schalter schicht schlüssel schritt schutz seite sekunde
server sicherheit sicht signal sinn skript software spalte speicher sprache stand
standard standort start statistik status stelle steuer stil stoff stück stufe stunde suche
summe symbol system tabelle tag tafel tarif taste team teil teilnehmer termin test text
thema ticket tipp titel tool transfer treffer typ überblick übersicht uhr umfang umgang
unterlage unterschied ursache urlaub variable verfahren vergleich verkauf verlauf verlust
vermerk version versuch vertrag verzeichnis video vorgang vorlage vorschlag vorteil
wahl ware warte wechsel weg weise welt werk wert werkzeug wiki wissen woche wort workflow
wunsch zahl zeichen zeile zeit zentrum zeuge ziel zimmer zugang zugriff zustand zweck zweig
bedingung belastung diskussion gründe änderung webdienst vertreter zahlung dienste kopien
umgebung betrag beträge nächte länder räume pläne menüs wünsche zugänge schritte rechte
"""
_NO_UMLAUTS = str.maketrans("äöü", "aou")
_NOUNS = frozenset(_LISTED.translate(_NO_UMLAUTS).split())
#: Pronouns that the polite write large.
_PRONOUNS = frozenset(
    [
        "dir",
        "dich",
        "dein",
        "deine",
        "deinem",
        "deinen",
        "deiner",
        "deines",
        "euch",
        "ihnen",
    ]
)
#: What declension puts behind a noun.
_DECLENSION = ("innen", "in", "ern", "er", "en", "es", "nen", "se", "n", "s", "e")
#: The last part of a compound has so many letters at least.
_LAST_PART = 4


def is_common_noun(word: str, known: Collection[str]) -> bool:
    """Whether a word, in lower case, is a noun by its ending, its parts or our list.

    `known` are words of the page: their compounds are nouns too.
    """
    if word in _PRONOUNS or _HAS_ENDING.fullmatch(word):
        return True
    forms = (word, *(word.removesuffix(one) for one in _DECLENSION))
    return any(_ends_in_a_noun(form, known) for form in dict.fromkeys(forms))


def _ends_in_a_noun(form: str, known: Collection[str]) -> bool:
    plain = form.translate(_NO_UMLAUTS)
    last = range(1, len(form) - _LAST_PART + 1)
    return plain in _NOUNS or any(
        plain[at:] in _NOUNS or form[at:] in known for at in last
    )

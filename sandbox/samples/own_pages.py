"""Pages written for the sandbox: shapes that real pages have and samples lack."""

from __future__ import annotations

from html import escape

#: Panels, an expand, code, a table, tasks, a status, links, entities and CDATA.
MACROS_TITLE = "Release checklist (macros)"
MACROS_BODY = """\
<p>Use this page when a service goes to production. It shows most of what a page can \
hold&nbsp;&ndash; panels, code, tables and tasks.</p>
<ac:structured-macro ac:name="toc" ac:schema-version="1" />
<ac:structured-macro ac:name="info" ac:schema-version="1"><ac:rich-text-body>\
<p>The release window is <strong>Tuesday to Thursday</strong>, 09:00&ndash;15:00 UTC.</p>\
</ac:rich-text-body></ac:structured-macro>
<ac:structured-macro ac:name="warning" ac:schema-version="1">\
<ac:parameter ac:name="title">No releases during an incident</ac:parameter>\
<ac:rich-text-body><p>Ask the incident lead before you deploy.</p></ac:rich-text-body>\
</ac:structured-macro>
<h2>Before the release</h2>
<ac:task-list><ac:task><ac:task-id>1</ac:task-id><ac:task-status>complete</ac:task-status>\
<ac:task-body>Run the database migration against a copy of production</ac:task-body></ac:task>\
<ac:task><ac:task-id>2</ac:task-id><ac:task-status>incomplete</ac:task-status>\
<ac:task-body>Announce the window in the team channel</ac:task-body></ac:task></ac:task-list>
<h2>Deploy</h2>
<ac:structured-macro ac:name="code" ac:schema-version="1">\
<ac:parameter ac:name="language">bash</ac:parameter>\
<ac:plain-text-body><![CDATA[kubectl rollout status deploy/web --timeout=120s
if [ "$(kubectl get pods | grep -c CrashLoop)" -gt 0 ]; then
  kubectl rollout undo deploy/web   # <- back to the last good image
fi]]></ac:plain-text-body></ac:structured-macro>
<ac:structured-macro ac:name="expand" ac:schema-version="1">\
<ac:parameter ac:name="title">What if the rollback fails?</ac:parameter><ac:rich-text-body>\
<p>Scale the old replica set by hand and page the platform team.</p></ac:rich-text-body>\
</ac:structured-macro>
<h2>Who signs off</h2>
<table><tbody><tr><th>Step</th><th>Owner</th><th>State</th></tr>\
<tr><td>Migration</td><td>Data platform</td><td><ac:structured-macro ac:name="status" \
ac:schema-version="1"><ac:parameter ac:name="title">done</ac:parameter>\
<ac:parameter ac:name="colour">Green</ac:parameter></ac:structured-macro></td></tr>\
<tr><td>Load test</td><td>Performance &amp; reliability</td><td><ac:structured-macro \
ac:name="status" ac:schema-version="1"><ac:parameter ac:name="title">open</ac:parameter>\
<ac:parameter ac:name="colour">Yellow</ac:parameter></ac:structured-macro></td></tr>\
</tbody></table>
<p>See also <ac:link><ri:page ri:content-title="Product documentation" />\
<ac:plain-text-link-body><![CDATA[the documentation]]></ac:plain-text-link-body></ac:link>. \
Next review: <time datetime="2026-12-01" />.</p>
<ac:structured-macro ac:name="panel" ac:schema-version="1">\
<ac:parameter ac:name="title">Contacts</ac:parameter><ac:rich-text-body>\
<p>Release managers: &Eacute;lodie, J&ouml;rg, &#1054;&#1083;&#1077;&#1085;&#1072;.</p>\
</ac:rich-text-body></ac:structured-macro>
"""

RESTRICTED_TITLE = "Unannounced pricing"
RESTRICTED_BODY = (
    "<p>Only administrators may read this page: it holds the prices that are not "
    "announced yet.</p>"
)

EMPTY_TITLE = "Notes for the next planning"
LONG_TITLE = "Operations log of a whole year"
LONG_BODY_BYTES = 200_000

#: (title, body) of the space "HR".
HR_PAGES: tuple[tuple[str, str], ...] = (
    (
        "Як оформити відпустку",
        (
            "<p>Щорічна відпустка триває 24 календарні дні. Заяву подають у кадровій "
            "системі щонайменше за два тижні до початку, а керівник погоджує її протягом "
            "трьох робочих днів.</p><h2>Перенесення днів</h2><p>Невикористані дні можна "
            "перенести на наступний рік, але не більше десяти. Лікарняний подовжує "
            "відпустку на відповідну кількість днів.</p>"
        ),
    ),
    (
        "Перший тиждень на новому місці",
        (
            "<p>У перший день ви отримуєте ноутбук, перепустку та доступи до пошти й вікі. "
            "Наставник показує, як влаштована команда, і домовляється про щоденні "
            "зустрічі.</p><ul><li>понеділок: знайомство та обладнання</li>"
            "<li>середа: навчання з безпеки</li><li>п’ятниця: розмова з керівником</li></ul>"
        ),
    ),
    (
        "Reisekosten abrechnen",
        (
            "<p>Dienstreisen werden innerhalb von vier Wochen nach der Rückkehr abgerechnet. "
            "Belege laden Sie im Portal hoch; Fahrten mit dem eigenen Auto vergüten wir mit "
            "30 Cent je Kilometer.</p><h2>Verpflegung</h2><p>Für Tage mit mehr als acht "
            "Stunden Abwesenheit gilt die gesetzliche Pauschale. Frühstück im Hotelpreis "
            "wird davon abgezogen.</p>"
        ),
    ),
)


def section_body(text: str) -> str:
    """Return the body of a page that only holds others."""
    return f"<p>{escape(text)}</p>"


def long_body(paragraphs: list[str]) -> str:
    """Return about 200 KB out of `paragraphs`, under a heading a day."""
    parts: list[str] = []
    size = day = 0
    while size < LONG_BODY_BYTES:
        day += 1
        text = escape(paragraphs[day % len(paragraphs)])
        parts.append(f"<h3>Day {day}</h3><p>{text}</p>")
        size += len(parts[-1].encode())
    return "".join(parts)

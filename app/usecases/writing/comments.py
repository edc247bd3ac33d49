"""Posts one footer comment for each purpose, and keeps it up to date in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.pages import Comment
from app.usecases.writing.work import Target, Write


async def write_comments(target: Target, writes: Sequence[Write]) -> None:
    """Add, rewrite or delete our comments; what people changed stays as they left it.

    What an earlier try did before it could tell is known again, and not done twice.

    Raises:
        VersionConflict: Somebody wrote in between.
    """
    for one in writes:
        if one.change.before is None:
            await _add(target, one)
        else:
            await _change(target, one, one.change.before)


async def _add(target: Target, one: Write) -> None:
    text = one.change.after["text"]
    body = target.services.markup.from_text(text)
    made = await _added_before(target, body) if one.was_sent else None
    if made is None:
        made = await target.confluence.add_comment(target.page.id, body)
    one.apply(_told(made, text))


async def _change(target: Target, one: Write, before: Mapping[str, Any]) -> None:
    after = one.change.after
    body = None if after is None else target.services.markup.from_text(after["text"])
    current = await target.confluence.get_comment(before["id"])
    if current is None:
        if after is None and one.was_sent:
            one.apply()
        else:
            one.skip("not_there")
    elif current.version != before["version"]:
        is_next = one.was_sent and current.version == before["version"] + 1
        if body is not None and is_next and await _is_ours(target, current, body):
            one.apply(_told(current, after["text"]))
        else:
            one.skip("changed_since")
    elif body is None:
        await target.confluence.delete_comment(current.id)
        one.apply()
    else:
        written = await target.confluence.update_comment(current, body)
        one.apply(_told(written, after["text"]))


async def _added_before(target: Target, body: str) -> Comment | None:
    """Return the comment if an earlier try made it and nobody has touched it since."""
    for found in await target.confluence.page_comments(target.page.id):
        if found.version == 1 and await _is_ours(target, found, body):
            return found
    return None


async def _is_ours(target: Target, found: Comment, body: str) -> bool:
    if not target.services.markup.same(found.body, body):
        return False
    return found.author_id == await target.confluence.current_account_id()


def _told(comment: Comment, text: str) -> dict[str, str | int]:
    return {"id": comment.id, "version": comment.version, "text": text}

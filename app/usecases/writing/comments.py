"""Posts one footer comment for each purpose, and keeps it up to date in place."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.pages import Comment
from app.usecases.writing.work import Target, Write


async def write_comments(target: Target, writes: Sequence[Write]) -> None:
    """Add, rewrite or delete our comments; what people changed stays as they left it.

    Raises:
        VersionConflict: Somebody wrote in between.
    """
    for one in writes:
        before, after = one.change.before, one.change.after
        if before is None:
            body = target.services.markup.from_text(after["text"])
            made = await target.confluence.add_comment(target.page.id, body)
            one.apply(_told(made, after["text"]))
            continue
        current = await target.confluence.get_comment(before["id"])
        if current is None:
            one.skip("not_there")
        elif current.version != before["version"]:
            one.skip("changed_since")
        elif after is None:
            await target.confluence.delete_comment(current.id)
            one.apply()
        else:
            body = target.services.markup.from_text(after["text"])
            written = await target.confluence.update_comment(current, body)
            one.apply(_told(written, after["text"]))


def _told(comment: Comment, text: str) -> dict[str, str | int]:
    return {"id": comment.id, "version": comment.version, "text": text}

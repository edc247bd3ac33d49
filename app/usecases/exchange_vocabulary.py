"""Vocabularies taken in from files and given out as files: a whole file, or nothing."""

from __future__ import annotations

import asyncio

from sqlalchemy.orm import Session

from app.domain.labels import normalise
from app.domain.vocabulary.editing import Edit, Layer, edit
from app.domain.vocabulary.files import FileKind, read_file, write_file
from app.store.memory import MemoryStore
from app.usecases.edit_vocabulary import Place, change_terms, open_place
from app.usecases.services import Services


async def import_terms(
    services: Services,
    place: Place,
    content: bytes,
    kind: FileKind,
    *,
    replace: bool,
    dry_run: bool,
    by: str,
) -> Edit:
    """Lay what a file says over a place's terms; return what changes.

    Args:
        services: The bundle.
        place: A site, or one of its spaces.
        content: The file.
        kind: How it is written.
        replace: Remove the terms that are not in the file.
        dry_run: Change nothing, tell what would change.
        by: Who does it.

    Raises:
        NotFound: There is no such tenant or space.
        PayloadTooLarge: The file is over the limit.
        MalformedPayload: It is no text.
        TermsRefused: Some of it cannot be; all problems are told, by line.
    """
    said = await asyncio.to_thread(read_file, content, kind)

    def make(session: Session, layer: Layer) -> Edit:
        # Asked only where it matters: it walks over all pages.
        odd = {one.name for one in said if normalise(one.name) != one.name}
        spelled = odd and odd.intersection(MemoryStore(session).labels(place.tenant_id))
        return edit(layer, said, only_said=replace, spelled=spelled)

    if dry_run:
        await open_place(services, place)
        return await services.database.read(lambda s: make(s, place.layer(s)))
    return await change_terms(
        services,
        place,
        make,
        origin="import",
        action="terms_imported",
        by=by,
        more={"replaced": replace},
    )


async def export_terms(services: Services, place: Place, kind: FileKind) -> bytes:
    """Return a file of the site's terms, or of what a space says, by name.

    Raises:
        NotFound: There is no such tenant or space.
    """
    await open_place(services, place)
    layer = await services.database.read(place.layer)
    patches = [layer.here[name] for name in sorted(layer.here)]
    return await asyncio.to_thread(write_file, patches, kind)

"""Which pages no AI may see, and which none but our own."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from sqlalchemy.orm import Session

from app.domain.policy import Policy
from app.domain.ranking import Consultation
from app.domain.vocabulary.terms import fold
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.usecases.ports import Confluence
from app.usecases.services import Services
from app.usecases.vocabularies import vocabulary_of

#: The provider whose answers never leave the machine.
LOCAL_ONLY = ("local",)


async def secret_pages(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    space_id: str,
    policy: Policy,
) -> set[str]:
    """Return the pages of a space whose labels say that no AI may see them."""
    found: set[str] = set()
    if not policy.never_send_labels:
        return found
    vocabulary = await vocabulary_of(services, tenant_id, space_id)
    wanted = {vocabulary.key(label) for label in policy.never_send_labels}
    async for label in confluence.space_labels(space_id):
        if label.prefix == "global" and vocabulary.key(label.name) in wanted:
            found.update(
                [page_id async for page_id in confluence.label_page_ids(label.id)]
            )
    return found


def forget_secrets(session: Session, tenant_id: str) -> None:
    """Forget at once what a policy that was just set says no AI may see.

    Synonyms of labels are followed at the pages' next walk.
    """
    memory, policies = MemoryStore(session), PolicyStore(session)
    gone: set[str] = set()
    for space_id in memory.spaces(tenant_id):
        policy = policies.policy(tenant_id, space_id)
        pages = memory.page_ids(tenant_id, space_id)
        if policy.never_send:
            gone |= pages
            continue
        wanted = {fold(label) for label in policy.never_send_labels}
        for label in memory.labels(tenant_id) if wanted else ():
            if fold(label) in wanted:
                gone |= pages & memory.labelled(tenant_id, label)
    if gone:
        memory.forget(tenant_id, gone)


def shareable(
    session: Session, tenant_id: str, page_ids: Iterable[str]
) -> Collection[str]:
    """Return those of the pages whose titles may be shown to any provider."""
    memory, policies = MemoryStore(session), PolicyStore(session)
    spaces = {page_id: memory.space_of(tenant_id, page_id) for page_id in page_ids}
    closed = {
        space_id
        for space_id in set(spaces.values())
        if space_id is None or is_closed(policies.policy(tenant_id, space_id))
    }
    return [page_id for page_id, space_id in spaces.items() if space_id not in closed]


def is_closed(policy: Policy) -> bool:
    """Whether the text of a space stays on our machine."""
    return policy.never_send or policy.order == LOCAL_ONLY


def without(advice: Consultation, shown: Collection[str]) -> Consultation:
    """Return advice whose examples are all among the pages that may be shown."""
    examples = tuple(one for one in advice.examples if one.page_id in shown)
    return replace(advice, examples=examples)

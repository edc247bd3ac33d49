"""How the app is doing on one site: counts and states, no page content."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.domain.tenants import Installation
from app.store.installations import InstallationStore
from app.store.jobs import JobStore
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.store.runs import RunStore
from app.usecases.services import Services


async def tenant_status(
    services: Services, installation: Installation
) -> dict[str, Any]:
    """Return what the status page of either host shows."""
    tenant_id = installation.tenant_id

    def work(session: Session) -> dict[str, Any]:
        memory = MemoryStore(session)
        installations = InstallationStore(session, services.cipher).of_tenant(tenant_id)
        first = services.ai.respondents(PolicyStore(session).providers(tenant_id, ""))[
            0
        ]
        return {
            "tenant": tenant_id,
            "installations": [
                {"host": one.host, "status": one.status} for one in installations
            ],
            "jobs": JobStore(session).counts(tenant_id),
            "runs": RunStore(session).outcomes(tenant_id),
            "pages_remembered": memory.count(tenant_id),
            "policy": PolicyStore(session).mode(tenant_id, ""),
            "guard": services.rules.tagging_mode,
            "provider": first.provider,
            "model": first.model,
        }

    return await services.database.read(work)

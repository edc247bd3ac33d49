"""`check`: every requirement, one by one, with what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from app.errors import AppError, NotAuthenticated
from app.settings import Settings
from app.usecases.ai_ports import Respondent
from app.usecases.budgets import almost_spent
from app.usecases.kill_switch import standstills
from app.usecases.report_health import readiness
from app.usecases.services import Services

_NOBODY = "confluence-ai-doctor"
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One requirement."""

    subject: str
    good: bool
    told: str

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def examine_settings(settings: Settings) -> list[Finding]:
    """Examine what needs nothing opened."""
    return [
        Finding(subject="settings", good=True, told="read"),
        _address(settings),
        _guard(settings),
    ]


async def examine_services(settings: Settings, services: Services) -> list[Finding]:
    """Examine everything else that can be without touching a tenant."""
    findings = [
        Finding(subject=name, good=told == "ok", told=told)
        for name, told in (await readiness(services)).items()
    ]
    if all(finding.good for finding in findings):
        findings += [await _going(services), *await _money(services)]
    findings += await _hosts(settings, services)
    findings += [await _provider(services, one) for one in services.ai.respondents()]
    return findings


async def _going(services: Services) -> Finding:
    """Examine the kill switches: while one stands, work that is wanted is not done."""
    found = await standstills(services)
    told = "; ".join(f"{name}: {why}" for name, why in found.items())
    return Finding(
        subject="kill switch", good=not found, told=told or "nothing is stopped"
    )


async def _money(services: Services) -> list[Finding]:
    """Tell which budgets are past their soft limit; there is a budget to be spent."""
    return [
        Finding(
            subject=f"budget of {tenant_id}",
            good=row["state"] != "spent",
            told=f"{row['state']}: {_whose(row)}, until {row['until']}",
        )
        for tenant_id, rows in (await almost_spent(services)).items()
        for row in rows
    ]


def _whose(row: Mapping[str, Any]) -> str:
    whose = "the site" if row["space"] is None else f"space {row['space']}"
    return f"{whose}, {row['period']}"


async def _provider(services: Services, asked: Respondent) -> Finding:
    """Examine one provider of the operator's order: reachable, key, model."""
    subject = f"AI provider {asked.provider}"
    check = services.check_provider.get(asked.provider)
    if check is None:
        return Finding(
            subject=subject, good=True, told=f"{asked.model}, on this machine"
        )
    try:
        told = await check()
    except AppError as error:
        return Finding(subject=subject, good=False, told=str(error))
    return Finding(subject=subject, good=True, told=told)


def _address(settings: Settings) -> Finding:
    parts = urlsplit(settings.app_base_url)
    secure = parts.scheme == "https"
    local = parts.hostname in _THIS_MACHINE
    told = settings.app_base_url
    if not secure:
        told += " (plain http: only a sandbox on this machine can call it)"
    return Finding(subject="APP_BASE_URL", good=secure or local, told=told)


def _guard(settings: Settings) -> Finding:
    told = {
        "TEST": "TEST: nothing is ever written",
        "SAFE_TEST": "SAFE_TEST: only whitelisted places are written to",
        "PROD": "PROD: pages are written wherever policy allows",
    }[settings.agent_mode]
    return Finding(subject="AGENT_MODE", good=True, told=told)


async def _hosts(settings: Settings, services: Services) -> list[Finding]:
    """Ask each key host for a key that cannot exist: a plain no is a good sign."""
    findings = []
    if settings.connect_enabled:
        findings.append(await _asked("Connect install keys", services.keys.install_key))
    if settings.forge_app_id:
        findings.append(await _asked("Forge JWKS", services.keys.forge_key))
    else:
        told = "FORGE_APP_ID is empty: Forge calls are refused"
        findings.append(
            Finding(subject="Forge", good=settings.connect_enabled, told=told)
        )
    return findings


async def _asked(subject: str, ask: Any) -> Finding:
    try:
        await ask(_NOBODY)
    except NotAuthenticated:
        return Finding(subject=subject, good=True, told="reachable")
    except AppError as error:
        return Finding(subject=subject, good=False, told=str(error))
    return Finding(subject=subject, good=False, told="answers to any name")

"""What the providers allow, and what the clients are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from app.domain.quota.values import Limits
from sandbox.ai.config import GEMINI, OPENAI, ProviderConfig, ProviderName
from sandbox.ai.faults import Fault
from sandbox.ai.quotas import Change
from sandbox.ai.windows import Kind

Engine = Literal["sqlite", "postgresql"]

JOBS = 300
_RPM = 60
#: Room for about 27 of these questions a minute.
_TPM = 54_000
_SMOOTH, _BURSTS, _SECONDS = 10.0, 5.0, 2.0
_CUT = Change(at=100.0, rpm=_RPM // 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The limits that a client of fixed limits is set to; it cannot learn others.

    Attributes:
        kind: How the provider counts, so that the client can count likewise.
    """

    rpm: int
    tpm: int | None = None
    kind: Kind = "sliding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One situation, the same for all contenders.

    Attributes:
        providers: Who answers, in order of preference.
        limits: What our operator configured, for each provider.
        told: What clients of fixed limits are set to; None where nobody can know it.
        most_avoidable: Needless refusals that we may have, out of all jobs.
        least_efficiency: What share of the greatest possible pace we must reach.
        scale: Provider seconds in one second of the wall clock. What our own work takes
            is stretched by it as well, so it is small where calls come in bursts or a
            second is what counts.
        patience: Seconds that a provider may make a page wait while another is there;
            the app's own default.
    """

    name: str
    about: str
    providers: Mapping[ProviderName, ProviderConfig]
    limits: Mapping[ProviderName, Limits]
    told: Told | None
    most_avoidable: int = 0
    least_efficiency: float = 0.97
    scale: float = _BURSTS
    processes: int = 1
    engine: Engine = "sqlite"
    patience: float = 20.0


_OPENAI = replace(OPENAI, rpm=_RPM)
_SILENT = replace(_OPENAI, kind="sliding", hints=frozenset({"message"}))
_BUCKET = replace(_OPENAI, kind="bucket", limits_known=False)
_GEMINI = replace(GEMINI, rpm=_RPM, kind="sliding")
_KNOWN = Limits(rpm=_RPM, charges_upfront=True)
_UNKNOWN = Limits(charges_upfront=True)
_OUTAGE = Fault(kind="overloaded", start=30.0, until=150.0)


def _openai(
    name: str,
    about: str,
    config: ProviderConfig,
    limits: Limits = _KNOWN,
    *,
    told: Told | None = None,
) -> Scenario:
    return Scenario(
        name=name,
        about=about,
        providers={"openai": config},
        limits={"openai": limits},
        told=told or Told(rpm=_RPM, kind=config.kind),
    )


def _gemini(
    name: str, about: str, config: ProviderConfig, *, rpm: int | None
) -> Scenario:
    return Scenario(
        name=name,
        about=about,
        providers={"gemini": replace(config, limits_known=rpm is not None)},
        limits={"gemini": Limits(rpm=rpm)},
        told=None if rpm is None else Told(rpm=rpm),
    )


_ALL = (
    _openai("sliding", "60 RPM, any 60 s; no headers; limit known", _SILENT),
    replace(
        _openai(
            "bucket", "60 RPM, a bucket; headers; limit not known", _BUCKET, _UNKNOWN
        ),
        scale=_SMOOTH,
    ),
    replace(
        _openai(
            "tokens",
            "tokens bind (about 27 calls a minute), a bucket; headers; not known",
            replace(_BUCKET, rpm=600, tpm=_TPM),
            _UNKNOWN,
            told=Told(rpm=600, tpm=_TPM, kind="bucket"),
        ),
        least_efficiency=0.96,
        scale=_SMOOTH,
    ),
    replace(
        _gemini("gemini", "Gemini, 60 RPM, limit not known", _GEMINI, rpm=None),
        most_avoidable=3,
    ),
    _gemini("gemini_known", "Gemini, 60 RPM, limit known", _GEMINI, rpm=_RPM),
    replace(
        _openai(
            "per_second",
            "60 RPM enforced as one in any second; no headers; 60 RPM known",
            replace(_SILENT, kind="per_second"),
            told=Told(rpm=_RPM),
        ),
        most_avoidable=1,
        scale=_SECONDS,
    ),
    replace(
        _openai(
            "cut",
            "60 RPM cut to 20 at 100 s, a bucket; headers; limit not known",
            replace(_BUCKET, changes=(_CUT,)),
            _UNKNOWN,
        ),
        scale=_SMOOTH,
    ),
    replace(
        _gemini(
            "gemini_cut",
            "Gemini, 60 RPM known, cut to 20 at 100 s",
            replace(_GEMINI, changes=(_CUT,)),
            rpm=_RPM,
        ),
        # No header tells the new limit: it is learned like one that was never known.
        most_avoidable=3,
        scale=_SMOOTH,
    ),
    replace(
        _openai("processes", "as sliding, 4 processes on one SQLite", _SILENT),
        processes=4,
    ),
    replace(
        _openai("processes_pg", "as sliding, 4 processes on one PostgreSQL", _SILENT),
        processes=4,
        engine="postgresql",
    ),
    Scenario(
        name="outage",
        about="first provider (60 RPM known) out from 30 s to 150 s, another beside it",
        providers={"openai": replace(_SILENT, faults=(_OUTAGE,)), "gemini": _GEMINI},
        limits={"openai": _KNOWN, "gemini": Limits(rpm=_RPM)},
        told=Told(rpm=_RPM),
        # The end of an outage is found by probes, which come ever more seldom.
        least_efficiency=0.8,
    ),
)

SCENARIOS: Mapping[str, Scenario] = {one.name: one for one in _ALL}

CONTROL_PAGES = 46
#: As quick as the predecessor's later runs were: a page in 0.8 s.
_QUICK = replace(_GEMINI, latency_median=0.8)
CONTROL: Mapping[str, Scenario] = {
    "control": _gemini("control", "60 RPM, limit not known", _QUICK, rpm=None),
    "control_free": _gemini(
        "control_free",
        "free tier: 15 RPM, limit not known",
        replace(_QUICK, rpm=15, free_tier=True),
        rpm=None,
    ),
}


def find(name: str) -> Scenario:
    """Return a scenario of either kind."""
    return SCENARIOS.get(name) or CONTROL[name]

"""Every table of the house. Rows stay in the store and the use cases.

Tables with a `tenant_id` hold tenant data: every query on them names the tenant
first (a house test looks), but for the queue's own claims and housekeeping.
"""

from __future__ import annotations

from app.store.tables.ai import (
    CompletionRow,
    GateRow,
    SpendHoldRow,
    SpendRow,
    UsageRow,
)
from app.store.tables.pages import (
    FindingRow,
    ForgottenPageRow,
    LedgerRow,
    PageMemoryRow,
    PlanItemRow,
    PlannedPageRow,
    PlanRow,
)
from app.store.tables.rules import (
    BudgetRow,
    DifferentTermsRow,
    FeedbackRow,
    PolicyRow,
    ProposalRow,
    TermRow,
    WhitelistRow,
)
from app.store.tables.sites import (
    InstallationRow,
    SpaceRow,
    SwitchRow,
    TenantRow,
    TokenRow,
)
from app.store.tables.work import (
    AuditRow,
    EventRow,
    JobRow,
    ReceiptRow,
    RunRow,
)

__all__ = [
    "AuditRow",
    "BudgetRow",
    "CompletionRow",
    "DifferentTermsRow",
    "EventRow",
    "FeedbackRow",
    "FindingRow",
    "ForgottenPageRow",
    "GateRow",
    "InstallationRow",
    "JobRow",
    "LedgerRow",
    "PageMemoryRow",
    "PlanItemRow",
    "PlanRow",
    "PlannedPageRow",
    "PolicyRow",
    "ProposalRow",
    "ReceiptRow",
    "RunRow",
    "SpaceRow",
    "SpendHoldRow",
    "SpendRow",
    "SwitchRow",
    "TenantRow",
    "TermRow",
    "TokenRow",
    "UsageRow",
    "WhitelistRow",
]

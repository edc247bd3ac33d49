"""What may be spent on the AI in a day or a month, what is left of it, when it is anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

from app.domain.completions import Attempt, Usage

#: A calendar day or month, in UTC.
Period = Literal["day", "month"]

MICRO = 1_000_000
#: What both databases can count, with room to add.
_MOST = 10**15
_TOO_MUCH = "that is more than can be counted"
#: Digits after the point that a millionth needs.
_MICRO_DIGITS = 6
#: Longer text is no amount that anybody means.
_LONGEST = 30

#: From this share of a limit on there is room for more than a last page or two.
_ROOM = 0.05

#: Why a call may not be paid for: it never fits, not before the next period, or not
#: until other calls have told what they really cost.
Reason = Literal["never", "spent", "held"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Money in millionths of a US dollar, and tokens, read and written."""

    micro_usd: int = 0
    tokens: int = 0

    def __add__(self, other: Amount) -> Amount:
        """Return both together."""
        return Amount(
            micro_usd=self.micro_usd + other.micro_usd,
            tokens=self.tokens + other.tokens,
        )

    @classmethod
    def of(cls, usage: Usage) -> Amount:
        """Return what a usage takes out of budgets."""
        return cls(
            micro_usd=usage.micro_usd, tokens=usage.input_tokens + usage.output_tokens
        )


NOTHING = Amount()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a site, or one of its spaces, may spend in each period.

    Attributes:
        space_id: Empty for the whole site.
        micro_usd: Of money; None: as much as it takes. So `tokens`.
        soft_share: From this share (0..1) of a limit on, people are warned.
        warned_for: The first day of the period that they were warned about last.
    """

    period: Period
    space_id: str = ""
    micro_usd: int | None = None
    tokens: int | None = None
    soft_share: float = 0.8
    warned_for: date | None = None

    @property
    def name(self) -> str:
        """The budget in words, without the space's name."""
        whose = "the space's" if self.space_id else "the site's"
        return f"{whose} AI budget of the {self.period}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A budget in its present period.

    Attributes:
        spent: What calls have cost.
        held: What is set aside for calls that are on their way.
    """

    budget: Budget
    spent: Amount = NOTHING
    held: Amount = NOTHING

    @property
    def left(self) -> dict[str, int | None]:
        """What is neither spent nor held, by unit; None: as much as it takes."""
        taken = self.spent + self.held
        return {
            unit: None if limit is None else max(0, limit - getattr(taken, unit))
            for unit, limit in _limits(self.budget)
        }

    def refuses(self, wanted: Amount) -> Reason | None:
        """Return why a call may not be paid for out of this; None if it may.

        What a call does not want at all, no limit refuses.
        """
        steps: tuple[tuple[Reason, Amount], ...] = (
            ("never", NOTHING),
            ("spent", self.spent),
            ("held", self.spent + self.held),
        )
        return next(
            (why for why, taken in steps if self._exceeded(taken, wanted)), None
        )

    @property
    def has_room(self) -> bool:
        """Whether enough is left that waiting pages may look again."""
        return all(
            limit is None or (self.left[unit] or 0) >= limit * _ROOM
            for unit, limit in _limits(self.budget)
        )

    def is_to_be_warned_of(self, today: date) -> bool:
        """Whether a soft limit is passed, and nobody was told so in this period."""
        began = period_start(self.budget.period, today)
        warned = self.budget.warned_for
        return self.is_past_soft_limit and (warned is None or warned < began)

    @property
    def is_past_soft_limit(self) -> bool:
        """Whether so much is spent that people want to know."""
        return any(
            limit is not None
            and getattr(self.spent, unit) >= limit * self.budget.soft_share
            for unit, limit in _limits(self.budget)
        )

    def _exceeded(self, taken: Amount, wanted: Amount) -> bool:
        return any(
            limit is not None
            and getattr(wanted, unit) > 0
            and getattr(taken, unit) + getattr(wanted, unit) > limit
            for unit, limit in _limits(self.budget)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Which budget stands in a call's way, and why."""

    reason: Reason
    budget: Budget
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What one page's question has cost, to be written down.

    Attributes:
        attempts: Who was asked, and what each took.
        hold_id: What was held for it.
        lost: What a call may have cost that was cut off after it was sent.
    """

    tenant_id: str
    space_id: str
    attempts: tuple[Attempt, ...] = ()
    hold_id: int | None = None
    lost: Amount = NOTHING

    @property
    def amount(self) -> Amount:
        """What it takes out of budgets."""
        return sum((Amount.of(one.usage) for one in self.attempts), self.lost)

    @property
    def is_void(self) -> bool:
        """Whether there is nothing to write down: no cost, and nothing held."""
        return self.amount == NOTHING and self.hold_id is None


def judge(
    standings: Iterable[Standing], wanted: Amount, now: datetime
) -> Refusal | None:
    """Return what stands in a call's way; of several budgets the one that takes longest.

    All budgets that hold for a page must have room for it.
    """
    found = [
        Refusal(
            reason=reason,
            budget=one.budget,
            until=period_end(one.budget.period, now),
        )
        for one in standings
        if (reason := one.refuses(wanted)) is not None
    ]
    order: tuple[Reason, ...] = ("held", "spent", "never")
    return max(
        found, key=lambda one: (order.index(one.reason), one.until), default=None
    )


def period_start(period: Period, today: date) -> date:
    """Return a period's first day."""
    return today if period == "day" else today.replace(day=1)


def period_end(period: Period, now: datetime) -> datetime:
    """Return the moment at which the next period begins, in UTC."""
    first = period_start(period, now.astimezone(UTC).date())
    # No month has more than 31 days, and 32 days on the next one has begun.
    step = timedelta(days=1 if period == "day" else 32)
    following = period_start(period, first + step)
    return datetime.combine(following, time(), UTC)


def read_usd(text: str) -> int:
    """Return dollars as millionths, exactly.

    Raises:
        ValueError: It is no amount above zero with at most 6 decimals.
    """
    told = text.strip()
    try:
        amount = Decimal(told) if told.isascii() and len(told) <= _LONGEST else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite():
        raise ValueError("expected dollars, such as 5 or 0.25")
    if abs(amount) > _MOST:
        raise ValueError(_TOO_MUCH)
    micro = amount.scaleb(_MICRO_DIGITS)
    if micro != micro.to_integral_value():
        raise ValueError("expected at most 6 decimals: a millionth is the least")
    return _counted(int(micro))


def read_tokens(text: str) -> int:
    """Return a number of tokens.

    Raises:
        ValueError: It is no whole number above zero.
    """
    digits = text.strip().replace("_", "")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST):
        raise ValueError("expected a whole number of tokens")
    return _counted(int(digits))


def usd(micro_usd: int) -> str:
    """Return millionths as dollars, exactly, without needless zeros."""
    text = f"{Decimal(micro_usd).scaleb(-_MICRO_DIGITS):f}"
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"


def _counted(amount: int) -> int:
    if amount <= 0:
        raise ValueError(
            "expected more than 0: to pay for nothing, let `local` alone answer"
        )
    if amount > _MOST:
        raise ValueError(_TOO_MUCH)
    return amount


def _limits(budget: Budget) -> tuple[tuple[str, int | None], ...]:
    return (("micro_usd", budget.micro_usd), ("tokens", budget.tokens))

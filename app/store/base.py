"""The declarative base, column types that both databases share, and database time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.sql.functions import FunctionElement
from typing_extensions import override


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware moment, kept in UTC on both databases (SQLite knows no zones)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(
        self, value: datetime | None, dialect: sa.Dialect
    ) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    @override
    def process_result_value(
        self, value: datetime | None, dialect: sa.Dialect
    ) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value


class db_time(FunctionElement[datetime]):  # noqa: N801 - reads as an SQL function
    """The database's clock plus `after`: the only clock that queue decisions use.

    PostgreSQL: `statement_timestamp()`, which is STABLE and so may drive an index
    (`clock_timestamp()` may not). SQLite: text in the format that `UtcDateTime`
    stores, so that comparing text compares time.
    """

    type = UtcDateTime()
    inherit_cache = True
    name = "db_time"

    def __init__(
        self, after: timedelta | sa.BindParameter[float] = timedelta()
    ) -> None:
        if isinstance(after, timedelta):
            super().__init__(sa.literal(after.total_seconds(), sa.Double))
        else:
            super().__init__(after)


@compiles(db_time, "postgresql")
def _postgresql_time(element: db_time, compiler: Any, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"(statement_timestamp() + make_interval(secs => {seconds}))"


@compiles(db_time, "sqlite")
def _sqlite_time(element: db_time, compiler: Any, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    # Debian's SQLite 3.40 has no unixepoch('subsec'); %f gives milliseconds.
    shifted = f"'now', printf('%+.3f seconds', {seconds})"
    return f"(strftime('%Y-%m-%d %H:%M:%f', {shifted}) || '000')"


#: SQLite numbers rows by itself only in a column declared exactly INTEGER.
BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")

auto_id = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]
tenant_fk = Annotated[
    str, mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
]
moment = Annotated[datetime, mapped_column(UtcDateTime())]


class Base(DeclarativeBase):
    """Base of all tables; constraints are named, so that migrations can find them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own attribute
        datetime: UtcDateTime(),
        dict[str, Any]: sa.JSON(),
        list[Any]: sa.JSON(),
        str: sa.Text(),
    }


#: What to do once a transaction is on disk: mirror an act to a log, and the like.
Notices = list[Callable[[], None]]


def after_commit(session: Session, notice: Callable[[], None]) -> None:
    """Have `notice` called once this transaction is on disk, and only then.

    The session's own event of that name is of no use: inside a group commit it
    fires when a savepoint ends.
    """
    session.info.setdefault("notices", []).append(notice)


def notices(session: Session) -> Notices:
    """Return what is to be called after the commit."""
    found: Notices = session.info.get("notices", [])
    return found

"""What means the same on SQLite and PostgreSQL: aware UTC times, JSON documents, an INSERT that meets its key."""

from datetime import UTC, datetime

from sqlalchemy import JSON, DateTime, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

Document = JSON().with_variant(JSONB(), "postgresql")
# As Document, but None is SQL's NULL, not JSON's null.
NullableDocument = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


Upsert = sqlite.Insert | postgresql.Insert


def insert_into(table: Table, *, is_sqlite: bool) -> Upsert:
    """Return an INSERT that can say what becomes of a row whose key is there."""
    return sqlite.insert(table) if is_sqlite else postgresql.insert(table)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite, which knows no zones, keeps it as naive UTC text that sorts."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)

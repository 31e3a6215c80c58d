"""Tell a broken uniqueness rule from every other database failure."""

from sqlalchemy import Connection, Insert
from sqlalchemy.exc import IntegrityError


class AlreadyThere(Exception):
    """A row with this key exists; nothing was written."""


def insert_new(connection: Connection, statement: Insert) -> None:
    """Insert one row or raise AlreadyThere, leaving the transaction usable either way."""
    try:
        with connection.begin_nested():
            connection.execute(statement)
    except IntegrityError as failure:
        raise AlreadyThere(str(failure.orig)) from failure

"""Searches that match almost nothing read much of a table; then it is better to say so than to keep somebody waiting."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

PATIENCE = timedelta(seconds=5)


class SearchTooSlowError(Exception):
    """The search was given up; a narrower window or filter will answer."""


@contextmanager
def limited_patience(patience: timedelta | None = None) -> Iterator[None]:
    """A transaction in which PostgreSQL gives up a statement that takes longer (than PATIENCE). Raises SearchTooSlowError."""
    milliseconds = (PATIENCE if patience is None else patience) // timedelta(milliseconds=1)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{milliseconds}ms"])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchTooSlowError from None
        raise

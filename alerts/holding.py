"""Judging by the clock on the wall stands still while history is loaded and judged on its own clock (alerts.demo).

A lock of PostgreSQL's: it ends with its holder, however that ends.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Final

from django.db import connection

_LOCK: Final = "hashtext('alerts.holding')"


@contextmanager
def held() -> Iterator[None]:
    """Holds it with this thread's connection, which must stay open and may judge all the while."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_lock({_LOCK})")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_unlock({_LOCK})")


def is_held() -> bool:
    """Whether somebody else holds it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_xact_lock_shared({_LOCK})")
        return not cursor.fetchone()[0]


def unless_held(task: Callable[..., int]) -> Callable[..., int]:
    """The periodic task, which does nothing and answers 0 while it is held: what it would do is done when it runs next."""

    @wraps(task)
    def run(**options: object) -> int:
        return 0 if is_held() else task(**options)

    return run

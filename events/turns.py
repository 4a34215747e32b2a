"""Work of which one process at a time does all there is: the others leave it to that one."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def one_at_a_time(name: str) -> Iterator[bool]:
    """Whether it is ours. A lock of the connection's (of PostgreSQL), not of a transaction's, which would last as long as the work.

    It ends with the process. It spares work and proves nothing: what must not happen twice needs a row that says so.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [name])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [name])

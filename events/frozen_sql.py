"""Reads a frozen SQL file of `migrations/sql/` into a RunSQL operation."""

from pathlib import Path

from django.db import migrations

_FOLDER = Path(__file__).parent / "migrations" / "sql"


def run_sql(name: str) -> migrations.RunSQL:
    """``sql/NAME.sql`` with its reverse ``sql/NAME.reverse.sql``."""
    return migrations.RunSQL((_FOLDER / f"{name}.sql").read_text(), (_FOLDER / f"{name}.reverse.sql").read_text())

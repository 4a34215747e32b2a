"""The documentation of the views that questions may read, from their comments in the database."""

from dataclasses import dataclass, field

from django.db import connection

from dashboards.queries.role import SCHEMA


@dataclass(frozen=True, slots=True)
class DocumentedColumn:
    name: str
    type: str
    comment: str


@dataclass(frozen=True, slots=True)
class DocumentedView:
    name: str
    comment: str
    columns: list[DocumentedColumn] = field(default_factory=list)


def documented_views() -> list[DocumentedView]:
    """In the order in which they were made, with their columns; in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''), a.attname, format_type(a.atttypid, NULL),
                coalesce(col_description(c.oid, a.attnum), '')
            FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE n.nspname = %s AND c.relkind = 'v'
            ORDER BY c.oid, a.attnum
            """,
            [SCHEMA],
        )
        views: dict[str, DocumentedView] = {}
        for name, comment, column, kind, about in cursor.fetchall():
            view = views.setdefault(name, DocumentedView(name, comment))
            view.columns.append(DocumentedColumn(column, _SHORT.get(kind, kind), about))
        return list(views.values())


_SHORT = {
    "timestamp with time zone": "timestamptz",
    "character varying": "text",
    "double precision": "float",
    "bigint": "integer",
}

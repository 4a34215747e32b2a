"""The role that questions are asked under: it may log in and read the views of `SCHEMA`, and nothing else.

A connection of its own, because SET ROLE in the application's connection can be undone from within a statement, by
``set_config('role', 'none', true)`` (docs/decisions/0011-query-page.md).

Roles belong to the whole server, so each database has its own: ``liftmon_query_`` and a digest of the database's name. The
application makes it where it may; its password is derived from SECRET_KEY, so every web process knows it and none keeps it. Where
the application may not, an operator makes one and names it in LIFTMON_QUERY_DATABASE_URL.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from django.utils.crypto import salted_hmac
from psycopg import sql

SCHEMA = "liftmon_views"
# At the same time: a web process more asks later.
MOST_CONNECTIONS = 3
_CONNECT_SECONDS = 5
# The disk that sorting may take, and a log without statements: people write names and addresses into them.
_SET_BY_SUPERUSERS = {"temp_file_limit": "512MB", "log_min_error_statement": "panic"}

# What the role is, and what is wrong with it: rights that no question needs.
_CHECK: LiteralString = """
    SELECT
        role.rolsuper OR role.rolcreaterole OR role.rolcreatedb OR role.rolreplication OR role.rolbypassrls AS is_powerful,
        EXISTS (SELECT FROM pg_catalog.pg_auth_members WHERE member = role.oid) AS is_member,
        (
            SELECT c.oid::regclass::text FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', %(schema)s)
                AND n.nspname NOT LIKE 'pg\\_toast%%' AND n.nspname NOT LIKE 'pg\\_temp%%'
                AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE')
                -- What extensions let everybody read tells nothing of ours.
                AND NOT EXISTS (
                    SELECT FROM pg_catalog.pg_depend AS d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
                )
            LIMIT 1
        ) AS other_table,
        (
            SELECT count(*) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = %(schema)s AND c.relkind = 'v' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
        ) AS readable_views,
        (
            SELECT count(*) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = %(schema)s AND c.relkind = 'v'
        ) AS views
    FROM pg_catalog.pg_roles AS role WHERE role.rolname = session_user
"""


class UnavailableError(Exception):
    """Questions cannot be asked now; the text says why. ``commands`` are what an operator runs, "" when waiting helps."""

    def __init__(self, reason: str, commands: str = "") -> None:
        super().__init__(reason)
        self.commands = commands


@dataclass(frozen=True, slots=True)
class _Check:
    is_powerful: bool
    is_member: bool
    other_table: str | None
    readable_views: int
    views: int

    @property
    def problem(self) -> str:
        """Why nothing may be asked under it, "" when it is as it must be."""
        if self.is_powerful:
            return "it has rights over the whole server"
        if self.is_member:
            return "it is a member of another role and has its rights"
        if self.other_table:
            return f"it may read or write {self.other_table}"
        return ""


def role_name() -> str:
    """Of this database."""
    return f"liftmon_query_{hashlib.sha256(_database().encode()).hexdigest()[:12]}"


def connect() -> psycopg.Connection[Any]:
    """A fresh connection of the role, checked; the caller closes it. Makes the role when it is missing. Raises UnavailableError."""
    try:
        opened, check = _open_and_check()
    except psycopg.OperationalError:
        pass
    else:
        if check.views and check.readable_views == check.views:
            return opened
        opened.close()
    # A first start, another SECRET_KEY, a database restored elsewhere, or a new view.
    prepare()
    try:
        opened, check = _open_and_check()
    except psycopg.OperationalError as error:
        raise _unavailable(error) from None
    if check.readable_views < max(check.views, 1):
        opened.close()
        raise UnavailableError(
            f"The role of questions may not read the views of {SCHEMA}.",
            f"GRANT USAGE ON SCHEMA {SCHEMA} TO {_user()};\nGRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {_user()};",
        )
    return opened


def prepare() -> None:
    """Make the role if it is ours to make, and let it read the views. Raises UnavailableError."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('dashboards.queries.role'))")
            if not settings.QUERY_DATABASE:
                _make_role(cursor)
            _grant(cursor)
    except OperationalError:
        raise UnavailableError("PostgreSQL does not answer.") from None
    except DatabaseError:
        raise UnavailableError(
            "Questions are asked under a role of their own, which Liftmon's role may not make. Have an operator make it, and set "
            "LIFTMON_QUERY_DATABASE_URL=postgres://liftmon_query:PASSWORD@HOST/DATABASE.",
            f"CREATE ROLE liftmon_query LOGIN PASSWORD 'PASSWORD' CONNECTION LIMIT {MOST_CONNECTIONS};",
        ) from None


def drop() -> None:
    """Take the role away again, if it is there and ours to drop."""
    name = sql.Identifier(role_name())
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [role_name()])
        if cursor.fetchone() is None:
            return
        try:
            with transaction.atomic():
                cursor.execute(sql.SQL("DROP OWNED BY {}").format(name))
                cursor.execute(sql.SQL("DROP ROLE {}").format(name))
        except DatabaseError:
            return


def _make_role(cursor: Any) -> None:
    name = role_name()
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [name])
    is_new = cursor.fetchone() is None
    # The server's log may show statements: it sees the verifier, never the password.
    native = cursor.connection.pgconn
    verifier = native.encrypt_password(_password().encode(), name.encode(), b"scram-sha-256").decode()
    cursor.execute(
        sql.SQL("{} ROLE {} LOGIN NOINHERIT CONNECTION LIMIT {} PASSWORD {}").format(
            sql.SQL("CREATE" if is_new else "ALTER"),
            sql.Identifier(name),
            sql.Literal(MOST_CONNECTIONS),
            sql.Literal(verifier),
        )
    )
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if cursor.fetchone()[0]:
        for setting, value in _SET_BY_SUPERUSERS.items():
            cursor.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(
                    sql.Identifier(name), sql.Identifier(setting), sql.Literal(value)
                )
            )


def _grant(cursor: Any) -> None:
    role, schema = sql.Identifier(_user()), sql.Identifier(SCHEMA)
    cursor.execute("SELECT has_database_privilege(%s, current_database(), 'CONNECT')", [_user()])
    if not cursor.fetchone()[0]:
        database = sql.Identifier(_database())
        cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
    for right in ("USAGE ON", "SELECT ON ALL TABLES IN", "EXECUTE ON ALL FUNCTIONS IN"):
        cursor.execute(sql.SQL("GRANT {} SCHEMA {} TO {}").format(sql.SQL(right), schema, role))


def _open_and_check() -> tuple[psycopg.Connection[Any], _Check]:
    """Raises UnavailableError when the role may do more than questions need: then nothing is asked."""
    opened = psycopg.connect(**_parameters(), autocommit=True)
    try:
        row = opened.execute(_CHECK, {"schema": SCHEMA}).fetchone()
        check = _Check(*row) if row else _Check(True, False, None, 0, 0)
    except BaseException:
        opened.close()
        raise
    if check.problem:
        opened.close()
        raise UnavailableError(
            f"Nothing is asked under the role {_user()}, because {check.problem}. Take that from it: questions need the views of "
            f"{SCHEMA} alone."
        )
    return opened, check


def _unavailable(error: psycopg.OperationalError) -> UnavailableError:
    """Too many at once, or something that an operator has to look at."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [_user()])
        if cursor.fetchone()[0] >= MOST_CONNECTIONS:
            return UnavailableError("Other questions are being asked just now. Ask again in a few seconds.")
    return UnavailableError(f"PostgreSQL does not let the role of questions in: {str(error).strip().splitlines()[-1]}")


def _parameters() -> dict[str, Any]:
    """How psycopg connects, as the application does but under the role's name."""
    ours = connections["default"]
    options = {name: value for name, value in ours.settings_dict["OPTIONS"].items() if name != "pool"}
    theirs = settings.QUERY_DATABASE or {"USER": role_name(), "PASSWORD": _password()}
    described = {**ours.settings_dict, "OPTIONS": options, **theirs}
    found: dict[str, Any] = type(ours)(described, alias="query").get_connection_params()
    for django_s in ("context", "cursor_factory", "prepare_threshold", "client_encoding"):
        found.pop(django_s, None)
    return found | {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "liftmon question",
        "client_encoding": "UTF8",
    }


def _database() -> str:
    return str(connection.settings_dict["NAME"])


def _user() -> str:
    return str(settings.QUERY_DATABASE["USER"]) if settings.QUERY_DATABASE else role_name()


def _password() -> str:
    return salted_hmac("dashboards.queries.role", role_name(), algorithm="sha256").hexdigest()

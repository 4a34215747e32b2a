"""The role of questions, attacked directly: without the reading of statements that comes before it."""

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from dashboards.queries import role, running
from events.models import IngestKey

pytestmark = pytest.mark.django_db
Run = Callable[[str], list[Any]]


@pytest.fixture
def run(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Whatever a statement answers, in a question's own session."""
    monkeypatch.setattr(running, "TIMEOUT_SECONDS", 1)
    opened = role.connect()

    def run_it(statement: str) -> list[Any]:
        with suppress(psycopg.Error):
            opened.execute("ROLLBACK")
        running.prepare_session(opened, "UTC")
        return list(opened.execute(statement.encode(), prepare=True).fetchall())

    yield run_it
    opened.close()


def execute(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)


ATTACKS = {
    "reading a table": "SELECT * FROM public.auth_user",
    "reading a key": "SELECT digest FROM public.events_ingestkey",
    "reading an event past its view": "SELECT exception FROM public.events_event",
    "reading sessions": "SELECT * FROM public.django_session",
    "becoming nobody in particular": "SELECT set_config('role', 'none', true), "
    "ts_stat('SELECT to_tsvector(password) FROM public.auth_user')",
    "becoming the owner": "SELECT set_config('role', 'liftmon', true)",
    "becoming the owner for the session": "SELECT set_config('session_authorization', 'liftmon', true)",
    "first becoming, then reading": "WITH a AS MATERIALIZED (SELECT set_config('role', 'none', true) AS r) "
    "SELECT * FROM a, LATERAL ts_stat("
    "'SELECT to_tsvector(''simple'', name) FROM public.events_service WHERE ''' || r || ''' <> ''''')",
    "a text that is run": "SELECT * FROM ts_stat('SELECT to_tsvector(password) FROM public.auth_user')",
    "another text that is run": "SELECT ts_rewrite('a'::tsquery, "
    "'SELECT password::tsquery, password::tsquery FROM public.auth_user')",
    "XML of a text": "SELECT query_to_xml('SELECT * FROM public.auth_user', true, true, '')",
    "XML of a table": "SELECT table_to_xml('public.auth_user', true, true, '')",
    "XML of everything": "SELECT database_to_xml(true, true, '') FROM public.auth_user",
    "a file of the server": "SELECT pg_read_file('/etc/passwd')",
    "a binary file": "SELECT pg_read_binary_file('PG_VERSION')",
    "a folder of the server": "SELECT pg_ls_dir('.')",
    "a file into the database": "SELECT lo_import('/etc/passwd')",
    "a file out of the database": "SELECT lo_export(1, '/tmp/x')",
    "passwords": "SELECT rolpassword FROM pg_catalog.pg_authid",
    "settings of the server": "SELECT current_setting('data_directory')",
    "statistics of columns": "SELECT stavalues1 FROM pg_catalog.pg_statistic",
    "a program": "COPY (SELECT 1) TO PROGRAM 'id'",
    "a file by COPY": "COPY (SELECT 1) TO '/tmp/x'",
    "a block": "DO $$ BEGIN PERFORM set_config('role', 'none', true); PERFORM 1 FROM public.auth_user; END $$",
    "a function": "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a table": "CREATE TABLE public.t (a int)",
    "a table for a while": "CREATE TEMPORARY TABLE t (a int)",
    "a table by SELECT": "SELECT 1 AS a INTO TEMPORARY t",
    "an extension": "CREATE EXTENSION IF NOT EXISTS hstore",
    "writing": "DELETE FROM public.events_event",
    "writing through a view": "DELETE FROM liftmon_views.services",
    "writing in a WITH": "WITH gone AS (DELETE FROM public.events_event RETURNING 1) SELECT * FROM gone",
    "writing after all": "SELECT set_config('transaction_read_only', 'off', true)",
    "a sequence": "SELECT nextval('public.events_issue_id_seq')",
    "setting a sequence": "SELECT setval('public.events_issue_id_seq', 1)",
    "locking rows": "SELECT * FROM liftmon_views.services FOR UPDATE",
    "locking a table": "LOCK TABLE public.events_event",
    "two statements": "SELECT 1; SELECT 2",
    "leaving the transaction": "SELECT 1; COMMIT; SET SESSION AUTHORIZATION liftmon",
    "making partitions": "SELECT public.events_make_partitions(now() - interval '900 days', now() - interval '890 days')",
    "a slot of replication": "SELECT pg_create_physical_replication_slot('x')",
    "ending others": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE usename <> session_user AND pid <> pg_backend_pid()",
    "reloading": "SELECT pg_reload_conf()",
    "sleeping": "SELECT pg_sleep(60)",
    "sleeping without an end": "SELECT set_config('statement_timeout', '0', true), pg_sleep(60)",
    "counting without an end": "SELECT count(*) FROM generate_series(1, 1000000000000)",
}
NO_RIGHT, READ_ONLY, TIME_IS_UP, ONE_STATEMENT = "42501", "25006", "57014", "42601"
STOPPED_BY = {
    # A server without libxml refuses these altogether.
    **dict.fromkeys(("XML of a text", "XML of a table", "XML of everything"), (NO_RIGHT, "0A000")),
    **dict.fromkeys(
        ("a function", "a table", "a table for a while", "a table by SELECT", "an extension"), (READ_ONLY,)
    ),
    **dict.fromkeys(("writing", "writing in a WITH", "making partitions"), (READ_ONLY,)),
    "writing after all": ("25001",),
    **dict.fromkeys(("two statements", "leaving the transaction"), (ONE_STATEMENT,)),
    **dict.fromkeys(("sleeping", "sleeping without an end", "counting without an end"), (TIME_IS_UP,)),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_does_not_get(run: Run, attack: str) -> None:
    with pytest.raises(psycopg.Error) as refused:
        run(ATTACKS[attack])

    assert refused.value.sqlstate in STOPPED_BY.get(attack, (NO_RIGHT,))


def test_none_of_its_roles_is_more_than_itself(run: Run) -> None:
    ((before, after, names),) = run(
        "WITH a AS MATERIALIZED (SELECT current_user::text AS b, set_config('role', 'none', true)) SELECT b, current_user::text, "
        "ARRAY(SELECT rolname::text FROM pg_roles WHERE pg_has_role(oid, 'MEMBER')) FROM a"
    )

    assert before == after == role.role_name()
    assert names == [role.role_name()]


def test_what_others_ask_is_hidden(run: Run) -> None:
    statements = run("SELECT DISTINCT query FROM pg_stat_activity WHERE usename <> session_user AND query <> ''")

    assert {statement for (statement,) in statements} <= {"<insufficient privilege>"}


def test_settings_it_leaves_behind_are_nobody_elses(run: Run) -> None:
    run("SELECT set_config('search_path', 'public', false), set_config('statement_timeout', '0', false)")

    other = role.connect()
    found = other.execute("SELECT current_setting('statement_timeout')").fetchone()
    other.close()

    assert found == ("0",)  # the server's own; a question's session sets it anew
    running.prepare_session(other := role.connect(), "UTC")
    assert other.execute("SHOW statement_timeout").fetchone() == ("1s",)
    other.close()


def test_every_view_can_be_read_and_nothing_else(run: Run) -> None:
    ((readable, outside),) = run(
        "SELECT count(*) FILTER (WHERE n.nspname = 'liftmon_views' AND has_table_privilege(c.oid, 'SELECT')), "
        "count(*) FILTER (WHERE n.nspname = 'public' AND has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')) "
        "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"
    )

    assert readable == 12
    assert outside == 0


def test_the_log_sees_no_password_but_a_verifier_of_it(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [role.role_name()])
        (verifier,) = cursor.fetchone()

    _, iterations, salt, stored = verifier.replace("$", ":", 1).replace("$", ":", 1).split(":")[:4]
    salted = hashlib.pbkdf2_hmac("sha256", role._password().encode(), base64.b64decode(salt), int(iterations))
    key = hmac.digest(salted, b"Client Key", "sha256")
    assert base64.b64encode(hashlib.sha256(key).digest()).decode() == stored


def test_a_role_that_may_read_more_is_not_asked_under(transactional_db: None) -> None:
    execute(f"GRANT SELECT (visible) ON {IngestKey._meta.db_table} TO PUBLIC")
    try:
        with pytest.raises(role.UnavailableError, match="may read or write events_ingestkey"):
            role.connect()
    finally:
        execute(f"REVOKE SELECT (visible) ON {IngestKey._meta.db_table} FROM PUBLIC")

    role.connect().close()


def test_a_role_that_is_a_member_of_another_is_not_asked_under(transactional_db: None) -> None:
    execute(f"GRANT pg_read_all_data TO {role.role_name()}")
    try:
        with pytest.raises(role.UnavailableError, match="member of another role"):
            role.connect()
    finally:
        execute(f"REVOKE pg_read_all_data FROM {role.role_name()}")


def test_a_powerful_role_of_an_operator_is_not_asked_under(db: None, settings: Any) -> None:
    settings.QUERY_DATABASE = {"USER": connection.settings_dict["USER"], "PASSWORD": ""}

    with pytest.raises(role.UnavailableError, match="rights over the whole server"):
        role.connect()


def test_a_role_of_an_operator_is_let_into_the_views(transactional_db: None, settings: Any) -> None:
    name = f"operators_{role.role_name()}"
    execute(f"CREATE ROLE {name} LOGIN")
    settings.QUERY_DATABASE = {"USER": name, "PASSWORD": ""}
    try:
        opened = role.connect()
        assert (
            opened.execute("SELECT session_user::text, count(*) FROM liftmon_views.event_types").fetchone() is not None
        )
        opened.close()
    finally:
        execute(f"DROP OWNED BY {name}")
        execute(f"DROP ROLE {name}")


def test_without_the_right_to_make_roles_it_says_what_an_operator_runs(db: None) -> None:
    execute("CREATE ROLE weak_for_a_test")
    execute("GRANT CREATE ON SCHEMA public TO weak_for_a_test")
    execute("SET LOCAL ROLE weak_for_a_test")

    with pytest.raises(role.UnavailableError, match="LIFTMON_QUERY_DATABASE_URL") as refused:
        role.prepare()

    assert refused.value.commands.startswith("CREATE ROLE liftmon_query LOGIN")


def test_a_role_that_was_dropped_is_made_again(transactional_db: None) -> None:
    role.drop()
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [role.role_name()])
        assert cursor.fetchone() is None

    opened = role.connect()

    assert opened.execute("SELECT count(*) FROM liftmon_views.services").fetchone() == (0,)
    opened.close()


def test_processes_that_make_it_at_once_do_not_fail(transactional_db: None) -> None:
    role.drop()
    problems: list[BaseException] = []

    def make() -> None:
        try:
            with transaction.atomic():
                role.prepare()
        except BaseException as error:  # noqa: BLE001 - told by the test
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    role.connect().close()


def test_only_a_few_questions_are_asked_at_once(transactional_db: None) -> None:
    _wait_until_nobody_asks()
    opened = [role.connect() for _ in range(role.MOST_CONNECTIONS)]
    try:
        with pytest.raises(role.UnavailableError, match="in a few seconds"):
            role.connect()
    finally:
        for one in opened:
            one.close()


def _wait_until_nobody_asks() -> None:
    """PostgreSQL ends connections that were closed a moment later."""
    deadline = time.monotonic() + 30
    while _questions_on_the_server():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _questions_on_the_server() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [role.role_name()])
        return int(cursor.fetchone()[0])


def test_rights_that_were_lost_are_given_again(transactional_db: None) -> None:
    execute(f"REVOKE SELECT ON liftmon_views.services FROM {role.role_name()}")
    execute(f"REVOKE CONNECT ON DATABASE {connection.settings_dict['NAME']} FROM PUBLIC")
    try:
        opened = role.connect()
        assert opened.execute("SELECT count(*) FROM liftmon_views.services").fetchone() == (0,)
        opened.close()
    finally:
        execute(f"GRANT CONNECT ON DATABASE {connection.settings_dict['NAME']} TO PUBLIC")


def test_a_role_of_an_operator_that_cannot_log_in_is_told(db: None, settings: Any) -> None:
    execute("CREATE ROLE no_login_for_a_test")
    settings.QUERY_DATABASE = {"USER": "no_login_for_a_test", "PASSWORD": ""}

    with pytest.raises(role.UnavailableError, match="does not let the role of questions in"):
        role.connect()

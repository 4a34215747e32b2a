"""Addresses of databases: which are taken, what is shown of them, and what is said when they do not answer."""

import pytest

from alerts.incidents.diagnostics.connecting import DsnError, NoAnswerError, checked_dsn, connected, keep_dsn, shown_dsn
from alerts.models import MonitoredDatabase
from tests.alerts.incidents.diagnostics.patient import Patient
from tests.journeys.running import free_port


def test_it_is_kept_in_one_form() -> None:
    assert checked_dsn(" postgres://reader:p%40ss@db.lift.example/lift?sslmode=require ") == (
        "postgresql://reader:p%40ss@db.lift.example:5432/lift?sslmode=require"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mysql://a:b@h/d", "postgresql://"),
        ("host=db user=a", "space"),
        ("postgresql:///lift?host=/run/secret", "host"),
        ("postgresql://db/lift", "role"),
        ("postgresql://reader@db", "database"),
        ("postgresql://reader@db:99999/lift", "port"),
        ("postgresql://reader@a,b/lift", "one host"),
        ("postgresql://reader@db/lift?passfile=/etc/passwd", "passfile"),
        ("postgresql://reader@db/lift?service=x", "service"),
        ("postgresql://reader@db/lift?options=-c%20x=y", "options"),
        ("postgresql://reader@db/lift?sslmode=maybe", "sslmode"),
        ("postgresql://reader@db/lift?sslrootcert=/etc/passwd", "sslrootcert"),
    ],
)
def test_it_refuses_what_could_read_files_or_is_no_address(text: str, problem: str) -> None:
    with pytest.raises(DsnError, match=problem):
        checked_dsn(text)


def test_nothing_says_the_password() -> None:
    database = MonitoredDatabase(name="lift")
    keep_dsn(database, "postgresql://reader:hunter22hunter22@db.lift.example/lift")

    assert shown_dsn(database) == "reader@db.lift.example:5432/lift"
    assert "hunter22" not in database.sealed_dsn + str(database)
    with pytest.raises(DsnError) as refused:
        keep_dsn(database, "postgresql://reader:hunter22hunter22@db:0x/lift")
    assert "hunter22" not in str(refused.value)


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]"])
def test_it_never_asks_where_clouds_keep_their_secrets(host: str) -> None:
    database = MonitoredDatabase(name="lift")
    keep_dsn(database, f"postgresql://reader@{host}/lift")

    with pytest.raises(NoAnswerError, match="metadata"), connected(database):
        pass


def test_a_port_that_nobody_listens_at_is_a_problem_of_theirs() -> None:
    database = MonitoredDatabase(name="lift")
    keep_dsn(database, f"postgresql://reader:hunter22hunter22@127.0.0.1:{free_port()}/lift")

    with pytest.raises(NoAnswerError, match="refused") as told, connected(database):
        pass

    assert told.value.meaning.finding.value == "problem"
    assert "hunter22" not in repr(told.value)
    assert told.value.__context__ is None


class TestARealOne:
    def test_it_cannot_write(self, lift: MonitoredDatabase, patient: Patient) -> None:
        patient.owner("GRANT ALL ON payments TO reader")
        try:
            with pytest.raises(NoAnswerError, match="read-only"), connected(lift) as connection:
                connection.execute("DELETE FROM payments")
        finally:
            patient.owner("REVOKE ALL ON payments FROM reader")

    def test_it_does_not_wait_longer_than_was_said(self, lift: MonitoredDatabase) -> None:
        lift.timeout_ms = 300

        with pytest.raises(NoAnswerError, match="No answer within 300 ms"), connected(lift) as connection:
            connection.execute("SELECT pg_sleep(5)")

    def test_a_role_that_there_is_not_is_told(self, lift: MonitoredDatabase, patient: Patient) -> None:
        keep_dsn(lift, patient.reader.replace("reader@", "nobody@"))

        with pytest.raises(NoAnswerError) as told, connected(lift):
            pass

        assert told.value.meaning.finding.value == "failed"

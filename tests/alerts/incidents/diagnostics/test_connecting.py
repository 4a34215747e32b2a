"""Addresses of databases: which are taken, what is shown of them, and what is said when they do not answer."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from alerts.incidents.diagnostics.connecting import NoAnswerError, connected, keep_dsn, shown_dsn
from alerts.incidents.diagnostics.dsn import DsnError, authorities, checked, hidden, parameters
from alerts.models import MonitoredDatabase
from tests.alerts.incidents.diagnostics.doors import certificate, door
from tests.alerts.incidents.diagnostics.patient import Patient
from tests.journeys.running import free_port


def test_it_is_kept_in_one_form() -> None:
    assert checked(" postgres://reader:p%40ss@db.lift.example/lift?sslmode=require ") == (
        "postgresql://reader:p%40ss@db.lift.example:5432/lift?sslmode=require"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mysql://a:b@h/d", "postgresql://"),
        ("host=db user=a", "space"),
        ("postgresql://db/lift#x", "#"),
        ("postgresql:///lift?host=/run/secret", "host"),
        ("postgresql://db/lift", "role"),
        ("postgresql://reader@db", "database"),
        ("postgresql://reader@db:99999/lift", "port"),
        ("postgresql://reader@a,b/lift", "one host"),
        ("postgresql://reader:a/b@db/lift", "%2F"),
        ("postgresql://reader:[x@db/lift", "%5B"),
        ("postgresql://reader:%00@db/lift", "%00"),
        ("postgresql://%2Frun%2Fsocket/lift", "host"),
        ("postgresql://reader@%2Frun%2Fsocket/lift", "host"),
        ("postgresql://reader:••••@db/lift", "again"),
        ("postgresql://reader@db/" + "x" * 1000, "characters"),
        ("postgresql://reader@db/lift?channel_binding=x", "channel_binding"),
        ("postgresql://reader@db/lift?sslrootcert=system&sslmode=require", "verify-full"),
        ("postgresql://reader@db/lift?passfile=/etc/passwd", "passfile"),
        ("postgresql://reader@db/lift?service=x", "service"),
        ("postgresql://reader@db/lift?options=-c%20x=y", "options"),
        ("postgresql://reader@db/lift?sslmode=maybe", "sslmode"),
        ("postgresql://reader@db/lift?sslrootcert=/etc/passwd", "sslrootcert"),
    ],
)
def test_it_refuses_what_could_read_files_or_is_no_address(text: str, problem: str) -> None:
    with pytest.raises(DsnError, match=problem):
        checked(text)


def test_nothing_says_the_password() -> None:
    database = MonitoredDatabase(name="lift")
    keep_dsn(database, "postgresql://reader:hunter22hunter22@db.lift.example/lift")

    assert shown_dsn(database) == "reader@db.lift.example:5432/lift"
    assert "hunter22" not in database.sealed_dsn + str(database)
    with pytest.raises(DsnError) as refused:
        keep_dsn(database, "postgresql://reader:hunter22hunter22@db:0x/lift")
    assert "hunter22" not in str(refused.value)


def test_what_was_typed_is_shown_again_without_the_password() -> None:
    assert hidden("postgresql://reader:a:b/c@d@db/lift") == "postgresql://reader:••••@db/lift"
    assert hidden("postgresql://reader@db/lift") == "postgresql://reader@db/lift"
    assert hidden("host=db password=hunter22") == hidden("postgresql://db/lift?user=a&password=hunter22") == ""


def test_libpq_looks_for_nothing_by_itself() -> None:
    told = parameters(checked("postgresql://reader@db/lift"))

    assert (told["sslmode"], told["require_auth"], told["passfile"]) == ("prefer", "none", "/dev/null/none")
    assert parameters(checked("postgresql://reader:p%40ss@db/lift"))["password"] == "p@ss"


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "[febf::1]",
        "[64:ff9b::a9fe:a9fe]",
        "[fd00:ec2::254]",
        "100.100.100.200",
    ],
)
def test_it_never_asks_where_clouds_keep_their_secrets(host: str) -> None:
    database = MonitoredDatabase(name="lift")
    keep_dsn(database, f"postgresql://reader@{host}/lift")

    with pytest.raises(NoAnswerError, match="metadata"), connected(database):
        pass


def test_it_asks_in_no_other_networks_where_some_are_named(settings: Any) -> None:
    settings.MONITORED_DATABASE_NETWORKS = [ip_network("10.2.0.0/16")]
    database = MonitoredDatabase(name="lift")
    keep_dsn(database, "postgresql://reader@127.0.0.1/lift")

    with pytest.raises(NoAnswerError, match="LIFTMON_MONITORED_DATABASE_NETWORKS"), connected(database):
        pass


def test_a_host_that_there_is_not_is_told() -> None:
    database = MonitoredDatabase(name="lift")
    keep_dsn(database, "postgresql://reader@nowhere.invalid/lift")

    with pytest.raises(NoAnswerError, match="was not found"), connected(database):
        pass


def test_what_cannot_be_decrypted_is_told() -> None:
    with pytest.raises(NoAnswerError, match="enter it again"), connected(MonitoredDatabase(name="x", sealed_dsn="x")):
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
            with pytest.raises(NoAnswerError, match="read-only"), connected(lift) as asked:
                asked.rows("DELETE FROM public.payments")
        finally:
            patient.owner("REVOKE ALL ON payments FROM reader")

    def test_it_does_not_wait_longer_than_was_said(self, lift: MonitoredDatabase) -> None:
        lift.timeout_ms = 300

        with pytest.raises(NoAnswerError, match="No answer within 300 ms"), connected(lift) as asked:
            asked.rows("SELECT pg_sleep(5)")

    def test_a_table_that_cannot_be_looked_at_is_no_reason_to_wait(
        self, lift: MonitoredDatabase, patient: Patient
    ) -> None:
        locking = patient.app(autocommit=False)
        locking.execute("LOCK TABLE payments IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(NoAnswerError, match="look at the locks"), connected(lift) as asked:
            asked.rows("SELECT pg_table_size('public.payments'::regclass)")

    def test_a_server_that_froze_is_given_up(self, lift: MonitoredDatabase, patient: Patient) -> None:
        lift.timeout_ms = 1000
        with door(patient.port) as between:
            keep_dsn(lift, f"postgresql://reader@127.0.0.1:{between.port}/liftmon")
            with connected(lift) as asked:
                assert asked.rows("SELECT 1") == [(1,)]
                between.is_stuck.set()
                with pytest.raises(NoAnswerError, match="frozen, or the network") as told:
                    asked.rows("SELECT 2")

        assert asked.is_gone
        assert told.value.__context__ is None

    def test_nobodys_function_is_run_because_of_its_name(self, lift: MonitoredDatabase, patient: Patient) -> None:
        patient.owner("CREATE FUNCTION public.left(text, int) RETURNS text LANGUAGE sql AS $$SELECT 'mine'$$")
        patient.owner("ALTER ROLE reader SET search_path = public, pg_catalog")
        try:
            with connected(lift) as asked:
                assert asked.rows("SELECT left('theirs'::text, 20)") == [("theirs",)]
        finally:
            patient.owner("ALTER ROLE reader RESET search_path")
            patient.owner("DROP FUNCTION public.left(text, int)")

    def test_liftmons_own_password_is_not_for_others(
        self, lift: MonitoredDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGSSLMODE", "verify-full")
        monkeypatch.setenv("PGPASSWORD", "hunter22hunter22")
        monkeypatch.setenv("PGOPTIONS", "-c default_transaction_read_only=off")

        with connected(lift) as asked:
            assert asked.rows("SHOW default_transaction_read_only") == [("on",)]

    def test_a_certificate_is_looked_at_where_that_was_asked(
        self, lift: MonitoredDatabase, patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        authority, tls = certificate(tmp_path, "localhost")
        # An IPv6 address of the name is tried first, and nobody listens there.
        with door(patient.port, tls) as between:
            address = f"postgresql://reader@localhost:{between.port}/liftmon"
            keep_dsn(lift, f"{address}?sslmode=verify-full")
            with pytest.raises(NoAnswerError, match="not one that this system trusts"), connected(lift):
                pass

            monkeypatch.setenv("SSL_CERT_FILE", str(authority))
            authorities.cache_clear()
            try:
                with connected(lift) as asked:
                    assert asked.rows("SELECT 1") == [(1,)]
            finally:
                authorities.cache_clear()
            keep_dsn(lift, f"{address}?sslmode=require")
            with connected(lift) as asked:
                assert asked.rows("SELECT 1") == [(1,)]

    def test_a_role_that_there_is_not_is_told(self, lift: MonitoredDatabase, patient: Patient) -> None:
        keep_dsn(lift, patient.reader.replace("reader@", "nobody@"))

        with pytest.raises(NoAnswerError) as told, connected(lift):
            pass

        assert told.value.meaning.finding.value == "failed"
        assert "no such role" in str(told.value)

    def test_one_that_asks_for_a_password_gets_none_of_ours(self, lift: MonitoredDatabase, patient: Patient) -> None:
        patient.owner("ALTER ROLE lift PASSWORD 'secret-of-lift'")
        with patient.asking_for_passwords():
            keep_dsn(lift, f"postgresql://lift@127.0.0.1:{patient.port}/liftmon")
            with pytest.raises(NoAnswerError, match="It asks for a password"), connected(lift):
                pass
            keep_dsn(lift, f"postgresql://lift:wrong-one@127.0.0.1:{patient.port}/liftmon")
            with pytest.raises(NoAnswerError, match="refuses the role or its password"), connected(lift):
                pass
            keep_dsn(lift, f"postgresql://lift:secret-of-lift@127.0.0.1:{patient.port}/liftmon")
            with connected(lift) as asked:
                assert asked.rows("SELECT 1") == [(1,)]

"""The guide's checks against a PostgreSQL that is truly ill."""

import threading
import time
from datetime import datetime
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from alerts.incidents.diagnostics import asking
from alerts.incidents.diagnostics.asking import AskingError, ask, ask_address
from alerts.incidents.diagnostics.connecting import keep_dsn
from alerts.incidents.diagnostics.interpreting import QUESTIONS
from alerts.models import DiagnosticRun, HttpCheck, Incident, MonitoredDatabase
from tests.alerts.incidents.diagnostics.patient import MOST, Patient
from tests.alerts.incidents.making import make_incident, said
from tests.alerts.receivers import Receiver, serve, stop
from tests.journeys.running import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def incident(now: datetime) -> Incident:
    return make_incident("Database pool error", at=now)


def one(database: MonitoredDatabase, name: str, now: datetime, incident: Incident | None = None) -> DiagnosticRun:
    (run,) = ask(database, [name], incident=incident, by=None, at=now)
    return run


class TestAWellDatabase:
    def test_all_questions_are_answered_over_one_connection(
        self, lift: MonitoredDatabase, incident: Incident, now: datetime, admin_user: User
    ) -> None:
        runs = ask(lift, QUESTIONS, incident=incident, by=admin_user, at=now)

        assert [run.question for run in runs] == list(QUESTIONS)
        assert {run.finding for run in runs} == {"fine"}
        assert all(len(run.answer["columns"]) == len(row) for run in runs for row in run.answer["rows"])
        assert {run.actor for run in runs} == {admin_user}
        assert said(incident, "diagnostic")[0].startswith("lift: Connections. ")

    def test_asking_costs_few_queries_of_its_own(
        self,
        lift: MonitoredDatabase,
        incident: Incident,
        now: datetime,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        with django_assert_max_num_queries(10):
            ask(lift, QUESTIONS, incident=incident, by=None, at=now)

    @pytest.mark.parametrize("names", [[], ["pg_sleep"], ["connections", "x"]])
    def test_nothing_else_is_asked(self, lift: MonitoredDatabase, now: datetime, names: list[str]) -> None:
        with pytest.raises(AskingError):
            ask(lift, names, incident=None, by=None, at=now)

    def test_one_that_is_switched_off_is_left_alone(self, lift: MonitoredDatabase, now: datetime) -> None:
        lift.is_enabled = False
        with pytest.raises(AskingError, match="switched off"):
            one(lift, "connections", now)

    def test_the_test_says_what_the_role_may_do(self, lift: MonitoredDatabase, patient: Patient, now: datetime) -> None:
        assert asking.test(lift, at=now) == (True, lift.test_answer)
        assert lift.test_answer.startswith("Connected as reader to PostgreSQL 18")
        patient.owner("GRANT UPDATE ON payments TO reader")
        try:
            assert "may also write to 1 table, which" in asking.test(lift, at=now)[1]
        finally:
            patient.owner("REVOKE UPDATE ON payments FROM reader")
        assert MonitoredDatabase.objects.get().tested_at == now


class TestAnIllOne:
    def test_a_pool_over_its_limit_is_exhausted(self, lift: MonitoredDatabase, patient: Patient, now: datetime) -> None:
        for _ in range(11):
            patient.app()

        run = one(lift, "connections", now)

        assert run.finding == "problem"
        assert run.interpretation.startswith(
            "The pool is exhausted: 11 connections of 10 that are usual. 11 of them of lift-web"
        )

    def test_a_server_that_is_full_is_asked_over_what_is_reserved(
        self, lift: MonitoredDatabase, patient: Patient, now: datetime
    ) -> None:
        for _ in range(MOST - 5):
            patient.app()
        with pytest.raises(psycopg.OperationalError):
            patient.app()

        full = one(lift, "connections", now).interpretation
        assert full.startswith(f"The server is full: {MOST - 5} connections of 10 that are usual")
        assert "nobody else is let in" in full

        patient.owner("REVOKE pg_use_reserved_connections FROM reader")
        try:
            run = one(lift, "connections", now)
        finally:
            patient.owner("GRANT pg_use_reserved_connections TO reader")
        assert (run.finding, run.answer) == ("problem", {})
        assert run.interpretation.startswith("It takes no more connections, which is the answer")

    def test_it_finds_who_blocks_and_hides_what_queries_say(
        self, lift: MonitoredDatabase, patient: Patient, now: datetime
    ) -> None:
        root = patient.app(autocommit=False)
        root.execute("UPDATE payments SET customer = 'ada@studentlift.org' WHERE id = 1")
        waiting = patient.app()
        waiter = threading.Thread(target=_ignored, args=(waiting, "UPDATE payments SET amount = 2 WHERE id = 1"))
        waiter.start()
        try:
            locks = _until(lambda: one(lift, "locks", now), lambda run: bool(run.answer["rows"]))
            queries = one(lift, "queries", now)
        finally:
            root.rollback()
            waiter.join()

        assert (
            f"At the root of it is pid {root.info.backend_pid} (lift-web): idle in transaction" in locks.interpretation
        )
        assert "ada@studentlift.org" not in str(locks.answer) + str(queries.answer)
        assert "UPDATE payments SET customer" in str(locks.answer)

    def test_a_query_that_is_slow_is_named(self, lift: MonitoredDatabase, patient: Patient, now: datetime) -> None:
        slow = patient.app()
        runner = threading.Thread(target=_ignored, args=(slow, "SELECT pg_sleep(60)"))
        runner.start()
        try:
            run = _until(lambda: one(lift, "queries", now), lambda run: run.finding == "problem")
        finally:
            slow.cancel()
            runner.join()

        assert f"pid {slow.info.backend_pid}, lift-web" in run.interpretation

    def test_one_that_is_down_is_told_once_however_much_was_asked(
        self, lift: MonitoredDatabase, now: datetime, incident: Incident
    ) -> None:
        keep_dsn(lift, f"postgresql://reader@127.0.0.1:{free_port()}/lift")

        runs = ask(lift, QUESTIONS, incident=incident, by=None, at=now)

        assert [run.interpretation for run in runs] == ["The connection is refused: nothing listens there."]
        assert said(incident, "diagnostic") == ["lift: Connections. The connection is refused: nothing listens there."]

    def test_one_question_that_is_given_up_leaves_the_others(
        self, lift: MonitoredDatabase, patient: Patient, now: datetime
    ) -> None:
        locking = patient.app(autocommit=False)
        locking.execute("LOCK TABLE payments IN ACCESS EXCLUSIVE MODE")

        runs = {run.question: run for run in ask(lift, QUESTIONS, incident=None, by=None, at=now)}

        assert runs.keys() == QUESTIONS.keys()
        assert "look at the locks" in runs["tables"].interpretation
        assert runs["connections"].finding == "fine"

    def test_a_role_that_may_not_see_others_is_told_so_and_not_that_all_is_well(
        self, lift: MonitoredDatabase, patient: Patient, now: datetime
    ) -> None:
        slow = patient.app()
        runner = threading.Thread(target=_ignored, args=(slow, "SELECT pg_sleep(60)"))
        runner.start()
        patient.owner("REVOKE pg_read_all_stats FROM reader")
        try:
            runs = {run.question: run for run in ask(lift, ["connections", "queries"], incident=None, by=None, at=now)}
            told = asking.test(lift, at=now)
        finally:
            patient.owner("GRANT pg_read_all_stats TO reader")
            slow.cancel()
            runner.join()

        assert "1 connection of 10" in runs["connections"].interpretation
        assert "GRANT pg_read_all_stats" in runs["connections"].interpretation
        assert (runs["queries"].finding, "is hidden" in runs["queries"].interpretation) == ("failed", True)
        assert "It cannot see what other roles do" in told[1]

    def test_a_lock_that_a_prepared_transaction_holds_is_found(
        self, lift: MonitoredDatabase, patient: Patient, now: datetime
    ) -> None:
        preparing = patient.app(autocommit=False)
        preparing.tpc_begin(preparing.xid(1, "pay-7", ""))
        preparing.execute("UPDATE payments SET amount = 3 WHERE id = 4")
        preparing.tpc_prepare()
        preparing.close()
        waiting, resolving = patient.app(), patient.app()
        waiter = threading.Thread(target=_ignored, args=(waiting, "UPDATE payments SET amount = 2 WHERE id = 4"))
        waiter.start()
        try:
            run = _until(lambda: one(lift, "locks", now), lambda run: bool(run.answer["rows"]))
            old = one(lift, "replication", now)
        finally:
            for found in resolving.tpc_recover():
                resolving.tpc_rollback(found)
            waiter.join()

        assert "At the root of it is a prepared transaction" in run.interpretation
        assert "prepared" in [row[0] for row in old.answer["rows"]]

    def test_two_do_not_ask_the_same_one_at_once(self, lift: MonitoredDatabase, now: datetime) -> None:
        """The lock is another connection's, as it is of another process."""
        with _own_connection() as other:
            other.execute("SELECT pg_advisory_lock(hashtext('alerts.incidents.diagnostics'), %s)", [lift.pk])
            with pytest.raises(AskingError, match="Somebody looks at lift already"):
                one(lift, "connections", now)
            other.execute("SELECT pg_advisory_unlock_all()")

        assert one(lift, "connections", now).finding == "fine"


def _own_connection() -> psycopg.Connection[Any]:
    own = connection.get_connection_params()
    return psycopg.connect(
        **{name: own[name] for name in ("host", "port", "user", "password", "dbname") if own.get(name)}, autocommit=True
    )


def _ignored(client: psycopg.Connection[Any], statement: str) -> None:
    try:
        client.execute(statement)  # type: ignore[arg-type]
    except psycopg.Error:
        return


def _until(ask_once: Any, is_so: Any) -> DiagnosticRun:
    deadline = time.monotonic() + 30
    while True:
        run = ask_once()
        if is_so(run):
            return run  # type: ignore[no-any-return]
        assert time.monotonic() < deadline, run.interpretation
        time.sleep(0.1)


class TestAddresses:
    @pytest.fixture
    def site(self, settings: Any) -> Any:
        settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
        receiver = serve()
        yield receiver
        stop(receiver)

    def test_an_address_that_answers_is_told_with_its_time(
        self, site: Receiver, now: datetime, incident: Incident
    ) -> None:
        check = HttpCheck.objects.create(name="lift", url=f"{site.url}/healthz", slow_ms=20_000)

        run = ask_address(check, incident=incident, by=None, at=now)

        assert (run.finding, run.answer["status"]) == ("fine", 200)
        assert said(incident, "diagnostic") == [f"lift: does it answer? {run.interpretation}"]
        assert site.received[0].path == "/healthz"

    def test_it_reaches_nothing_that_only_this_server_may_reach(self, now: datetime) -> None:
        check = HttpCheck.objects.create(name="x", url="http://127.0.0.1:1/")

        run = ask_address(check, incident=None, by=None, at=now)

        assert run.finding == "problem"
        assert "loopback" in run.interpretation

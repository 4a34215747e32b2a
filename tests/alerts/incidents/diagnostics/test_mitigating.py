"""Cancelling queries and ending connections of a real PostgreSQL."""

import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.incidents.diagnostics.connecting import APPLICATION
from alerts.incidents.diagnostics.mitigating import MitigatingError, Target, act, look
from alerts.models import Mitigation, MitigationKind, MonitoredDatabase
from tests.alerts.incidents.diagnostics.patient import Patient
from tests.alerts.incidents.making import make_incident, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def test_a_backend_that_blocks_others_is_ended_and_they_go_on(
    lift: MonitoredDatabase, patient: Patient, now: datetime, admin_user: User
) -> None:
    incident = make_incident(at=now)
    root, waiting = patient.app(autocommit=False), patient.app()
    root.execute("UPDATE payments SET amount = 7 WHERE id = 2")
    waiter = threading.Thread(target=waiting.execute, args=("UPDATE payments SET amount = 8 WHERE id = 2",))
    waiter.start()
    pid = root.info.backend_pid
    target = _until(lambda: look(lift, pid), lambda seen: seen.blocks)

    done = act(lift, MitigationKind.TERMINATE, pid, began_at=target.began_at, incident=incident, by=admin_user, at=now)

    waiter.join(10)
    assert not waiter.is_alive()
    assert (done.is_done, done.outcome, done.actor) == (True, "Its connection was ended.", admin_user)
    assert done.target["blocks"] == [waiting.info.backend_pid]
    (told,) = said(incident, "mitigation")
    assert told.startswith(f"End the connection on lift: pid {pid}, lift-web as lift on liftmon, idle in transaction")
    with pytest.raises(psycopg.OperationalError):
        root.execute("SELECT 1")


def test_a_query_is_cancelled_and_its_connection_lives(
    lift: MonitoredDatabase, patient: Patient, now: datetime
) -> None:
    slow = patient.app()
    raised: list[Exception] = []
    runner = threading.Thread(target=_kept, args=(slow, raised))
    runner.start()
    pid = slow.info.backend_pid
    target = _until(lambda: look(lift, pid), lambda seen: seen.state == "active")

    done = act(lift, MitigationKind.CANCEL, pid, began_at=target.began_at, incident=None, by=None, at=now)

    runner.join(10)
    assert done.is_done
    assert isinstance(raised[0], psycopg.errors.QueryCanceled)
    assert slow.execute("SELECT 1").fetchone() == (1,)


def _kept(connection: psycopg.Connection[Any], raised: list[Exception]) -> None:
    try:
        connection.execute("SELECT pg_sleep(20)")
    except psycopg.Error as error:
        raised.append(error)


def _until(looked: Callable[[], Target], is_so: Callable[[Target], object]) -> Target:
    deadline = time.monotonic() + 30
    while not is_so(target := looked()):
        assert time.monotonic() < deadline, target
        time.sleep(0.1)
    return target


def test_whoever_waits_behind_others_is_counted(lift: MonitoredDatabase, patient: Patient) -> None:
    root = patient.app(autocommit=False)
    root.execute("UPDATE payments SET amount = 7 WHERE id = 5")
    waiting = [patient.app() for _ in range(3)]
    waiters = []
    for one in waiting:
        waiters.append(threading.Thread(target=one.execute, args=("UPDATE payments SET amount = 8 WHERE id = 5",)))
        waiters[-1].start()
    try:
        target = _until(lambda: look(lift, root.info.backend_pid), lambda seen: len(seen.blocks) == 3)
    finally:
        root.rollback()
        for waiter in waiters:
            waiter.join(10)

    assert set(target.blocks) == {one.info.backend_pid for one in waiting}
    assert target.in_words.endswith(", 3 wait for it")


def test_one_that_does_not_end_in_time_is_told_so(lift: MonitoredDatabase, patient: Patient, now: datetime) -> None:
    """A process that the system does not let run cannot end either."""
    lift.timeout_ms = 600
    app = patient.app()
    pid = app.info.backend_pid
    began_at = look(lift, pid).began_at
    os.kill(pid, signal.SIGSTOP)
    try:
        done = act(lift, MitigationKind.TERMINATE, pid, began_at=began_at, incident=None, by=None, at=now)
    finally:
        os.kill(pid, signal.SIGCONT)

    assert done.is_done is False
    assert "had not within 300 ms" in done.outcome


def test_liftmons_own_are_left_alone(lift: MonitoredDatabase, patient: Patient) -> None:
    own = patient.app(application_name=APPLICATION)

    with pytest.raises(MitigatingError, match="Liftmon's own"):
        look(lift, own.info.backend_pid)


def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(
    lift: MonitoredDatabase, patient: Patient, now: datetime
) -> None:
    app = patient.app()
    began_at = look(lift, app.info.backend_pid).began_at - timedelta(minutes=5)

    with pytest.raises(MitigatingError, match="another connection by now"):
        act(lift, MitigationKind.TERMINATE, app.info.backend_pid, began_at=began_at, incident=None, by=None, at=now)

    assert app.execute("SELECT 1").fetchone() == (1,)
    assert not Mitigation.objects.exists()


def test_superusers_and_postgresqls_own_are_left_alone(lift: MonitoredDatabase, patient: Patient) -> None:
    with psycopg.connect(
        host="127.0.0.1", port=patient.port, user="liftmon", dbname="liftmon", autocommit=True
    ) as boss:
        row = boss.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'").fetchone()
        assert row is not None
        for pid in (boss.info.backend_pid, row[0], 1):
            with pytest.raises(MitigatingError, match="no pid"):
                look(lift, pid)


def test_a_database_that_may_only_be_looked_at_is_not_acted_on(
    lift: MonitoredDatabase, patient: Patient, now: datetime
) -> None:
    lift.allows_mitigation = False
    pid = patient.app().info.backend_pid

    with pytest.raises(MitigatingError, match="only be looked at"):
        act(lift, MitigationKind.CANCEL, pid, began_at=now, incident=None, by=None, at=now)


def test_a_role_that_may_not_is_told_what_it_lacks(lift: MonitoredDatabase, patient: Patient, now: datetime) -> None:
    pid = patient.app().info.backend_pid
    began_at = look(lift, pid).began_at
    patient.owner("REVOKE pg_signal_backend FROM reader")
    try:
        done = act(lift, MitigationKind.TERMINATE, pid, began_at=began_at, incident=None, by=None, at=now)
    finally:
        patient.owner("GRANT pg_signal_backend TO reader")

    assert done.is_done is False
    assert "permission denied" in done.outcome

"""Databases in the admin, the page Diagnostics, and who may do what there."""

from datetime import datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from alerts.incidents.diagnostics.asking import ask
from alerts.incidents.diagnostics.connecting import keep_dsn
from alerts.incidents.diagnostics.interpreting import QUESTIONS
from alerts.models import DiagnosticRun, HttpCheck, Mitigation, MonitoredDatabase
from tests.alerts.incidents.diagnostics.conftest import lift as lift
from tests.alerts.incidents.diagnostics.conftest import patient as patient
from tests.alerts.incidents.diagnostics.conftest import server as server
from tests.alerts.incidents.diagnostics.patient import Patient
from tests.alerts.incidents.making import make_incident, said

pytestmark = pytest.mark.django_db
_PAGE, _ACT = "/admin/diagnostics/", "/admin/diagnostics/act/"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def one(db: None) -> MonitoredDatabase:
    """That nobody asks."""
    database = MonitoredDatabase(name="lift")
    keep_dsn(database, "postgresql://reader:hunter22hunter22@db.lift.example/lift")
    database.save()
    return database


def client_of(*rights: str) -> Client:
    person = User.objects.create_user("ada", password="x", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(person)
    return client


class TestDatabases:
    def test_its_address_is_written_and_never_read(self, admin_client: Client, one: MonitoredDatabase) -> None:
        address = f"/admin/alerts/monitoreddatabase/{one.pk}/change/"

        page = admin_client.get(address).content.decode()

        assert "reader@db.lift.example:5432/lift" in page
        assert "hunter22" not in page
        form = {"name": "Lift", "pool_limit": 30, "slow_seconds": 5, "timeout_ms": 2000, "is_enabled": "on", "dsn": ""}
        assert admin_client.post(address, form).status_code == 302
        sealed = one.sealed_dsn
        one.refresh_from_db()
        assert (one.name, one.sealed_dsn) == ("Lift", sealed)

    @pytest.mark.parametrize(("dsn", "problem"), [("", "Write where"), ("mysql://a@b/c", "postgresql://role")])
    def test_it_says_what_is_wrong_with_an_address(self, admin_client: Client, dsn: str, problem: str) -> None:
        form = {"name": "Lift", "pool_limit": 30, "slow_seconds": 5, "timeout_ms": 2000, "is_enabled": "on", "dsn": dsn}

        page = admin_client.post("/admin/alerts/monitoreddatabase/add/", form)

        assert problem in page.content.decode()
        assert not MonitoredDatabase.objects.exists()

    def test_the_test_shows_the_true_answer(self, admin_client: Client, lift: MonitoredDatabase) -> None:
        page = admin_client.post(f"/admin/alerts/monitoreddatabase/{lift.pk}/test/", follow=True).content.decode()

        assert "Connected as reader to PostgreSQL 18" in page

    def test_an_empty_list_says_what_to_do(self, admin_client: Client) -> None:
        assert (
            "No database can be looked at yet" in admin_client.get("/admin/alerts/monitoreddatabase/").content.decode()
        )

    def test_the_list_costs_the_same_however_many_there_are(
        self, admin_client: Client, one: MonitoredDatabase, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(5):
            copy = MonitoredDatabase(name=f"n{number}", sealed_dsn=one.sealed_dsn)
            copy.save()
        with django_assert_max_num_queries(12):
            admin_client.get("/admin/alerts/monitoreddatabase/")

    def test_an_address_must_be_one_that_can_be_asked(self, admin_client: Client) -> None:
        form = {"name": "x", "url": "https://a:b@lift.example/", "expected_status": 200, "slow_ms": 1000}

        page = admin_client.post("/admin/alerts/httpcheck/add/", form).content.decode()

        assert "user name or password" in page
        assert not HttpCheck.objects.exists()


class TestThePage:
    def test_it_asks_and_shows_the_answer_in_words_first(
        self, admin_client: Client, lift: MonitoredDatabase, patient: Patient
    ) -> None:
        for _ in range(11):
            patient.app()

        page = admin_client.post(_PAGE, {"database": lift.pk, "question": "all"}, follow=True).content.decode()

        assert "Problem: The pool is exhausted: 11 connections of 10" in page
        assert DiagnosticRun.objects.count() == len(QUESTIONS)

    def test_without_scripts_and_with_them(self, admin_client: Client, lift: MonitoredDatabase) -> None:
        part = admin_client.post(_PAGE, {"database": lift.pk, "question": "locks"}, headers={"HX-Request": "true"})

        assert part.status_code == 200
        assert part.content.decode().strip().startswith('<div id="lm-diagnostics">')

    def test_an_empty_page_says_what_to_add(self, admin_client: Client) -> None:
        assert "Nothing can be looked at yet" in admin_client.get(_PAGE).content.decode()

    @pytest.mark.parametrize("form", [{"database": "x"}, {"check": "9"}, {"question": "pg_sleep"}, {}])
    def test_what_is_not_on_the_list_is_not_asked(
        self, admin_client: Client, one: MonitoredDatabase, form: dict[str, str]
    ) -> None:
        page = admin_client.post(_PAGE, {"database": one.pk, **form}, follow=True)

        assert page.status_code == 200
        assert not DiagnosticRun.objects.exists()

    def test_an_answer_cannot_act_on_the_page(self, admin_client: Client, now: datetime) -> None:
        DiagnosticRun.objects.create(
            question="queries", subject="<script>1</script>", at=now, took_ms=1, finding="fine", interpretation="<b>x</b>",
            answer={"columns": ["Query"], "rows": [["<img src=x onerror=alert(1)>"]]},
        )  # fmt: skip

        page = admin_client.get(_PAGE).content.decode()

        assert "<script>1" not in page
        assert "<img src=x" not in page
        assert "<b>x" not in page

    def test_it_costs_the_same_however_much_was_asked(
        self,
        admin_client: Client,
        lift: MonitoredDatabase,
        now: datetime,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        incident = make_incident(at=now)
        for _ in range(3):
            ask(lift, QUESTIONS, incident=incident, by=None, at=now)
        with django_assert_max_num_queries(14):
            admin_client.get(f"/admin/alerts/incident/{incident.pk}/diagnostics/")


class TestActing:
    def test_it_says_what_would_happen_to_whom_and_then_does_it(
        self, admin_client: Client, lift: MonitoredDatabase, patient: Patient, now: datetime
    ) -> None:
        incident = make_incident(at=now)
        app = patient.app(autocommit=False)
        app.execute("UPDATE payments SET amount = 1 WHERE id = 3")
        pid, address = app.info.backend_pid, f"/admin/alerts/incident/{incident.pk}/diagnostics/act/"

        page = admin_client.get(address, {"database": lift.pk, "pid": pid}).content.decode()

        assert f"End the connection of pid {pid}" in page
        assert "lift-web as lift" in page
        assert "what it changed and did not commit is lost" in page
        began_at = page.split('name="began_at" value="')[1].split('"')[0]
        form = {"database": lift.pk, "pid": pid, "began_at": began_at, "kind": "terminate"}
        told = admin_client.post(address, form, follow=True).content.decode()
        assert "Its connection was ended." in told
        assert Mitigation.objects.get().is_done
        assert LogEntry.objects.get().change_message.startswith(f"End the connection, pid {pid}")
        assert len(said(incident, "mitigation")) == 1

    def test_looking_at_the_question_does_nothing(
        self, admin_client: Client, lift: MonitoredDatabase, patient: Patient
    ) -> None:
        app = patient.app()

        admin_client.get(_ACT, {"database": lift.pk, "pid": app.info.backend_pid})

        assert app.execute("SELECT 1").fetchone() == (1,)

    @pytest.mark.parametrize("form", [{"kind": "drop"}, {"pid": "x"}, {"began_at": "now"}])
    def test_nonsense_is_refused(
        self, admin_client: Client, lift: MonitoredDatabase, now: datetime, form: dict[str, Any]
    ) -> None:
        values = {"database": lift.pk, "pid": 1, "began_at": now.isoformat(), "kind": "cancel"} | form

        assert admin_client.post(_ACT, values).status_code == 404


class TestRights:
    def test_a_viewer_of_incidents_can_do_none_of_it(self, lift: MonitoredDatabase) -> None:
        client = client_of("view_incident")

        assert client.get(_PAGE).status_code == 403
        assert client.post(_PAGE, {"database": lift.pk, "question": "all"}).status_code == 403
        assert client.get(_ACT).status_code == 403
        assert client.post(_ACT).status_code == 403
        assert client.get(f"/admin/alerts/monitoreddatabase/{lift.pk}/change/").status_code == 403
        assert client.post(f"/admin/alerts/monitoreddatabase/{lift.pk}/test/").status_code == 403
        assert not DiagnosticRun.objects.exists()

    def test_whoever_may_look_cannot_ask_and_whoever_may_ask_cannot_act(
        self, lift: MonitoredDatabase, patient: Patient, now: datetime
    ) -> None:
        patient.app()
        ask(lift, ["connections", "queries"], incident=None, by=None, at=now)
        looks = client_of("view_diagnosticrun")

        assert "Run all" not in looks.get(_PAGE).content.decode()
        assert looks.post(_PAGE, {"database": lift.pk, "question": "all"}).status_code == 403
        User.objects.all().delete()
        asks = client_of("view_diagnosticrun", "add_diagnosticrun")
        assert "End or cancel" not in asks.get(_PAGE).content.decode()
        assert asks.get(_ACT, {"database": lift.pk, "pid": 1}).status_code == 403

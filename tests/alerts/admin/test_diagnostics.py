"""Databases in the admin, the page Diagnostics, and who may do what there."""

import html
import time
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

    def test_what_was_typed_is_not_shown_again_with_its_password(self, admin_client: Client) -> None:
        dsn = "postgresql://reader:hunter22hunter22@db.lift.example/lift?service=x"
        form = {"name": "Lift", "pool_limit": 30, "slow_seconds": 5, "timeout_ms": 2000, "is_enabled": "on", "dsn": dsn}

        page = admin_client.post("/admin/alerts/monitoreddatabase/add/", form).content.decode()

        assert "The option service is not taken" in page
        assert "postgresql://reader:••••@db.lift.example/lift" in page
        assert "hunter22" not in page

    @pytest.mark.parametrize(("dsn", "problem"), [("", "Write where"), ("mysql://a@b/c", "postgresql://role")])
    def test_it_says_what_is_wrong_with_an_address(self, admin_client: Client, dsn: str, problem: str) -> None:
        form = {"name": "Lift", "pool_limit": 30, "slow_seconds": 5, "timeout_ms": 2000, "is_enabled": "on", "dsn": dsn}

        page = admin_client.post("/admin/alerts/monitoreddatabase/add/", form)

        assert problem in page.content.decode()
        assert not MonitoredDatabase.objects.exists()

    def test_the_test_shows_the_true_answer(self, admin_client: Client, lift: MonitoredDatabase) -> None:
        page = admin_client.post(f"/admin/alerts/monitoreddatabase/{lift.pk}/test/", follow=True).content.decode()

        assert "Connected as reader to PostgreSQL 18" in page

    def test_nothing_of_it_is_in_the_log(
        self, admin_client: Client, lift: MonitoredDatabase, caplog: pytest.LogCaptureFixture
    ) -> None:
        keep_dsn(lift, "postgresql://reader:hunter22hunter22@127.0.0.1:1/lift")
        lift.save()
        with caplog.at_level("DEBUG"):
            admin_client.post(f"/admin/alerts/monitoreddatabase/{lift.pk}/test/")
            admin_client.post(_PAGE, {"database": lift.pk, "question": "all"})

        assert "hunter22" not in caplog.text + str(
            [(one.change_message, one.object_repr) for one in LogEntry.objects.all()]
        )
        assert "hunter22" not in str(DiagnosticRun.objects.values_list("answer", "interpretation", "subject"))

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

    def test_times_and_sizes_are_written_as_people_read_them(self, admin_client: Client, now: datetime) -> None:
        DiagnosticRun.objects.create(
            question="tables", subject="lift: Table sizes", at=now, took_ms=1, finding="fine", interpretation="Fine.",
            answer={
                "columns": ["Table", "Bytes", "Rows", "Last vacuum"],
                "rows": [["payments", 5 * 1024**3, 1234567, now.isoformat()], ["nix", 0, 0, None]],
            },
        )  # fmt: skip

        page = admin_client.get(_PAGE).content.decode()

        assert all(words in page for words in ("5.0\xa0GB", "1,234,567", "just now</time>", "–"))

    def test_one_run_is_shown_alone(self, admin_client: Client, one: MonitoredDatabase, now: datetime) -> None:
        runs = [
            DiagnosticRun.objects.create(
                question="locks", subject=name, at=now, took_ms=1, finding="fine", interpretation="Nobody waits."
            )
            for name in ("first-one", "second-one")
        ]

        page = admin_client.get(f"/admin/alerts/diagnosticrun/{runs[0].pk}/change/", follow=True).content.decode()

        assert ("first-one" in page, "second-one" in page, "Run all" in page) == (True, False, False)

    def test_the_lists_of_all_that_was_asked_and_done_cost_the_same_however_long_they_are(
        self,
        admin_client: Client,
        one: MonitoredDatabase,
        now: datetime,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for number in range(5):
            incident = make_incident(at=now)
            DiagnosticRun.objects.create(
                question="locks", subject="lift: Locks", at=now, took_ms=1, finding="fine", interpretation="Nobody waits.",
                incident=incident, database=one,
            )  # fmt: skip
            Mitigation.objects.create(
                incident=incident, database=one, kind="cancel", pid=number + 1, backend_started_at=now, at=now,
                target={"words": f"pid {number + 1}, lift-web", "query": "SELECT 1"},
            )  # fmt: skip
        with django_assert_max_num_queries(14):
            assert "Nobody waits." in admin_client.get("/admin/alerts/diagnosticrun/").content.decode()
        with django_assert_max_num_queries(14):
            page = admin_client.get("/admin/alerts/mitigation/").content.decode()
        assert "Not known: Liftmon was interrupted." in page
        pk = Mitigation.objects.values_list("pk", flat=True)[0]
        assert "SELECT 1" in admin_client.get(f"/admin/alerts/mitigation/{pk}/change/").content.decode()
        assert admin_client.get("/admin/alerts/mitigation/add/").status_code == 403

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("monitoreddatabase", "No database can be looked at yet"), ("httpcheck", "No address can be asked yet"),
            ("diagnosticrun", "Nothing was asked yet"), ("mitigation", "Nothing was done yet"),
        ],
    )  # fmt: skip
    def test_empty_lists_say_what_to_do_and_filtered_ones_that_nothing_matches(
        self, admin_client: Client, name: str, words: str
    ) -> None:
        assert words in admin_client.get(f"/admin/alerts/{name}/").content.decode()
        if name != "mitigation":
            assert "Nothing matches" in admin_client.get(f"/admin/alerts/{name}/?q=x").content.decode()

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

    def test_the_row_that_was_seen_leads_to_that_backend_and_to_no_other(
        self, admin_client: Client, lift: MonitoredDatabase, patient: Patient, now: datetime
    ) -> None:
        lift.slow_seconds = 60
        lift.save()
        app = patient.app(autocommit=False)
        app.execute("SELECT 1")
        ask(lift, ["queries"], incident=None, by=None, at=now)
        page = admin_client.get(_PAGE).content.decode()
        assert "End or cancel pid" not in page, "it is not slow"
        address = html.unescape(page.split('<a class="lm-button" href="')[1].split('"')[0])

        assert f"pid={app.info.backend_pid}" in address
        assert "Cancel the query of pid" in admin_client.get(address).content.decode()
        later = address.replace(f"began_at={now.year}", f"began_at={now.year - 1}")
        assert "is another connection by now" in admin_client.get(later).content.decode()

    def test_who_is_slow_is_offered_before_the_rows(
        self, admin_client: Client, lift: MonitoredDatabase, patient: Patient, now: datetime
    ) -> None:
        app = patient.app(autocommit=False)
        app.execute("SELECT 1")
        time.sleep(1.1)

        ask(lift, ["queries"], incident=None, by=None, at=now)

        assert f"End or cancel pid {app.info.backend_pid}, lift-web…" in admin_client.get(_PAGE).content.decode()

    def test_nothing_is_offered_where_nothing_may_be_done(
        self, admin_client: Client, lift: MonitoredDatabase, patient: Patient, now: datetime
    ) -> None:
        patient.app(autocommit=False).execute("SELECT 1")
        ask(lift, ["queries"], incident=None, by=None, at=now)
        assert "End or cancel" in admin_client.get(_PAGE).content.decode()

        MonitoredDatabase.objects.update(allows_mitigation=False)

        assert "End or cancel" not in admin_client.get(_PAGE).content.decode()

    @pytest.mark.parametrize(
        "form",
        [
            {"kind": "drop"}, {"pid": "x"}, {"pid": "9" * 40}, {"pid": "٣"}, {"began_at": "now"},
            {"began_at": "2026-13-45T00:00:00Z"}, {"began_at": "2026-01-02T00:00:00"}, {"database": "9" * 40},
        ],
    )  # fmt: skip
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
        assert client.get("/admin/alerts/diagnosticrun/").status_code == 403
        assert client.get("/admin/alerts/mitigation/").status_code == 403
        assert client.get("/admin/alerts/httpcheck/").status_code == 403
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

"""What digests say of incidents: those that go on, those that are over, and what is left to do of them."""

from datetime import timedelta

import pytest

from alerts.incidents import handling, opening
from alerts.models import Incident, IncidentReport, IncidentState, ReportState
from dashboards.digests.building import Scope, content, question_of
from dashboards.digests.content import Content
from dashboards.digests.periods import Kind
from dashboards.digests.wording import preheader_of, subject_of
from events.models import Service
from events.rollups import compact
from tests.dashboards.digests.contents import an_about
from tests.dashboards.digests.saying import DAY, ask, sections_of, store
from tests.dashboards.reports.random_events import NOW
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


def test_incidents_stand_at_the_top_with_their_clocks(sender: Sender) -> None:
    store(sender, NOW - timedelta(hours=30), event="login")
    compact()
    over = opening.open_by_hand(
        title="Slow", severity=3, service=sender.service, environment="", by=None, at=NOW - timedelta(hours=5)
    )
    handling.acknowledge(over.pk, by=None, at=NOW - timedelta(hours=5) + timedelta(minutes=4))
    handling.resolve(over.pk, by=None, at=NOW - timedelta(hours=4))
    grave = opening.open_by_hand(
        title="Down", severity=1, service=None, environment="", by=None, at=NOW - timedelta(hours=1)
    )
    opening.open_by_hand(
        title="Elsewhere",
        severity=1,
        service=Service.objects.create(name="x", slug="x"),
        environment="",
        by=None,
        at=NOW,
    )

    told, _ = ask(Kind.WEEKLY, Scope((sender.service.pk,), ("production",), "UTC"))

    assert (told.open_count, told.tone) == (1, "bad")
    assert told.verdict.startswith("1 incident open; ")
    assert [(row.text, row.number) for row in told.incidents] == [
        (f"#{grave.pk} Down", f"SEV1, {IncidentState.TRIGGERED.label.lower()}")
    ]
    assert told.actions[0].text == f"Go on with incident #{grave.pk}"
    section = sections_of(told)["incidents"]
    assert "2 incidents opened" in section.sentence
    assert "MTTA 4.0 min (1 of 2 acknowledged)" in section.sentence
    assert "MTTR 60 min (1 of 2 resolved)" in section.sentence
    assert [row.text for row in section.rows] == [f"#{grave.pk} Down", f"#{over.pk} Slow"]
    assert section.rows[1].number == "SEV3, over after 60 min"


def test_of_incidents_that_are_over_the_gravest_and_longest_come_first(sender: Sender) -> None:
    for title, severity, minutes in (("Long", 2, 50), ("Short", 2, 5), ("Light", 3, 90), ("Grave", 1, 2)):
        began = NOW - timedelta(hours=3)
        made = opening.open_by_hand(title=title, severity=severity, service=None, environment="", by=None, at=began)
        handling.resolve_by_rule(made.pk, at=began + timedelta(minutes=minutes), how="It is over.")

    section = sections_of(ask(Kind.DAILY, Scope((), (), "UTC"))[0])["incidents"]

    assert [row.text.split()[1] for row in section.rows] == ["Grave", "Long", "Short"]
    assert "None was acknowledged. MTTR" in section.sentence


def test_an_incident_that_goes_into_the_next_day_is_opened_once_and_ends_there(sender: Sender) -> None:
    began = NOW - timedelta(hours=25)
    made = opening.open_by_hand(title="Night", severity=2, service=None, environment="", by=None, at=began)
    store(sender, NOW - timedelta(hours=30), event="login")
    compact()

    first = sections_of(
        content(Kind.DAILY, question_of(Scope((), (), "UTC"), start=NOW - 2 * DAY, end=NOW - DAY, now=NOW - DAY))
    )
    handling.acknowledge(made.pk, by=None, at=NOW - timedelta(hours=23))
    handling.resolve(made.pk, by=None, at=NOW - timedelta(hours=22))
    second = sections_of(content(Kind.DAILY, question_of(Scope((), (), "UTC"), start=NOW - DAY, end=NOW, now=NOW)))

    assert (
        first["incidents"].sentence
        == "1 incident opened; 1 open now. None was acknowledged yet. None was resolved yet."
    )
    assert second["incidents"].sentence == "0 incidents opened, 1 the day before; 0 open now."
    assert [row.number for row in second["incidents"].rows] == ["SEV2, over after 3.0 h"]


class TestOver:
    def over(self, title: str, *, minutes: float, users: int | None = None, severity: int = 2) -> Incident:
        """An incident of last night whose report, once drafted, tells how many users it hurt."""
        began = NOW - timedelta(hours=9)
        made = opening.open_by_hand(title=title, severity=severity, service=None, environment="", by=None, at=began)
        handling.resolve(made.pk, by=None, at=began + timedelta(minutes=minutes))
        IncidentReport.objects.filter(incident=made).update(metrics={"users": users})
        return made

    def told(self) -> Content:
        return ask(Kind.DAILY, Scope((), (), "UTC"))[0]

    def test_it_stands_in_the_subject_and_its_report_is_to_be_finished(self) -> None:
        made = self.over("Payments fail", minutes=39, users=13)

        told = self.told()

        assert (told.tone, told.is_changed) == ("warn", True)
        assert subject_of(told, an_about(), "lift") == (
            "Daily: Payments fail hurt 13 users in 39 min and is over; nothing failed in the last 24 hours – lift"
        )
        assert [(one.text, one.evidence, one.users) for one in told.actions] == [
            (f"Finish the report of incident #{made.pk}", "Payments fail: SEV2, over after 39 min, 13 users hurt", 13)
        ]
        assert told.actions[0].link == f"/admin/alerts/incident/{made.pk}/change/"

    def test_of_several_the_one_that_hurt_most_is_named_and_their_reports_are_one_thing_to_do(self) -> None:
        self.over("Lockouts", minutes=31, users=20)
        self.over("Payments fail", minutes=39, users=13, severity=1)

        told = self.told()

        assert told.verdict.startswith("2 incidents, both over: Lockouts hurt 20 users in 31 min; nothing failed")
        assert [(one.text, one.users) for one in told.actions] == [("Finish the reports of 2 incidents", 33)]

    def test_without_a_count_of_users_it_says_how_long_alone(self) -> None:
        self.over("Payments fail", minutes=39)

        assert self.told().verdict.startswith("Payments fail went on for 39 min and is over; ")

    def test_one_that_goes_on_is_said_first(self) -> None:
        self.over("Lockouts", minutes=31, users=20)
        opening.open_by_hand(title="Down", severity=1, service=None, environment="", by=None, at=NOW)

        assert self.told().verdict.startswith("1 incident open; Lockouts hurt 20 users in 31 min and is over; ")
        self.over("Payments fail", minutes=39)

        told = self.told()

        assert told.verdict.startswith("1 incident open; 2 are over: Lockouts hurt 20 users in 31 min; ")
        assert "incident" in told.actions[0].text
        assert preheader_of(told).endswith(f"First: {told.actions[0].text}.")

    @pytest.mark.parametrize(("minutes", "severity"), [(4, 1), (90, 3)])
    def test_what_was_short_or_light_is_a_line_of_the_list_alone(self, minutes: int, severity: int) -> None:
        self.over("Payments fail", minutes=minutes, severity=severity)

        told = self.told()

        assert "over" not in told.verdict
        assert told.actions == ()
        assert [row.text.split(maxsplit=1)[1] for row in sections_of(told)["incidents"].rows] == ["Payments fail"]

    def test_a_published_report_is_nothing_to_do(self) -> None:
        made = self.over("Payments fail", minutes=39)
        IncidentReport.objects.filter(incident=made).update(
            state=ReportState.PUBLISHED, root_cause="A key was revoked."
        )

        assert self.told().actions == ()

    def test_a_long_title_leaves_room_for_how_grave_it_was(self) -> None:
        self.over("Payments " + "fail " * 30, minutes=39, users=13)

        assert "… hurt 13 users in 39 min" in subject_of(self.told(), an_about(), "lift")

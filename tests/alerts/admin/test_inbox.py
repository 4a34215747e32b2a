"""The inbox: what it shows first, what it narrows to, what can be done, and why nobody was told."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.utils import timezone

from alerts.models import Alert, AlertEntry, Channel, Notification, Silence
from tests.alerts.admin.people import make_alert, make_person, make_rule
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

pytestmark = pytest.mark.usefixtures("only_own_rules")
LIST = "/admin/alerts/alert/"


def titles(response: HttpResponse) -> list[str]:
    return [
        unescape(one) for one in re.findall(r'<span class="lm-issue-title">([^<]*)</span>', response.content.decode())
    ]


def run(person: User, action: str, *alerts: Alert) -> HttpResponse:
    data = {"action": action, "_selected_action": [alert.pk for alert in alerts], "index": "0"}
    response: Any = client_of(person).post(LIST, data, follow=True)
    return response  # type: ignore[no-any-return]


def notify(alert: Alert, channel: str, state: str, reason: str = "", number: int = 0) -> Notification:
    made, _ = Channel.objects.get_or_create(name=channel, defaults={"kind": "email", "sealed_settings": ""})
    kind, now = ("repeat" if number else "firing"), timezone.now()
    return Notification.objects.create(
        alert=alert, channel=made, kind=kind, number=number, state=state, created_at=now, due_at=now, reason=reason
    )


class TestTheList:
    def test_it_shows_what_fires_then_what_is_pending_then_what_was_resolved_last(self, ada: User) -> None:
        now = timezone.now()
        for name, state, severity, hours in (
            ("over long ago", "resolved", "critical", 9), ("over lately", "resolved", "warning", 2),
            ("waits", "pending", "critical", 1), ("burns", "firing", "critical", 5), ("smokes", "firing", "warning", 1),
        ):  # fmt: skip
            make_alert(make_rule(name, severity=severity), state=state, at=now - timedelta(hours=hours))

        assert titles(client_of(ada).get(LIST)) == ["burns", "smokes", "waits", "over lately", "over long ago"]

    def test_a_row_says_what_where_owner_and_who_acknowledged(self, ada: User, sender: Sender) -> None:
        rule = make_rule(owner=ada, group_by=["service", "endpoint"])
        labels = {"service": str(sender.service.pk), "endpoint": "/api/pay"}
        make_alert(rule, labels=labels, acknowledged_by=ada, acknowledged_at=timezone.now())

        page = client_of(ada).get(LIST).content.decode()

        for words in (
            "Pool is empty",
            "<bdi>lift api, /api/pay</bdi>",
            '<td class="',
            "By <bdi>ada</bdi>",
            "10 min ago",
        ):
            assert words in page
        assert "/acknowledge/" not in page  # somebody did

    @pytest.mark.parametrize(
        ("rows", "sentence", "is_nobody"),
        [
            ([], "Nobody was told: no channel on any route takes it.", True),
            ([("E-mail", "muted", "Silenced until 9:00 UTC: known")], "Nobody was told. Silenced until 9:00 UTC: known", True),
            ([("E-mail", "dead", "Given up after 10 attempts")], "Nobody was told. Given up after 10 attempts", True),
            ([("E-mail", "sent", ""), ("Slack", "waiting", "")], "Told: E-mail. Being told: Slack.", False),
            ([("E-mail", "sent", ""), ("Slack", "dead", "gone")], "Told: E-mail. Given up: Slack.", False),
            ([("E-mail", "dropped", "Somebody acknowledged it first.")], "Nobody was told. Somebody acknowledged it first.", True),
        ],
    )  # fmt: skip
    def test_a_row_says_who_was_told_or_why_nobody_was(
        self, ada: User, rows: list[tuple[str, str, str]], sentence: str, is_nobody: bool
    ) -> None:
        alert = make_alert(make_rule())
        for channel, state, reason in rows:
            notify(alert, channel, state, reason)

        page = client_of(ada).get(LIST).content.decode()

        assert f"<span{' class="lm-alert-untold"' if is_nobody else ''}>{sentence}</span>" in page

    def test_a_pending_one_says_that_nobody_is_told_yet(self, ada: User) -> None:
        make_alert(make_rule(), state="pending")

        assert "Nobody is told before it fires." in client_of(ada).get(LIST).content.decode()

    @pytest.mark.parametrize("count", [1, 24])
    def test_it_costs_the_same_queries_for_any_number_of_alerts(
        self, ada: User, count: int, django_assert_num_queries: Any
    ) -> None:
        rule = make_rule(owner=ada)
        for number in range(count):
            alert = make_alert(rule, labels={"endpoint": f"/{number}"}, acknowledged_by=ada)
            notify(alert, "E-mail", "sent")
            notify(alert, "E-mail", "sent", number=1)
        client = client_of(ada)

        # Session, user, two of permissions, services and rules to filter by, count twice, rows, told, services, incidents, badge.
        with django_assert_num_queries(14):
            client.get(LIST)


class TestNarrowing:
    @pytest.fixture
    def alerts(self, ada: User, sender: Sender) -> None:
        of_service = make_rule("of service", service=sender.service, owner=ada)
        make_alert(of_service, labels={"endpoint": "/a"})
        make_alert(make_rule("grouped", severity="warning"), labels={"service": str(sender.service.pk)}, acknowledged_by=ada,
                   acknowledged_at=timezone.now())  # fmt: skip
        make_alert(make_rule("by event"), evidence={"service": sender.service.pk}, state="resolved")
        make_alert(make_rule("elsewhere"), labels={"service": "987654"}, state="pending")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("state=firing", {"of service", "grouped"}),
            ("state=open", {"of service", "grouped", "elsewhere"}),
            ("state=resolved", {"by event"}),
            ("severity=warning", {"grouped"}),
            ("service=SERVICE", {"of service", "grouped", "by event"}),
            ("service=987654", {"elsewhere"}),
            ("rule=RULE", {"grouped"}),
            ("acknowledged=yes", {"grouped"}),
            ("acknowledged=no&state=firing", {"of service"}),
            ("mine=owner", {"of service"}),
            ("mine=acknowledged", {"grouped"}),
            ("mine=any", {"of service", "grouped"}),
            ("q=elsew", {"elsewhere"}),
            ("service=x&rule=%00&state=none", {"of service", "grouped", "by event", "elsewhere"}),
        ],
    )
    def test_it_narrows(self, ada: User, sender: Sender, alerts: None, query: str, found: set[str]) -> None:
        rule = Alert.objects.get(rule__name="grouped").rule_id
        asked = query.replace("SERVICE", str(sender.service.pk)).replace("RULE", str(rule))

        assert set(titles(client_of(ada).get(f"{LIST}?{asked}"))) == found

    def test_the_tabs_keep_the_other_filters(self, ada: User, alerts: None) -> None:
        page = client_of(ada).get(f"{LIST}?severity=critical&state=open&p=1").content.decode()

        tabs = page.split('aria-label="State">')[1].split("</nav>")[0]
        assert re.findall(r'href="([^"]+)"', tabs) == [
            "?severity=critical", "?severity=critical&amp;state=open", "?severity=critical&amp;state=pending",
            "?severity=critical&amp;state=firing", "?severity=critical&amp;state=resolved",
        ]  # fmt: skip
        assert tabs.count('aria-current="page"') == 1


class TestAnEmptyInbox:
    def test_it_says_that_nothing_fires_and_what_to_do_next(self, admin_user: User) -> None:
        page = client_of(admin_user).get(LIST).content.decode()

        assert "<h2>Nothing fires.</h2>" in page
        assert 'href="/admin/events/service/">Send an event</a>' in page

    def test_it_asks_for_nothing_that_the_reader_may_not_do(self, ada: User) -> None:
        page = client_of(ada).get(LIST).content.decode()

        assert "Send an event" not in page
        assert "Go to the overview" in page

    def test_narrowed_to_nothing_it_offers_to_take_the_filters_away(self, ada: User) -> None:
        assert (
            '<a class="lm-button lm-button-primary" href="?">' in client_of(ada).get(f"{LIST}?q=none").content.decode()
        )


class TestSeveralAtOnce:
    def test_they_are_acknowledged_by_whoever_asked(self, ada: User) -> None:
        first, second = make_alert(make_rule("one")), make_alert(make_rule("two"), acknowledged_at=timezone.now())

        page = run(ada, "acknowledge_alerts", first, second)

        first.refresh_from_db()
        assert first.acknowledged_by == ada
        assert "1 alert changed. 1 needed no change." in page.content.decode()
        assert list(AlertEntry.objects.filter(kind="acknowledged").values_list("alert", "actor")) == [
            (first.pk, ada.pk)
        ]

    def test_they_are_resolved_by_whoever_asked(self, ada: User) -> None:
        alert = make_alert(make_rule())

        run(ada, "resolve_alerts", alert)

        alert.refresh_from_db()
        assert alert.state == "resolved"
        assert AlertEntry.objects.get(kind="resolved").actor == ada

    def test_silencing_asks_for_how_long_and_why(self, ada: User) -> None:
        alerts = [make_alert(make_rule("one")), make_alert(make_rule("two"))]

        page = run(ada, "silence_alerts", *alerts).content.decode()

        assert "Silence 2 alerts" in page
        assert page.count('name="alert"') == 2
        assert not Silence.objects.exists()

    def test_who_may_only_look_is_offered_nothing_and_refused(self, eve: User) -> None:
        alert = make_alert(make_rule())

        page = client_of(eve).get(LIST).content.decode()
        run(eve, "resolve_alerts", alert)

        assert "/acknowledge/" not in page
        assert "/resolve/" not in page
        assert "resolve_alerts" not in page
        alert.refresh_from_db()
        assert alert.state == "firing"

    def test_who_may_not_look_is_refused(self, db: None) -> None:
        assert client_of(make_person("max", "events.view_event")).get(LIST).status_code == 403


def test_hostile_words_are_shown_as_words(ada: User) -> None:
    make_alert(make_rule("<script>alert(1)</script>"), summary="<img src=x onerror=alert(2)>")

    page = client_of(ada).get(LIST).content.decode()

    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page

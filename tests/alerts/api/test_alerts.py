"""Reading alerts, and what people do about them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts.evaluation import judge_news
from alerts.models import Alert, AlertRule, Channel, NotificationAttempt, Route, Silence
from events.models import TokenScope
from tests.alerts.api.conftest import fields_at_fault, make_alert, make_notification
from tests.events.admin.people import client_of, make_person
from tests.events.api.v1.conftest import Caller, queries
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
NO_BODY: dict[str, Any] = {"data": b"", "content_type": "application/json"}


def ids(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


class TestReading:
    def test_an_event_becomes_an_alert_that_can_be_read(self, sender: Sender, reader: Caller, channel: Channel) -> None:
        AlertRule.objects.create(
            name="Critical",
            condition="event",
            severity="critical",
            severities=["critical"],
            group_by=["name", "service"],
        )
        Route.objects.create(position=1, name="All").channels.add(channel)
        sender.store({"event": "db_pool_error", "severity": "CRITICAL", "message": "pool exhausted"})
        judge_news(now=timezone.now())

        [row] = reader.get("alerts", state="firing", service=sender.service.slug).json()["results"]
        alert = reader.get(f"alerts/{row['id']}").json()

        assert (row["title"], row["state"], row["severity"]) == ("db_pool_error", "firing", "critical")
        assert alert["labels"] == {"name": "db_pool_error", "service": str(sender.service.pk)}
        assert alert["timeline"][0]["kind"] == "fired"
        assert [(one["channel"]["name"], one["state"]) for one in alert["notifications"]] == [("Slack", "waiting")]

    def test_an_alert_comes_with_every_attempt_to_tell(self, alert: Alert, channel: Channel, reader: Caller) -> None:
        notification = make_notification(channel, alert, state="sent", attempt_count=2)
        for status, is_accepted in ((503, False), (200, True)):
            NotificationAttempt.objects.create(
                notification=notification, at=timezone.now(), is_accepted=is_accepted, status=status, took_ms=12
            )

        found = reader.get(f"alerts/{alert.pk}").json()

        assert [one["status"] for one in found["notifications"][0]["attempts"]] == [503, 200]
        assert found["runbook"] == "Ask them."
        assert found["admin_url"].endswith(f"/admin/alerts/alert/{alert.pk}/change/")

    def test_it_says_what_mutes_it(self, alert: Alert, operator: Caller) -> None:
        assert operator.get(f"alerts/{alert.pk}").json()["muted"] == ""

        operator.post(f"alerts/{alert.pk}/silence", {"seconds": 600, "reason": "They know."})

        assert "They know." in operator.get(f"alerts/{alert.pk}").json()["muted"]

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ({"state": "firing"}, ["firing"]),
            ({"state": "resolved,firing"}, ["firing", "resolved"]),
            ({"severity": "critical"}, ["resolved"]),
            ({"acknowledged": "true"}, ["resolved"]),
            ({"acknowledged": "false", "severity": "warning"}, ["firing"]),
        ],
    )
    def test_every_filter_narrows_the_list(
        self, rule: AlertRule, reader: Caller, filters: dict[str, str], found: list[str]
    ) -> None:
        now = timezone.now()
        made = {
            "firing": make_alert(rule, minutes_ago=1).pk,
            "resolved": make_alert(
                rule, minutes_ago=90, provider="other", state="resolved", severity="critical", acknowledged_at=now
            ).pk,
        }

        assert ids(reader.get("alerts", **filters)) == [made[name] for name in found]

    def test_it_filters_by_rule_service_and_time(
        self, rule: AlertRule, reader: Caller, sender: Sender, make_sender: Callable[[str], Sender]
    ) -> None:
        silent = make_sender("silent").service
        of_service = AlertRule.objects.create(name="Of", condition="event", severity="error", service=sender.service)
        by_label = make_alert(rule, provider="a", labels={"service": str(sender.service.pk)}, minutes_ago=3)
        by_rule = make_alert(of_service, minutes_ago=2)
        by_event = make_alert(rule, provider="b", evidence={"service": sender.service.pk}, minutes_ago=1)
        other = make_alert(rule, provider="c", labels={"service": str(silent.pk)}, minutes_ago=600)

        assert ids(reader.get("alerts", service=sender.service.slug)) == [by_event.pk, by_rule.pk, by_label.pk]
        assert ids(reader.get("alerts", service=silent.pk)) == [other.pk]
        assert ids(reader.get("alerts", rule=of_service.pk)) == [by_rule.pk]
        since = (timezone.now() - timedelta(hours=1)).isoformat()
        assert other.pk not in ids(reader.get("alerts", since=since))

    def test_what_is_not_there_is_refused_and_named(self, reader: Caller) -> None:
        assert fields_at_fault(reader.get("alerts", rule=9)) == ["rule"]
        assert fields_at_fault(reader.get("alerts", service="gone")) == ["service"]
        assert fields_at_fault(reader.get("alerts", status="firing")) == ["status"]
        assert reader.get("alerts/9").status_code == 404

    def test_its_pages_hold_every_alert_once(self, rule: AlertRule, reader: Caller) -> None:
        made = [make_alert(rule, provider=str(number), minutes_ago=number // 2).pk for number in range(5)]

        first = reader.get("alerts", limit=2)
        second = reader.get(first.json()["next"])
        third = reader.get(second.json()["next"])

        assert sorted(ids(first) + ids(second) + ids(third)) == sorted(made)
        assert third.json()["next"] is None
        assert ids(reader.get(third.json()["previous"])) == ids(second)

    def test_a_page_costs_the_same_however_many_alerts_it_lists(self, rule: AlertRule, reader: Caller) -> None:
        make_alert(rule, provider="first")
        reader.get("alerts")
        with queries() as few:
            reader.get("alerts")
        for number in range(10):
            make_alert(rule, provider=str(number), acknowledged_by=reader.person)
        with queries() as many:
            assert len(ids(reader.get("alerts"))) == 11

        assert len(many) == len(few) <= 5, many

    def test_reading_one_takes_eleven_queries_however_many_were_told(
        self, alert: Alert, channel: Channel, reader: Caller
    ) -> None:
        reader.get("alerts")
        for number in range(6):
            make_notification(channel, alert, kind="repeat", number=number)
        with queries() as asked:
            assert len(reader.get(f"alerts/{alert.pk}").json()["notifications"]) == 6

        assert len(asked) <= 11, asked


class TestActing:
    def test_acknowledging_stops_what_waits_and_says_who(
        self, alert: Alert, channel: Channel, operator: Caller
    ) -> None:
        waiting = make_notification(channel, alert)

        found = operator.post(f"alerts/{alert.pk}/acknowledge").json()

        assert found["acknowledged_by"] == "ada"
        assert (found["timeline"][0]["kind"], found["timeline"][0]["actor"]) == ("acknowledged", "ada")
        waiting.refresh_from_db()
        assert waiting.state == "dropped"

    def test_acknowledging_again_changes_nothing(self, alert: Alert, operator: Caller) -> None:
        first = operator.post(f"alerts/{alert.pk}/acknowledge").json()

        assert operator.post(f"alerts/{alert.pk}/acknowledge").json() == first

    def test_what_is_over_cannot_be_acknowledged(self, rule: AlertRule, operator: Caller) -> None:
        over = make_alert(rule, state="resolved", resolved_at=timezone.now())

        response = operator.post(f"alerts/{over.pk}/acknowledge")

        assert (response.status_code, response.json()["code"]) == (409, "over")

    def test_resolving_tells_those_who_were_told(self, alert: Alert, channel: Channel, operator: Caller) -> None:
        make_notification(channel, alert, state="sent", attempt_count=1)

        found = operator.post(f"alerts/{alert.pk}/resolve").json()

        assert found["state"] == "resolved"
        assert [one["kind"] for one in found["notifications"]] == ["resolved", "firing"]
        assert operator.post(f"alerts/{alert.pk}/resolve").json()["state"] == "resolved"

    def test_a_silence_mutes_the_same_rule_and_group(self, alert: Alert, channel: Channel, operator: Caller) -> None:
        waiting = make_notification(channel, alert)

        response = operator.post(f"alerts/{alert.pk}/silence", {"seconds": 3600, "reason": "They know."})

        assert response.status_code == 201
        assert response.json()["matchers"] == {"rule": str(alert.rule_id), "ai_provider": "openai"}
        silence = Silence.objects.get()
        assert silence.ends_at - silence.starts_at == timedelta(hours=1)
        waiting.refresh_from_db()
        assert waiting.state == "muted"

    @pytest.mark.parametrize(
        ("content", "fields"),
        [
            ({"reason": "x"}, ["seconds"]),
            ({"seconds": 3600}, ["reason"]),
            ({"seconds": "3600", "reason": "x"}, ["seconds"]),
            ({"seconds": True, "reason": "x"}, ["seconds"]),
            ({"seconds": 59, "reason": "x"}, ["seconds"]),
            ({"seconds": 1e300, "reason": "x"}, ["seconds"]),
            ({"seconds": 60.5, "reason": 7}, ["seconds", "reason"]),
            ({"seconds": 60, "reason": "\x00"}, ["reason"]),
            ({"seconds": 60, "reason": "x", "until": "tomorrow"}, ["until"]),
        ],
    )
    def test_a_silence_that_says_too_little_is_refused(
        self, alert: Alert, operator: Caller, content: dict[str, Any], fields: list[str]
    ) -> None:
        assert fields_at_fault(operator.post(f"alerts/{alert.pk}/silence", content)) == fields
        assert not Silence.objects.exists()

    def test_a_note_enters_the_timeline(self, alert: Alert, operator: Caller) -> None:
        found = operator.post(f"alerts/{alert.pk}/note", {"text": "It is their status page, too."}).json()

        assert found["timeline"][0] | {"at": ""} == {
            "kind": "noted", "at": "", "actor": "ada", "text": "It is their status page, too.",
        }  # fmt: skip

    def test_a_verb_that_takes_no_body_refuses_one(self, alert: Alert, operator: Caller) -> None:
        response = operator.post(f"alerts/{alert.pk}/acknowledge", {"note": "lost otherwise"})

        assert (response.status_code, response.json()["code"]) == (400, "body_not_read")
        assert operator.post(f"alerts/{alert.pk}/acknowledge", {}).status_code == 200


class TestWhoMay:
    @pytest.mark.parametrize("scope", [TokenScope.READ, TokenScope.WRITE])
    def test_a_token_of_another_scope_reads_and_does_not_act(
        self, alert: Alert, make_caller: Callable[..., Caller], scope: TokenScope
    ) -> None:
        caller = make_caller("view_alert", "change_alert", scope=scope)

        response = caller.post(f"alerts/{alert.pk}/acknowledge")

        assert (response.status_code, response.json()["code"]) == (403, "insufficient_scope")
        assert TokenScope.ALERTS.label in response.json()["detail"]
        assert caller.get(f"alerts/{alert.pk}").json()["acknowledged_at"] is None

    def test_a_token_of_alerts_does_not_triage_issues(self, make_caller: Callable[..., Caller]) -> None:
        caller = make_caller("view_issue", "triage_issue", scope=TokenScope.ALERTS)

        assert caller.patch("issues/1", {"status": "resolved"}).json()["code"] == "insufficient_scope"

    @pytest.mark.parametrize("verb", ["acknowledge", "resolve", "silence", "note"])
    def test_acting_needs_the_right_to_change(
        self, alert: Alert, make_caller: Callable[..., Caller], verb: str
    ) -> None:
        response = make_caller("view_alert", scope=TokenScope.ALERTS).post(f"alerts/{alert.pk}/{verb}")

        assert response.status_code == 403
        assert "alerts.change_alert" in response.json()["detail"]

    def test_a_session_needs_the_same_rights(self, alert: Alert) -> None:
        address = f"/api/v1/alerts/{alert.pk}/acknowledge"

        assert client_of(make_person("eve", "view_alert")).post(address, **NO_BODY).status_code == 403
        assert client_of(make_person("ada", "view_alert", "change_alert")).post(address, **NO_BODY).status_code == 200

    def test_a_session_without_the_csrf_token_changes_nothing(self, alert: Alert) -> None:
        client = client_of(make_person("ada", "view_alert", "change_alert"), enforce_csrf_checks=True)

        response: Any = client.post(f"/api/v1/alerts/{alert.pk}/acknowledge")

        assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")

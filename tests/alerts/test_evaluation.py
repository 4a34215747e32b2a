"""From events to the states of alerts, with the real writer and the real rollups."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts.evaluation import judge_news, judge_windows
from alerts.judging.cascading import usual_by_place
from alerts.models import Alert, AlertEntry, AlertRule, Channel, Notification, Route
from events.models import EventNotice, Issue, IssueTransition
from events.rollups import compact
from tests.events.conftest import Sender
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import sender as sender

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def make_rule(condition: str = "event", **fields: Any) -> AlertRule:
    values = {"name": "Rule", "severity": "critical", "condition": condition, **fields}
    rule = AlertRule(**values)
    rule.full_clean()
    rule.save()
    return rule


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()


@pytest.fixture
def channel(db: None) -> Channel:
    made = Channel.objects.create(name="On call", kind="email", sealed_settings="")
    Route.objects.create(position=1, name="All").channels.add(made)
    return made


def pool_error(**more: Any) -> dict[str, Any]:
    return {"event": "db_pool_error", "severity": "CRITICAL", "message": "pool exhausted", **more}


def request(endpoint: str, status: int, **more: Any) -> dict[str, Any]:
    return {"event": "api_response_time", "endpoint": endpoint, "status": status, "duration_ms": 80, **more}


class TestEvents:
    def test_a_critical_event_fires_at_once_and_people_are_told_once(self, sender: Sender, channel: Channel) -> None:
        make_rule(severities=["critical"], group_by=["name"])
        sender.store(pool_error(), pool_error(), pool_error())

        now = timezone.now()
        assert judge_news(now=now).fired == 1
        assert judge_news(now=now).fired == 0

        alert = Alert.objects.get()
        assert (alert.state, alert.labels, alert.event_count) == ("firing", {"name": "db_pool_error"}, 3)
        assert "db_pool_error of lift api: pool exhausted" in alert.summary
        told = Notification.objects.get()
        assert (told.alert, told.channel, told.kind, told.state) == (alert, channel, "firing", "waiting")
        assert [entry.kind for entry in AlertEntry.objects.order_by("pk")] == ["started", "fired"]
        assert not EventNotice.objects.exists()

    def test_a_repeat_of_a_clients_event_is_judged_once(self, sender: Sender) -> None:
        make_rule(severities=["critical"])
        event = pool_error(event_id="0f0e0d0c0b0a09080706050403020100")
        sender.store(event)
        sender.store(event)

        judge_news(now=timezone.now())

        assert Alert.objects.get().event_count == 1

    def test_each_group_has_its_own_alert(self, sender: Sender) -> None:
        make_rule(names=["api_*"], group_by=["endpoint"], severities=["error"])
        sender.store(*({"event": "api_error", "endpoint": f"/api/{place % 3}"} for place in range(9)))

        judge_news(now=timezone.now())

        assert {alert.labels["endpoint"]: alert.event_count for alert in Alert.objects.all()} == {
            "/api/0": 3, "/api/1": 3, "/api/2": 3,
        }  # fmt: skip

    def test_what_does_not_match_is_let_go(self, sender: Sender) -> None:
        make_rule(names=["stripe_checkout_error"])
        sender.store(pool_error(), {"event": "feature_used", "feature": "career"})

        assert judge_news(now=timezone.now()).fired == 0
        assert not EventNotice.objects.exists()

    def test_what_happened_days_ago_is_told_to_nobody(self, sender: Sender) -> None:
        make_rule(severities=["critical"])
        make_rule("new_issue")
        sender.store(pool_error(timestamp=(timezone.now() - timedelta(hours=25)).isoformat()))

        assert judge_news(now=timezone.now()).fired == 0
        assert not EventNotice.objects.exists()

    def test_what_happens_later_than_is_asked_for_waits(self, sender: Sender) -> None:
        make_rule(names=["db_pool_error"], group_by=["endpoint"])
        make_rule("new_issue")
        now = timezone.now()
        for endpoint, ago in (("/api/early", 120), ("/api/late", 20)):
            sender.store(pool_error(endpoint=endpoint, timestamp=(now - timedelta(seconds=ago)).isoformat()))

        assert judge_news(now=now, until=now - timedelta(minutes=1)).fired == 2
        assert Alert.objects.get(rule__condition="event").labels == {"endpoint": "/api/early"}
        assert EventNotice.objects.get().endpoint == "/api/late"

        assert judge_news(now=now).fired == 2
        assert not EventNotice.objects.exists()

    def test_the_guides_lockout_counts_attempts(self, sender: Sender) -> None:
        make_rule(names=["security_incident_lockout"], tag="failedAttempts>=5")
        sender.store({"event": "security_incident_lockout", "failedAttempts": 4, "severity": "CRITICAL"})
        assert judge_news(now=timezone.now()).fired == 0

        sender.store({"event": "security_incident_lockout", "failedAttempts": 5, "severity": "CRITICAL"})
        assert judge_news(now=timezone.now()).fired == 1
        assert Alert.objects.get().event_count == 1

    def test_it_is_over_when_none_came_for_a_while_and_that_is_told(self, sender: Sender, channel: Channel) -> None:
        make_rule(severities=["critical"], recover_seconds=600)
        sender.store(pool_error())
        fired_at = timezone.now()
        judge_news(now=fired_at)
        Notification.objects.update(state="sent")

        judge_windows(now=fired_at + 9 * MINUTE)
        assert Alert.objects.get().state == "firing"
        judge_windows(now=fired_at + 10 * MINUTE)

        assert Alert.objects.get().state == "resolved"
        assert [one.kind for one in Notification.objects.order_by("pk")] == ["firing", "resolved"]

    def test_who_was_not_told_that_it_fires_is_not_told_that_it_is_over(self, sender: Sender, channel: Channel) -> None:
        make_rule(severities=["critical"], recover_seconds=0, group_wait_seconds=60)
        sender.store(pool_error())
        judge_news(now=timezone.now())
        judge_windows(now=timezone.now() + MINUTE)

        told = Notification.objects.get()
        assert (told.kind, told.state) == ("firing", "dropped")

    def test_it_fires_anew_after_it_was_over(self, sender: Sender, channel: Channel) -> None:
        make_rule(severities=["critical"], recover_seconds=60)
        now = timezone.now()
        for place in range(2):
            sender.store(pool_error())
            judge_news(now=now + place * 10 * MINUTE)
            judge_windows(now=now + place * 10 * MINUTE + 2 * MINUTE)

        assert [alert.state for alert in Alert.objects.all()] == ["resolved", "resolved"]
        assert Notification.objects.filter(kind="firing").count() == 2


class TestIssues:
    def test_a_new_issue_is_told_of_once(self, sender: Sender, channel: Channel) -> None:
        make_rule("new_issue", severities=["error"])
        for _ in range(2):
            sender.store({"event": "api_error", "endpoint": "/api/career", "message": "upstream is gone"})
        judge_news(now=timezone.now())

        alert = Alert.objects.get()
        assert alert.summary.startswith("New issue: ")
        assert alert.labels == {"issue": str(Issue.objects.get().pk)}
        assert Notification.objects.count() == 1
        assert not IssueTransition.objects.filter(processed_at=None).exists()

    def test_an_issue_that_comes_back_is_a_regression(self, sender: Sender) -> None:
        make_rule("regression")
        event = {"event": "api_error", "endpoint": "/api/career", "message": "upstream is gone"}
        sender.store(event)
        assert judge_news(now=timezone.now()).fired == 0
        Issue.objects.get().resolve(by=None, at=timezone.now())
        sender.store({**event, "timestamp": (timezone.now() + timedelta(seconds=5)).isoformat()})

        assert judge_news(now=timezone.now()).fired == 1
        assert Alert.objects.get().summary.startswith("Came back: ")


@pytest.mark.parametrize("is_folded", [False, True], ids=["waiting", "folded"])
class TestWindows:
    def test_a_threshold_counts_events(self, sender: Sender, *, is_folded: bool) -> None:
        make_rule(
            "threshold", parameters={"limit": 5, "window_seconds": 600}, names=["ai_failure"], group_by=["ai_provider"]
        )
        sender.store(*({"event": "ai_failure", "ai_provider": "openai"} for _ in range(5)))
        sender.store(*({"event": "ai_failure", "ai_provider": "gemini"} for _ in range(4)))

        self._judge(is_folded=is_folded)

        alert = Alert.objects.get()
        assert (alert.labels, alert.value, alert.threshold) == ({"ai_provider": "openai"}, 5, 5)
        assert alert.summary == "5 events in 10 minutes, limit 5."

    def test_a_threshold_counts_users(self, sender: Sender, *, is_folded: bool) -> None:
        make_rule("threshold", parameters={"limit": 3, "window_seconds": 600, "measure": "users"}, severities=["error"])
        sender.store(*({"event": "api_error", "user_id": f"u{place % 3}"} for place in range(7)))

        self._judge(is_folded=is_folded)

        assert Alert.objects.get().value == 3

    def test_a_threshold_knows_the_share_of_failures(self, sender: Sender, *, is_folded: bool) -> None:
        rule = {"limit": 0.1, "window_seconds": 300, "measure": "failure_ratio", "least_volume": 20}
        make_rule("threshold", parameters=rule, group_by=["endpoint"])
        sender.store(*(request("/api/a", 500 if place < 2 else 200) for place in range(20)))
        # Told both ways: it is two failures, not four.
        sender.store(*({"event": "api_error", "endpoint": "/api/a"} for _ in range(2)))
        sender.store(*(request("/api/b", 500 if place < 1 else 200) for place in range(20)))

        self._judge(is_folded=is_folded)

        alert = Alert.objects.get()
        assert (alert.labels["endpoint"], alert.value) == ("/api/a", 0.1)

    def test_a_threshold_knows_the_share_of_misses(self, sender: Sender, *, is_folded: bool) -> None:
        rule = {"limit": 0.5, "window_seconds": 3600, "measure": "share", "least_volume": 10}
        make_rule("threshold", parameters=rule, names=["cache_performance"], tag="hit:false")
        sender.store(*({"event": "cache_performance", "key": "jobs:1", "hit": place > 5} for place in range(10)))

        self._judge(is_folded=is_folded)

        assert Alert.objects.get().summary == "60.0 % of 10 events in 1 hour, limit 50 %."

    def test_latency_is_a_percentile_of_an_endpoint(self, sender: Sender, *, is_folded: bool) -> None:
        make_rule(
            "latency", parameters={"limit_ms": 1000, "window_seconds": 600, "percentile": 95, "least_volume": 20},
            group_by=["endpoint"],
        )  # fmt: skip
        sender.store(*(request("/api/slow", 200, duration_ms=1500 if place < 3 else 80) for place in range(20)))
        sender.store(*(request("/api/fast", 200, duration_ms=80) for _ in range(20)))

        self._judge(is_folded=is_folded)

        alert = Alert.objects.get()
        assert alert.labels == {"endpoint": "/api/slow"}
        assert alert.value == pytest.approx(1500, rel=0.011)

    def test_silence_of_a_service_is_noticed_and_its_return_too(self, sender: Sender, *, is_folded: bool) -> None:
        make_rule("absence", parameters={"window_seconds": 900}, group_by=["service"], recover_seconds=0)
        sender.store(request("/api/a", 200))
        now = timezone.now()
        self._judge(is_folded=is_folded)
        assert not Alert.objects.exists()

        judge_windows(now=now + 17 * MINUTE)
        assert Alert.objects.get().state == "firing"
        sender.store(request("/api/a", 200, timestamp=(now + 17 * MINUTE).isoformat()), at=now + 17 * MINUTE)
        judge_windows(now=now + 18 * MINUTE)

        assert Alert.objects.get().state == "resolved"

    def test_a_budget_that_burns_fires(self, sender: Sender, *, is_folded: bool) -> None:
        make_rule("burn_rate", parameters={"objective": 0.99, "least_volume": 20})
        sender.store(*(request("/api/a", 500 if place < 8 else 200) for place in range(40)))

        self._judge(is_folded=is_folded)

        assert Alert.objects.get().summary.startswith("The error budget of 99 % burns 20.0 times too fast")

    def _judge(self, *, is_folded: bool) -> None:
        if is_folded:
            compact()
        judge_windows(now=timezone.now())


class TestPatience:
    def test_a_rule_that_waits_is_pending_first(self, sender: Sender) -> None:
        make_rule("threshold", parameters={"limit": 1, "window_seconds": 3600}, for_seconds=120)
        sender.store(pool_error())
        now = timezone.now()

        states = []
        for seconds in (0, 60, 120):
            judge_windows(now=now + timedelta(seconds=seconds))
            states.append(Alert.objects.get().state)

        assert states == ["pending", "pending", "firing"]

    def test_what_ends_before_it_fires_is_told_to_nobody(self, sender: Sender, channel: Channel) -> None:
        make_rule("threshold", parameters={"limit": 1, "window_seconds": 60}, for_seconds=600)
        now = timezone.now()
        sender.store(pool_error(), at=now)
        judge_windows(now=now)
        judge_windows(now=now + 5 * MINUTE)

        assert Alert.objects.get().state == "resolved"
        assert not Notification.objects.exists()
        assert AlertEntry.objects.order_by("-pk")[0].kind == "subsided"

    def test_a_rule_that_is_switched_off_ends_its_alerts(self, sender: Sender) -> None:
        rule = make_rule("threshold", parameters={"limit": 1, "window_seconds": 3600})
        sender.store(pool_error())
        judge_windows(now=timezone.now())
        AlertRule.objects.filter(pk=rule.pk).update(is_enabled=False)
        judge_windows(now=timezone.now())

        assert Alert.objects.get().state == "resolved"

    def test_a_rule_of_a_later_version_harms_nobody(self, sender: Sender) -> None:
        AlertRule.objects.create(name="x", severity="error", condition="threshold", parameters={"moon": "full"})
        make_rule("threshold", parameters={"limit": 1, "window_seconds": 3600})
        sender.store(pool_error())

        assert judge_windows(now=timezone.now()).judged == 1
        assert Alert.objects.count() == 1


@pytest.mark.parametrize(
    ("days_ago", "told"),
    [(range(1, 15), "earlier (working|weekend) days"), ((7, 14, 21, 28, 29), "4 earlier [A-Z][a-z]+days")],
)
def test_a_spike_is_more_than_at_the_same_time_of_earlier_days(
    sender: Sender, days_ago: Iterable[int], told: str
) -> None:
    make_rule("spike", parameters={"window_seconds": 3600, "times": 2, "least": 10, "least_history": 3})
    now = timezone.now()

    def stored(count: int, at: datetime) -> None:
        sender.store(*(pool_error(timestamp=at.isoformat()) for _ in range(count)), at=at)

    for days in days_ago:
        stored(4, now - timedelta(days=days) - 5 * MINUTE)
    stored(9, now - 5 * MINUTE)
    judge_windows(now=now)
    assert not Alert.objects.exists()

    stored(12, now - 4 * MINUTE)
    judge_windows(now=now)

    alert = Alert.objects.get()
    assert alert.value == 21
    assert re.search(f"usually 4 at this time of .*{told}", alert.summary)


class TestCascades:
    @pytest.fixture(autouse=True)
    def _usual(self, sender: Sender) -> None:
        """A day in which every endpoint answers well but for one request in a hundred."""
        usual_by_place.cache_clear()
        now = timezone.now()
        for hours in range(2, 14):
            at = now - timedelta(hours=hours)
            sender.store(
                *(
                    request(f"/api/{place % 8}", 500 if place % 100 == 0 else 200, timestamp=at.isoformat())
                    for place in range(240)
                ),
                at=at,
            )
        compact()

    def _fail(self, sender: Sender, endpoints: range, now: datetime, *, times: int = 8, **more: Any) -> None:
        for place in endpoints:
            for step in range(times):
                at = now - timedelta(seconds=100 - 10 * step - 3 * place)
                event = {"event": "api_error", "endpoint": f"/api/{place}", "message": "no connection", **more}
                sender.store({**event, "timestamp": at.isoformat()}, at=at)

    def test_three_endpoints_that_fail_together_are_one_with_their_origin(
        self, sender: Sender, channel: Channel
    ) -> None:
        make_rule("cascade", parameters={"endpoints": 3, "window_seconds": 300}, group_by=["environment"])
        now = timezone.now()
        self._fail(sender, range(4), now, ai_provider="openai")
        judge_windows(now=now)

        alert = Alert.objects.get()
        assert {member["endpoint"] for member in alert.evidence["members"]} == {f"/api/{place}" for place in range(4)}
        assert alert.evidence["suspects"][0]["value"] == "openai"
        assert "openai" in alert.evidence["likely_cause"]
        assert Notification.objects.count() == 1

    def test_a_critical_write_has_it_judged_at_once(self, sender: Sender) -> None:
        make_rule("cascade", parameters={"endpoints": 3, "window_seconds": 300})
        now = timezone.now()
        self._fail(sender, range(3), now, severity="CRITICAL")

        assert judge_news(now=now).fired == 1

    def test_two_endpoints_are_none(self, sender: Sender) -> None:
        make_rule("cascade", parameters={"endpoints": 3, "window_seconds": 300})
        now = timezone.now()
        self._fail(sender, range(2), now, times=10)
        judge_windows(now=now)

        assert not Alert.objects.exists()

    def test_more_endpoints_join_it_and_it_ends_when_they_recover(self, sender: Sender) -> None:
        make_rule("cascade", parameters={"endpoints": 3, "window_seconds": 300}, recover_seconds=60)
        now = timezone.now()
        self._fail(sender, range(3), now)
        judge_windows(now=now)
        self._fail(sender, range(3, 5), now + MINUTE)
        judge_windows(now=now + MINUTE)
        assert len(Alert.objects.get().evidence["members"]) == 5

        for minutes in range(2, 12):
            at = now + minutes * MINUTE
            sender.store(*(request(f"/api/{place % 8}", 200, timestamp=at.isoformat()) for place in range(160)), at=at)
            judge_windows(now=at + timedelta(seconds=30))

        assert Alert.objects.get().state == "resolved"


class TestEscalatingIssues:
    def _come(self, sender: Sender, count: int, at: datetime, message: str = "upstream is gone") -> None:
        sender.store(
            *({"event": "api_error", "message": message, "timestamp": at.isoformat()} for _ in range(count)), at=at
        )

    @pytest.mark.parametrize("is_folded", [False, True], ids=["waiting", "folded"])
    def test_an_issue_that_comes_more_often_than_ever_is_told_of(self, sender: Sender, *, is_folded: bool) -> None:
        make_rule("escalating", parameters={"times": 3, "least": 20})
        now = timezone.now()
        for hours in range(1, 30):
            self._come(sender, 4, now - timedelta(hours=hours))
        self._come(sender, 19, now)
        judge_windows(now=now)
        assert not Alert.objects.exists()

        self._come(sender, 3, now)
        if is_folded:
            compact()
        judge_windows(now=now)

        alert = Alert.objects.get()
        assert alert.labels == {"issue": str(Issue.objects.get().pk)}
        assert alert.value == 22
        assert "at most 4 in nearly every hour before" in alert.summary

    def test_a_new_issue_has_no_past_to_be_held_against(self, sender: Sender) -> None:
        make_rule("escalating", parameters={"times": 3, "least": 20})
        now = timezone.now()
        self._come(sender, 90, now)
        judge_windows(now=now)

        assert not Alert.objects.exists()

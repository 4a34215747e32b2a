"""Whatever the order of events, evaluations and crashes: states follow the machine, and messages equal transitions."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import evaluation
from alerts.models import Alert, AlertEntry, AlertRule, Channel, Notification, Route
from events.rollups import compact
from tests.events.conftest import Sender
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import sender as sender

pytestmark = pytest.mark.django_db

steps = st.lists(
    st.one_of(
        st.tuples(st.just("critical"), st.sampled_from(["a", "b"])),
        st.tuples(st.just("warnings"), st.integers(1, 4)),
        st.tuples(st.just("wait"), st.sampled_from([5, 40, 70, 200, 700])),
        st.tuples(st.just("news"), st.booleans()),
        st.tuples(st.just("windows"), st.booleans()),
        st.tuples(st.just("fold"), st.none()),
    ),
    min_size=4,
    max_size=25,
)
# What may follow what in the history of one alert.
_FOLLOWS = {
    None: {"started"},
    "started": {"fired", "subsided"},
    "fired": {"resolved"},
    "subsided": set(),
    "resolved": set(),
}


class _CrashedError(Exception):
    pass


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_states_follow_the_machine_and_messages_equal_transitions(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, Any]]
) -> None:
    with transaction.atomic():
        _play(sender, monkeypatch, steps)
        _check()
        transaction.set_rollback(True)


def _play(sender: Sender, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, Any]]) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()
    channel = Channel.objects.create(name="On call", kind="email", sealed_settings="")
    Route.objects.create(position=1, name="All").channels.add(channel)
    AlertRule.objects.create(
        name="Critical", condition="event", severity="critical", severities=["critical"], group_by=["name"],
        recover_seconds=60,
    )  # fmt: skip
    AlertRule.objects.create(
        name="Many", condition="threshold", severity="warning", names=["slow"], for_seconds=60, recover_seconds=120,
        parameters={"limit": 3, "window_seconds": 300},
    )  # fmt: skip
    now = timezone.now()
    for what, how in steps:
        now += timedelta(seconds=1)
        if what == "critical":
            sender.store({"event": how, "severity": "CRITICAL", "timestamp": now.isoformat()}, at=now)
        elif what == "warnings":
            sender.store(
                *({"event": "slow", "severity": "warning", "timestamp": now.isoformat()} for _ in range(how)), at=now
            )
        elif what == "wait":
            now += timedelta(seconds=how)
        elif what == "fold":
            compact()
        else:
            judge = evaluation.judge_news if what == "news" else evaluation.judge_windows
            if how:
                _crash(judge, now, monkeypatch)
            judge(now=now)
            # What was told is sent at once: who heard of it hears that it is over.
            Notification.objects.filter(state="waiting").update(state="sent")


def _crash(judge: Any, now: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of its transaction, if it comes as far as telling somebody."""

    def tell(*_: Any, **__: Any) -> None:
        raise _CrashedError

    with monkeypatch.context() as patched:
        patched.setattr(evaluation, "tell", tell)
        try:
            with transaction.atomic():
                judge(now=now)
        except _CrashedError:
            pass


def _check() -> None:
    open_alerts = Counter(Alert.objects.open().values_list("rule_id", "group_key"))
    assert set(open_alerts.values()) <= {1}
    for alert in Alert.objects.all():
        last = None
        for kind in AlertEntry.objects.filter(alert=alert).order_by("pk").values_list("kind", flat=True):
            assert kind in _FOLLOWS[last]
            last = kind
        assert (alert.state == "resolved") is (last in ("subsided", "resolved"))
        assert (alert.state == "firing") is (last == "fired")
        told = Counter(alert.notifications.exclude(state="muted").values_list("kind", flat=True))
        fired = alert.entries.filter(kind="fired").count()
        is_muted = alert.notifications.filter(state="muted").exists()  # it flapped
        assert told["firing"] == (0 if is_muted else fired)
        assert told["resolved"] == (alert.entries.filter(kind="resolved").count() if told["firing"] else 0)
        assert alert.fired_at is None or alert.started_at <= alert.fired_at
        assert alert.resolved_at is None or alert.started_at <= alert.resolved_at

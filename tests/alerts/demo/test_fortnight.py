from datetime import UTC, datetime, timedelta

import pytest

from alerts.demo.fortnight import Fortnight
from alerts.models import Alert, AlertRule
from events.demo.loading import trickle_doors
from events.models import EventNotice, Service
from events.onboarding import create_service

UNTIL = datetime(2026, 3, 6, 7, tzinfo=UTC)


@pytest.mark.django_db
def test_in_quiet_hours_single_events_of_the_demo_are_no_alerts_and_those_of_others_are() -> None:
    trickle_doors()
    create_service(name="shop")
    AlertRule.objects.filter(key="critical_event").update(group_by=["service"])
    for service in Service.objects.all():
        EventNotice.objects.create(
            service_id=service.pk, name="stripe_checkout_error", severity="critical", endpoint="", environment="production",
            release="", event_count=1, event_ids=["0f0e0d0c-0b0a-0908-0706-050403020100"], message="declined",
            occurred_at=UNTIL - timedelta(hours=1),
        )  # fmt: skip

    Fortnight(
        since=UNTIL - timedelta(minutes=30), until=UNTIL, acts=[], deliver=lambda *_, **__: pytest.fail("nothing to store"),
        is_troubled=lambda _: False, pause=timedelta(hours=8),
    ).end()  # fmt: skip

    alert = Alert.objects.get()
    assert alert.labels["service"] == str(Service.objects.get(name="shop").pk)
    assert alert.started_at == UNTIL - timedelta(minutes=30)
    assert not EventNotice.objects.exists()

"""Readers of digests, and the reviews that they asked for."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core import signing

from alerts.models import Letter
from dashboards.models import DigestDelivery, DigestSubscription

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def person(name: str = "ada", **more: Any) -> User:
    values = {"email": f"{name}@lift.example", "is_staff": True, "first_name": name.capitalize(), **more}
    found = User.objects.create_user(name, **values)
    found.user_permissions.add(Permission.objects.get(codename="view_analytics"))
    return found


def subscribe(who: User | None = None, **more: Any) -> DigestSubscription:
    """To the daily review at eight of Berlin's clock, every day."""
    if who is None and not more.get("email") and more.get("channel") is None:
        who = person(f"reader{User.objects.count()}")
    values = {
        "person": who, "kinds": ["daily"], "hour": 8, "weekdays": list(range(7)), "zone": "Europe/Berlin", "environments": [],
        "since_at": LONG_AGO, **more,
    }  # fmt: skip
    if values.get("email"):
        values.setdefault("confirmed_at", LONG_AGO)
    return DigestSubscription.objects.create(**values)


def told() -> list[tuple[str, str]]:
    """Kind and day of each delivery, the oldest first."""
    return [(one.kind, str(one.day)) for one in DigestDelivery.objects.order_by("day", "kind", "pk")]


def letters() -> list[Letter]:
    return list(Letter.objects.order_by("pk"))


def sign_in_one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed addresses hold the second in which they were made: that of a test must equal that of a letter before it."""
    second = signing.b62_encode(int(LONG_AGO.timestamp()))
    monkeypatch.setattr(signing.TimestampSigner, "timestamp", lambda _: second)

"""Components, updates and subscribers as tests need them."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from alerts.models import Component, ComponentGroup, Incident, MaintenanceWindow, Subscriber, UpdateState
from alerts.statuspage.levels import Level
from alerts.statuspage.posting import Draft, Posted, post_update

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def make_component(name: str = "Payments", group: str = "", **fields: Any) -> Component:
    found = ComponentGroup.objects.get_or_create(name=group)[0] if group else None
    values = {"created_at": timezone.now() - 200 * DAY, **fields}
    return Component.objects.create(name=name, group=found, **values)


def make_subscriber(email: str = "reader@users.example", *components: Component) -> Subscriber:
    made = Subscriber.objects.create(email=email, confirmed_at=timezone.now() - HOUR)
    made.components.set(components)
    return made


def make_window(name: str = "PostgreSQL upgrade", *components: Component, **fields: Any) -> MaintenanceWindow:
    now = timezone.now()
    values = {
        "starts_at": now + HOUR, "ends_at": now + 2 * HOUR, "is_announced": True,
        "announcement": "Saving is **not** possible meanwhile.", **fields,
    }  # fmt: skip
    made = MaintenanceWindow.objects.create(name=name, **values)
    made.components.set(components)
    return made


def post(
    about: Incident | MaintenanceWindow, state: str = "investigating", title: str = "Payments fail for some",
    text: str = "We are looking into it.", *, levels: dict[Component, Level] | None = None, at: datetime | None = None,
    by: User | None = None, **more: Any,
) -> Posted:  # fmt: skip
    found = {component.pk: level for component, level in (levels or {}).items()}
    draft = Draft(UpdateState(state), title, text, found, **more)
    return post_update(about, draft, by=by, at=at or timezone.now())

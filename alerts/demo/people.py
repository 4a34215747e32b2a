"""Who looks after the sign-in, the database and the payments of the demo; what happens beside them nobody looks at."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Sum

from alerts.demo.fortnight import Act
from alerts.incidents import follow_ups, handling, timeline
from alerts.incidents.handling import Role
from alerts.models import FollowUp, Incident

_NAMES: Final = ("ada", "ben")
_QUEUE: Final = "Queue checkouts while Stripe is away"
_WATCH: Final = "Page on Stripe's own status"
_TELL: Final = "Tell users at the checkout when payments fail"


def acts(*, until: datetime) -> list[Act]:
    """In the fortnight that ends at ``until`` (aware, UTC); none where an account has the name of one of them.

    They are made as accounts that cannot sign in.
    """
    if User.objects.filter(username__in=_NAMES).exists():
        return []
    ada, ben = (_account(name) for name in _NAMES)
    midnight = datetime.combine(until.date(), time(), until.tzinfo)

    def at(days_before: int, hour: int, minute: int = 0) -> datetime:
        return midnight - timedelta(days=days_before) + timedelta(hours=hour, minutes=minute)

    def due(days: int) -> date:
        return until.date() + timedelta(days=days)

    return [
        (at(10, 15, 31), _act(handling.acknowledge, ada)),
        (at(10, 15, 31), _act(handling.set_role, ada, role=Role.COMMANDER, person=ada)),
        (at(10, 15, 44), _act(handling.mitigate, ada, how="Half of the servers had the old secret.")),
        (at(10, 16, 20), _act(handling.resolve, ada)),
        (at(7, 3, 17), _act(handling.acknowledge, ben)),
        (at(7, 3, 17), _act(handling.set_role, ben, role=Role.COMMANDER, person=ben)),
        (at(7, 3, 31), _act(timeline.note, ben, text="The nightly report holds every connection: stopped.")),
        (at(7, 3, 50), _act(handling.resolve, ben)),
        (at(3, 19, 17), _act(handling.acknowledge, ada)),
        (at(3, 19, 17), _act(handling.set_role, ada, role=Role.COMMANDER, person=ada)),
        (at(3, 19, 24), _act(timeline.note, ada, text="Nothing was released today; Stripe's own page tells of it.")),
        (at(3, 19, 52), _act(handling.mitigate, ada, how="Stripe answers again.")),
        (at(3, 20, 10), _act(follow_ups.add, ada, text=_QUEUE, owner=ada, due_on=due(-1))),
        (at(3, 20, 12), _act(follow_ups.add, ada, text=_WATCH, owner=ben, due_on=due(-1))),
        (at(3, 20, 13), _act(follow_ups.add, ada, text=_TELL, owner=ben, due_on=due(7))),
        (at(3, 20, 25), _act(handling.resolve, ada)),
        (at(1, 14), _done(_WATCH, ben)),
    ]


def _account(name: str) -> User:
    person = User(username=name, is_active=False)
    person.set_unusable_password()
    person.save()
    return person


def _act(does: Callable[..., object], by: User, **words: Any) -> Callable[[datetime], object]:
    """About the incident that goes on; of several, the one with the most events."""

    def now(at: datetime) -> object:
        ongoing = Incident.objects.ongoing().annotate(size=Sum("memberships__alert__event_count"))
        incident = ongoing.order_by("-size", "pk").first()
        return incident and does(incident.pk, by=by, at=at, **words)

    return now


def _done(text: str, by: User) -> Callable[[datetime], object]:
    def now(at: datetime) -> None:
        for follow_up in FollowUp.objects.filter(text=text):
            follow_ups.done(follow_up.pk, by=by, at=at)

    return now

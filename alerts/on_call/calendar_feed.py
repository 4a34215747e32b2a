"""A schedule as a calendar that people's own programs fetch, without signing in: its address is the secret."""

from datetime import datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from alerts.models import OnCallSchedule
from alerts.models.on_call import name_of
from alerts.on_call import icalendar, rotation
from alerts.on_call.escalating import people_of

_BEFORE, _AFTER = timedelta(days=14), timedelta(days=90)


def address_of(schedule: OnCallSchedule) -> str:
    return f"{settings.BASE_URL}{reverse('on_call_calendar', args=[schedule.feed_token])}"


@require_safe
def on_call(request: HttpRequest, token: str) -> HttpResponse:
    """404 for an address that is not, or no longer, ours."""
    now = timezone.now()
    schedule = OnCallSchedule.of_feed(token, since=now - _BEFORE)
    if schedule is None:
        raise Http404("There is no calendar at this address. A new one is on Liftmon's page On call.")
    content = icalendar.calendar(f"On call: {schedule}", _entries(schedule, now), now=now)
    answer = HttpResponse(content, content_type=icalendar.CONTENT_TYPE)
    answer["Content-Disposition"] = 'inline; filename="on-call.ics"'
    answer["Cache-Control"] = "private, max-age=300"
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def _entries(schedule: OnCallSchedule, now: datetime) -> list[icalendar.Entry]:
    people, turns = people_of(schedule), schedule.rotation()
    # From the begin of a turn, so that what is cut off does not come as another entry each time.
    turn = turns.turn_at(now - _BEFORE)
    start = now - _BEFORE if turn is None else turns.begins_at(turn)
    entries = []
    for shift in rotation.shifts(turns, schedule.overrides(), start, now + _AFTER):
        if shift.ends_at == now + _AFTER:
            break  # cut off; it comes whole when it is nearer
        person = people.get(shift.person or 0)
        who = name_of(person) if person else "Nobody"
        kind = "stands in" if shift.is_override else "on call"
        entries.append(
            icalendar.Entry(
                uid=f"{shift.starts_at:%Y%m%dT%H%M}-{schedule.pk}@liftmon",
                starts_at=shift.starts_at,
                ends_at=shift.ends_at,
                summary=f"{who} {kind}: {schedule}" if person else f"Nobody on call: {schedule}",
                description="" if person else "Nobody covers this time. Add a shift in Liftmon.",
                url=f"{settings.BASE_URL}{reverse('admin:on_call')}",
            )
        )
    return entries

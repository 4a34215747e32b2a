"""What the top of every admin page says when people cannot be reached; nothing on most days."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.http import urlencode

from alerts.models import NotificationState
from alerts.outbox.reach import Unreached

_MOST_SERVICES = 3


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence, what it means, and the page that mends it."""

    headline: str
    meaning: str
    link: str
    link_text: str


def notices(given_up: int, unreached: Unreached | None, letters_given_up: int = 0) -> list[Notice]:
    """The worst first. ``unreached``: None for those who may not see routes."""
    found = []
    if unreached is not None and unreached.is_any:
        found.append(
            Notice(
                f"Critical alerts{_of(unreached)} have nowhere to go.",
                "No enabled route with an enabled channel takes them: nobody would be told.",
                reverse("admin:alerts_route_changelist"),
                "Look at the routes",
            )
        )
    if given_up:
        query = urlencode({"state__exact": NotificationState.DEAD})
        what = "1 message was" if given_up == 1 else f"{given_up:,} messages were"
        found.append(
            Notice(
                f"{what} given up in the last 24 hours.",
                "Their channel did not take them in ten attempts, or refused them for good.",
                f"{reverse('admin:alerts_notification_changelist')}?{query}",
                "Look at them and send them again",
            )
        )
    if letters_given_up:
        query = urlencode({"state__exact": NotificationState.DEAD})
        what = "1 letter was" if letters_given_up == 1 else f"{letters_given_up:,} letters were"
        found.append(
            Notice(
                f"{what} given up in the last 24 hours.",
                "The mail server did not take them in ten attempts, or refused them for good.",
                f"{reverse('admin:alerts_letter_changelist')}?{query}",
                "Look at them and send them again",
            )
        )
    return found


def _of(unreached: Unreached) -> str:
    """“ of lift web and 2 others”; "" when it is all of them."""
    if unreached.everything:
        return ""
    names = [service.name for service in unreached.services[:_MOST_SERVICES]]
    others = len(unreached.services) - len(names)
    return f" of {', '.join(names)}{f' and {others} more' if others else ''}"

"""Writes the letters to subscribers of the status page; alerts.outbox.letters sends them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import mark_safe

from alerts.channels import mailing
from alerts.models import Letter, StatusUpdate, Subscriber
from alerts.runbooks import writing
from alerts.statuspage import signed_links
from alerts.statuspage.levels import Level

# Stand for a subscriber's own addresses in what is written for all of them, and for nothing in any text.
_MANAGE, _UNSUBSCRIBE = "https://liftmon.invalid/8f5c/manage", "https://liftmon.invalid/8f5c/unsubscribe"
_COLOURS = {"resolved": "#15803d", "completed": "#15803d", "planned": "#1d4ed8", "under_way": "#1d4ed8"}
_COLOUR = "#b45309"


def page_name() -> str:
    return f"{settings.STATUS_PAGE_NAME} status" if settings.STATUS_PAGE_NAME else "Status"


def subscribers_of(component_ids: Collection[int]) -> "QuerySet[Subscriber]":
    """Whoever confirmed and takes everything, or one of these components."""
    takes = Q(components=None) | Q(components__in=component_ids)
    return Subscriber.objects.confirmed().filter(takes).distinct()


def write_update(
    update: StatusUpdate, component_ids: Collection[int], affected: Sequence[tuple[str, Level]], *, first_title: str,
    at: datetime,
) -> int:  # fmt: skip
    """A letter for each subscriber whom it concerns; how many. ``affected``: names and levels, as the letter lists them."""
    subscribers = list(subscribers_of(component_ids).order_by("pk"))
    if not subscribers:
        return 0
    about, number = ("incident", update.incident_id) if update.incident_id else ("maintenance", update.maintenance_id)
    text, html = _written(update, affected, f"{settings.BASE_URL}{reverse(f'status_{about}', args=[number])}")
    # The first letter about it and all that follow are one thread.
    root = f"<status.{about}-{number}@{_host()}>"
    is_first = update.title == first_title and not _told_before(update)
    subject = first_title if is_first else f"Re: {first_title}"
    Letter.objects.bulk_create(
        (
            _letter(one, update, subject=subject, text=text, html=html, root=root, at=at)
            for one in subscribers
        ),
        batch_size=500,
    )  # fmt: skip
    return len(subscribers)


def _told_before(update: StatusUpdate) -> bool:
    others = StatusUpdate.objects.filter(incident=update.incident_id, maintenance=update.maintenance_id)
    return others.exclude(pk=update.pk).exists()


def _letter(
    subscriber: Subscriber, update: StatusUpdate, *, subject: str, text: str, html: str, root: str, at: datetime
) -> Letter:
    manage, unsubscribe = signed_links.subscription_of(subscriber), signed_links.unsubscription_of(subscriber)
    return Letter(
        once=f"status:{update.pk}:{subscriber.pk}", to=subscriber.email, subject=subject, subscriber=subscriber,
        status_update=update, created_at=at, due_at=at,
        text=text.replace(_MANAGE, manage).replace(_UNSUBSCRIBE, unsubscribe),
        html=html.replace(_MANAGE, manage).replace(_UNSUBSCRIBE, unsubscribe),
        headers={
            "From-Name": f"{page_name()}: {update.get_state_display()}",
            "In-Reply-To": root,
            "References": root,
            **_list_headers(unsubscribe),
        },
    )  # fmt: skip


def _list_headers(unsubscribe: str) -> dict[str, str]:
    """Of RFC 2919 and RFC 8058: mail programs show a button that posts to that address."""
    return {
        "List-Id": f"{page_name()} <status.{_host()}>",
        "List-Unsubscribe": f"<{unsubscribe}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _written(update: StatusUpdate, affected: Sequence[tuple[str, Level]], address: str) -> tuple[str, str]:
    context = {
        "update": update, "affected": affected, "address": address, "name": page_name(),
        "page": f"{settings.BASE_URL}{reverse('status_page')}", "manage": _MANAGE, "unsubscribe": _UNSUBSCRIBE,
        "body": mark_safe(writing.as_html(update.text)),  # noqa: S308 - made of text alone
        "colour": _COLOURS.get(update.state, _COLOUR),
    }  # fmt: skip
    text = render_to_string("alerts/status/letters/update.txt", context)
    return text, mailing.inlined(render_to_string("alerts/status/letters/update.html", context))


def write_confirmation(subscriber: Subscriber, *, at: datetime) -> None:
    """The question whether it was they who asked; nothing else is sent to an address before it is answered."""
    address = signed_links.confirmation_of(subscriber)
    _write_own(subscriber, "confirm", f"Confirm: updates of {page_name()}", {"address": address}, at=at)


def write_reminder(subscriber: Subscriber, *, at: datetime) -> None:
    """To somebody who asks for what they have already: where to change it."""
    address = signed_links.subscription_of(subscriber)
    _write_own(subscriber, "reminder", f"Your subscription to {page_name()}", {"address": address}, at=at)


def _write_own(subscriber: Subscriber, kind: str, subject: str, more: dict[str, Any], *, at: datetime) -> None:
    page = f"{settings.BASE_URL}{reverse('status_page')}"
    context = {"name": page_name(), "page": page, **more}
    html = mailing.inlined(render_to_string(f"alerts/status/letters/{kind}.html", context))
    Letter.objects.create(
        once=f"{kind}:{subscriber.pk}:{at.timestamp():.6f}", to=subscriber.email, subject=subject, subscriber=subscriber,
        text=render_to_string(f"alerts/status/letters/{kind}.txt", context), html=html, created_at=at, due_at=at,
        headers={"From-Name": page_name()},
    )  # fmt: skip


def _host() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]

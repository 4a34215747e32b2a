"""Times as people say them: how long ago, with the exact time in the reader's zone on demand."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
_UNITS = (
    (timedelta(days=365), "year"),
    (timedelta(days=30), "month"),
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "min"),
)
_SHORT = ("min",)


def ago(at: datetime, *, now: datetime) -> str:
    """``5 min ago``, ``1 day ago``; ``just now`` under a minute, ``in 5 min`` for what lies ahead."""
    apart = abs(now - at)
    for size, unit in _UNITS:
        if apart >= size:
            number = apart // size
            said = f"{number} {unit if number == 1 or unit in _SHORT else unit + 's'}"
            return f"{said} ago" if at < now else f"in {said}"
    return "just now"


def exactly(at: datetime) -> str:
    """``23 Nov 2026, 14:05:09 CET``, in the reader's zone."""
    return date_format(timezone.localtime(at), "j M Y, H:i:s T")


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A <time> that reads as how long ago and tells the exact time when pointed at."""
    if at is None:
        return "never"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), exactly(at), ago(at, now=timezone.now())
    )


@register.filter
def exact(at: datetime) -> str:
    return exactly(at)


@register.filter
def clock(at: datetime) -> SafeString:
    """A <time> that reads ``14:05:09``, with the day before it when that is not today, in the reader's zone."""
    local = timezone.localtime(at)
    is_today = local.date() == timezone.localtime().date()
    words = date_format(local, "H:i:s" if is_today else "j M, H:i:s")
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), exactly(at), words)

"""How times around shifts and steps read."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone

from alerts.conditions import spoken

register = template.Library()


@register.filter
def until_clock(at: datetime) -> str:
    """``17:00``; midnight ends a day and is ``24:00``."""
    local = timezone.localtime(at)
    return "24:00" if (local.hour, local.minute) == (0, 0) else f"{local:%H:%M}"


@register.filter
def after_words(after: timedelta) -> str:
    """``At once``, ``After 5 minutes``."""
    return f"After {spoken(after.total_seconds())}" if after else "At once"

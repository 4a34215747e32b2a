"""Times of the status page: of UTC and said to be, which its script turns into the reader's own."""

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def utc(at: datetime) -> SafeString:
    """``<time datetime="2026-11-28T15:20:00Z">28 Nov 2026, 15:20 UTC</time>``."""
    at = at.astimezone(UTC)
    return format_html('<time datetime="{}">{} {} UTC</time>', f"{at:%Y-%m-%dT%H:%M:%SZ}", at.day, f"{at:%b %Y, %H:%M}")


@register.filter
def utc_words(at: datetime) -> str:
    """``28 Nov 2026, 15:20 UTC``, for plain text."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"

"""Numbers as people say them."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboards.pages.words import bounds, percent, unmeasured
from dashboards.statistics import Change, Share
from events import formats

register = template.Library()


register.filter(percent)
register.filter(bounds)
register.filter(unmeasured)


@register.filter
def took(milliseconds: float | None) -> str:
    """``340 ms``, ``1.2 s``, ``3 min``, ``2.5 h``, ``4 days``; "–" for what is not known."""
    if milliseconds is None:
        return "–"
    if milliseconds < 999.5:
        return f"{formats.number(milliseconds)} ms" if milliseconds >= 9.95 else f"{formats.number(milliseconds, 1)} ms"
    seconds = milliseconds / 1000
    for most, size, unit in ((120, 1, "s"), (7200, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < most:
            value = seconds / size
            return f"{formats.number(value, 1)} {unit}" if value < 9.95 else f"{formats.number(value)} {unit}"
    return f"{formats.number(seconds / 86400, 1)} days"


@register.filter
def seconds_took(seconds: float | None) -> str:
    """The same of seconds."""
    return took(None if seconds is None else 1000 * seconds)


@register.filter
def changed(change: Change) -> str:
    """``+12 %`` against the window before; ``×4.0`` when it is more than three times as much."""
    if change.ratio is None:
        return "none before" if change.now else "as before"
    if change.ratio >= 2:
        return f"×{formats.number(change.ratio + 1, 1)}"
    value = round(100 * change.ratio)
    return f"{'+' if value > 0 else '−'}{formats.percent(formats.number(abs(value)))}" if value else "as before"


@register.filter
def against_before(change: Change) -> str:
    """``+12 % against the time before``; ``as before``; ``none before``."""
    said = changed(change)
    return said if said.endswith("before") else f"{said} against the time before"


@register.simple_tag
def interval(share: Share) -> SafeString | str:
    """A bar of where a share lies between 0 and 1: its bounds as a band, itself as a line. Told in words beside it."""
    if share.share is None:
        return ""
    return format_html(
        '<span class="lm-interval" aria-hidden="true"><span style="left:{}%;width:{}%"></span><i style="left:{}%"></i></span>',
        f"{100 * share.low:.2f}",
        f"{max(100 * (share.high - share.low), 0.5):.2f}",
        f"{100 * share.share:.2f}",
    )


@register.filter
def place(values: list[object], number: int) -> object:
    """The value at that place of a list."""
    return values[number]


@register.filter
def named(names: dict[int, str], number: int) -> str:
    """The name of that number, "" when it has none."""
    return names.get(number, "")

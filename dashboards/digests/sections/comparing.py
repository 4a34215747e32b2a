"""Numbers against the time before, in words. Pure."""

from datetime import timedelta

from dashboards.pages.words import counted, percent
from dashboards.statistics import Share, is_apart
from dashboards.window import Window
from events import formats

_DAY = timedelta(days=1)
# A day on which a clock is moved is an hour longer or shorter.
_HOUR = timedelta(hours=1)


def before_of(window: Window) -> str:
    """The time that a window is compared with: “the day before”."""
    return f"the {_length(window)} before"


def within(window: Window) -> str:
    """The window itself: “the last 24 hours”."""
    length = _length(window)
    return f"the last {'24 hours' if length == 'day' else '7 days' if length == 'week' else length}"


def _length(window: Window) -> str:
    length = window.span.length
    for days, word in ((1, "day"), (7, "week")):
        if abs(length - days * _DAY) <= _HOUR:
            return word
    if timedelta(days=28) - _HOUR <= length <= timedelta(days=31) + _HOUR:
        return "month"
    days = round(length / _DAY)
    hours = max(round(length / _HOUR), 1)
    return counted(days, "day") if days > 1 else counted(hours, "hour") if hours > 1 else "hour"


def compared(now: float, before: float, when: str) -> str:
    """“, 3 × the day before (14)”, “, 14 the day before”, “, none the day before”, “, as many as the day before”.

    "" without ``when``: nothing is known of that time.
    """
    if not when:
        return ""
    if not before:
        return f", none {when}"
    if now == before:
        return f", as many as {when}"
    if now >= 2 * before:
        return f", {times(now / before)} {when} ({formats.number(before)})"
    return f", {formats.number(before)} {when}"


def in_brief(before: float, when: str) -> str:
    """“, 14 before” for a line of a list; "" without ``when``."""
    return f", {formats.number(before)} before" if when else ""


def times(ratio: float) -> str:
    """“3 ×”, “2.4 ×”."""
    return f"{formats.number(ratio, 0 if ratio >= 10 or abs(ratio - round(ratio)) < 0.05 else 1)} ×"


def share_compared(now: Share, before: Share, when: str) -> str:
    """“12 % (4 % the day before)”, and whether that is more than chance."""
    if before.share is None or not when:
        return percent(now.share)
    change = ""
    if is_apart(now, before):
        change = "more than " if (now.share or 0) > (before.share or 0) else "less than "
    return f"{percent(now.share)} ({change}{percent(before.share)} {when})"


def is_worse(now: Share, before: Share) -> bool:
    """Whether a share that should be small is larger than before, beyond chance."""
    return is_apart(now, before) and (now.share or 0) > (before.share or 0)

"""Numbers and lists in sentences, as their reader writes numbers (events.formats). Pure."""

from collections.abc import Sequence

from dashboards.statistics import Share
from events import formats


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 user``, ``1,204 users``."""
    return f"{formats.number(number)} {noun}" if number == 1 else f"{formats.number(number)} {plural or noun + 's'}"


def first_of(names: Sequence[str], most: int = 3) -> str:
    """``a, b, c and others`` of more than three."""
    return joined([*names[:most], "others"] if len(names) > most else names)


def joined(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def percent(share: float | None) -> str:
    """``3.4 %`` of 0.034; whole numbers from 10 % on; "–" for what is not known."""
    if share is None:
        return "–"
    value = 100 * share
    if 0 < value < 0.1:
        return f"< {formats.percent(formats.number(0.1, 1))}"
    if 99.9 < value < 100:
        return f"> {formats.percent(formats.number(99.9, 1))}"
    return formats.percent(formats.number(value, 0 if value >= 10 or value == 0 else 1))


def failed_of(failures: int, requests: int) -> str:
    """``2 of 8 requests failed``; where fewer requests are known than failures, what is known."""
    if requests >= failures:
        return f"{formats.number(failures)} of {counted(requests, 'request')} failed"
    return f"{counted(failures, 'failure')}, {unmeasured(requests)}"


def unmeasured(requests: int) -> str:
    """Why no rate is known."""
    return f"more than the {counted(requests, 'request')} measured" if requests else "no requests measured"


def bounds(share: Share) -> str:
    """``1.2–4.8 %``: where the true share lies, with 95 % confidence."""
    if share.share is None:
        return ""
    digits = 0 if 100 * share.high >= 10 else 1
    low, high = (formats.number(100 * bound, digits) for bound in (share.low, share.high))
    return formats.percent(f"{low}–{high}")

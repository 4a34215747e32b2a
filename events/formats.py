"""How numbers, dates and hours are written: as their reader is used to, by CLDR. Words stay English. Pure.

What is said within `written_for` takes the forms of that locale, everything else those of DEFAULT. There are no-break spaces within
what is written for others: lines that are wrapped, and texts that are cut into sentences, leave “26. Nov. 2026” and “1 204” whole.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time
from functools import cache

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time
from babel.numbers import get_decimal_symbol, get_group_symbol, get_minus_sign_symbol

DEFAULT = "en-GB"
# Those of Europe, and of whom teams there write to; all are written from left to right.
OFFERED = (
    "bg", "ca", "cs", "da", "de", "de-AT", "de-CH", "el", DEFAULT, "en-IE", "en-US", "es", "et", "fi", "fr", "fr-CH", "hr", "hu",
    "is", "it", "lt", "lv", "nb", "nl", "pl", "pt-BR", "pt-PT", "ro", "sk", "sl", "sr-Latn", "sv", "tr", "uk",
)  # fmt: skip
# What browsers call them otherwise.
_ALSO = {"en": DEFAULT, "pt": "pt-PT", "no": "nb", "nn": "nb", "sr": "sr-Latn"}
# As Liftmon's own pages write them: no comma behind the weekday, whether a year follows or not.
_OWN_PATTERNS = {(DEFAULT, "yMMMEd"): "EEE d MMM y", (DEFAULT, "full"): "EEEE d MMMM y"}
_EXAMPLE = datetime(2026, 11, 27, 18, 30, tzinfo=UTC)
_NO_BREAK = "\u00a0"

_current: ContextVar[str] = ContextVar("formats", default=DEFAULT)


@contextmanager
def written_for(code: str) -> Iterator[None]:
    """``code`` is one of OFFERED; another one, which was offered once, is read as DEFAULT."""
    token = _current.set(code if code in OFFERED else DEFAULT)
    try:
        yield
    finally:
        _current.reset(token)


def number(value: float, digits: int = 0) -> str:
    """With that many digits after the decimal sign: ``1,204``, ``12.0``; ``1.204``, ``12,0``."""
    plain = f"{value:,.{digits}f}"
    # Pages with thousands of numbers get them without further ado.
    code = _current.get()
    return plain if code == DEFAULT or not math.isfinite(value) else plain.translate(_signs(code))


def shortest(value: float) -> str:
    """With as many digits as it has, at most six: ``99.5``, ``99``."""
    plain = f"{value:.6g}"
    return number(value, len(plain.partition(".")[2])) if "e" not in plain else plain


def percent(written: str) -> str:
    """A written number, or a range of two, as percents: ``3.4 %``, ``1.2–4.8 %``."""
    code = _current.get()
    if code == DEFAULT:
        return f"{written} %"
    form = _locale(code).percent_formats[None]
    return f"{form.prefix[0]}{written}{form.suffix[0]}"


def hour(at: datetime) -> str:
    """``08:00``, ``8:00 AM``. This and the functions below write the clock that ``at`` has: its zone is the reader's."""
    return _unbroken(format_time(_clock(at), "short", locale=_locale(_current.get())))


def day(of: date, *, has_weekday: bool = False, has_year: bool = True) -> str:
    """``27 Nov 2026``, ``Fri 27 Nov 2026``, ``27 Nov``."""
    code = _current.get()
    skeleton = f"{'y' if has_year else ''}MMM{'E' if has_weekday else ''}d"
    moment = datetime.combine(of, time())
    if pattern := _OWN_PATTERNS.get((code, skeleton)):
        return _unbroken(format_datetime(moment, pattern, locale=_locale(code)))
    return _unbroken(format_skeleton(skeleton, moment, locale=_locale(code)))


def whole_day(of: date) -> str:
    """``Friday 27 November 2026``."""
    code = _current.get()
    return _unbroken(format_date(of, _OWN_PATTERNS.get((code, "full"), "full"), locale=_locale(code)))


def day_and_hour(at: datetime, *, has_weekday: bool = False, has_year: bool = True) -> str:
    """``27 Nov 2026, 08:00``."""
    both = _locale(_current.get()).datetime_formats["medium"]
    said = both.format(hour(at), day(at.date(), has_weekday=has_weekday, has_year=has_year))
    return _unbroken(said)


def choices() -> list[tuple[str, str]]:
    """All of OFFERED with their names in English, by name."""
    return sorted(((code, name_of(code)) for code in OFFERED), key=lambda one: one[1])


def name_of(code: str) -> str:
    """``German (Austria)``."""
    return _locale(code).get_display_name("en") or code


def example(code: str) -> str:
    """``1,204.5 and Fri 27 Nov 2026, 18:30``."""
    with written_for(code):
        return f"{number(1204.5, 1)} and {day_and_hour(_EXAMPLE, has_weekday=True)}"


def nearest(wanted: Iterable[str]) -> str:
    """The one of OFFERED that comes nearest to the first of these languages that has any, as browsers name them (``de-LU``)."""
    offered = {code.lower(): code for code in OFFERED} | _ALSO
    for tag in wanted:
        parts = tag.lower().split("-")
        for length in range(len(parts), 0, -1):
            if found := offered.get("-".join(parts[:length])):
                return found
    return DEFAULT


@cache
def _locale(code: str) -> Locale:
    return Locale.parse(code, sep="-")


@cache
def _signs(code: str) -> dict[int, str]:
    """What stands in the place of the signs that DEFAULT has in a number. All of OFFERED make groups of three digits."""
    locale = _locale(code)
    return str.maketrans(
        {",": get_group_symbol(locale), ".": get_decimal_symbol(locale), "-": get_minus_sign_symbol(locale)}
    )


def _clock(at: datetime) -> datetime:
    """What the clock shows, which the library would take to UTC otherwise."""
    return at.replace(tzinfo=None)


def _unbroken(words: str) -> str:
    # No date of DEFAULT has a full stop in it.
    return words if _current.get() == DEFAULT else words.replace(" ", _NO_BREAK)

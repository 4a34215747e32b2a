"""When students use *lift*: in the evening, most of all on Sunday night, least at four in the morning.

The campus clock is UTC, so that a chart drawn in UTC shows the evening in the evening.
"""

from datetime import datetime
from typing import Final

# Per hour of the day, before the weekday counts; only the proportions matter.
_HOURS: Final = (
    0.62, 0.38, 0.22, 0.13, 0.09, 0.11, 0.22, 0.45, 0.75, 0.95, 1.02, 1.05,
    1.0, 1.03, 1.08, 1.12, 1.2, 1.3, 1.5, 1.85, 2.15, 2.2, 1.75, 1.1,
)  # fmt: skip
_WEEKDAYS: Final = (1.12, 1.08, 1.05, 0.98, 0.66, 0.62, 1.2)
_SUNDAY: Final = 6
_SUNDAY_NIGHT: Final = range(18, 24)
_SUNDAY_NIGHT_RUSH: Final = 1.45


def _raw(weekday: int, hour: int) -> float:
    rush = _SUNDAY_NIGHT_RUSH if weekday == _SUNDAY and hour in _SUNDAY_NIGHT else 1.0
    return _WEEKDAYS[weekday] * _HOURS[hour] * rush


_MEAN: Final = sum(_raw(weekday, hour) for weekday in range(7) for hour in range(24)) / (7 * 24)


def weight(moment: datetime) -> float:
    """How busy that hour is, as a multiple of the week's average hour. ``moment`` is aware and in UTC."""
    return _raw(moment.weekday(), moment.hour) / _MEAN

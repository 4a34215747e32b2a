"""What a report is asked: which window, of which services, and on whose clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo

from dashboards.window import Span, Window


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty stands for all. Services and environments are sorted, each once (`filters_of`)."""

    services: tuple[int, ...] = ()
    environments: tuple[str, ...] = ()
    release: str = ""

    @property
    def is_set(self) -> bool:
        return bool(self.services or self.environments or self.release)


def filters_of(services: Iterable[int] = (), environments: Iterable[str] = (), release: str = "") -> Filters:
    """In whatever order they come."""
    return Filters(tuple(sorted(set(services))), tuple(sorted(set(environments))), release)


@dataclass(frozen=True, slots=True)
class Question:
    """``zone`` is the reader's: charts are cut at its hours and days."""

    window: Window
    zone: tzinfo
    filters: Filters = Filters()

    @property
    def steps(self) -> list[Span]:
        return self.window.steps(self.zone)

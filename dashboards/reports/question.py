"""What a report is asked: which window, of which services, and on whose clock."""

from dataclasses import dataclass
from datetime import tzinfo

from dashboards.window import Span, Window


@dataclass(frozen=True, slots=True)
class Filters:
    """None and "" stand for all."""

    service_id: int | None = None
    environment: str = ""
    release: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """``zone`` is the reader's: charts are cut at its hours and days."""

    window: Window
    zone: tzinfo
    filters: Filters = Filters()

    @property
    def steps(self) -> list[Span]:
        return self.window.steps(self.zone)

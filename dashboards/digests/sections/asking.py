"""What every section is asked, the questions of the catalogue that they answer, and the answers of reports, each asked for once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from dashboards.digests.sections.comparing import before_of
from dashboards.reports.overview import overview
from dashboards.reports.question import Question
from dashboards.statistics import Change, is_more
from events import formats
from events.models import EventType, Service
from events.patience import SearchTooSlowError


@dataclass(frozen=True, slots=True)
class Asked:
    """``questions`` of the catalogue by the name of the event, as staff may have rewritten them; ``services``: names by id."""

    question: Question
    questions: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[int, str] = field(default_factory=dict)
    _answers: dict[tuple[Any, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    def about(self, *names: str) -> str:
        """The questions of these events, each once."""
        found = dict.fromkeys(self.questions[name] for name in names if self.questions.get(name))
        return " ".join(found)

    def answer[Answer](self, report: Callable[..., Answer], /, **how: Any) -> Answer:
        """What the report says to the question. Sections share it, and so do readers of other formats.

        Raises SearchTooSlowError, at once where the same question was too slow before.
        """
        key = (report, *sorted(how.items()))
        if key not in self._answers:
            self._answers[key] = self._told(report, how)
        if isinstance(found := self._answers[key], SearchTooSlowError):
            raise found.with_traceback(None)
        return cast("Answer", found)

    def _told(self, report: Callable[..., Any], how: Mapping[str, Any]) -> Any:
        # Whoever is first to ask decides nothing of how the others read it.
        with formats.written_for(formats.DEFAULT):
            try:
                return report(self.question, **how)
            except SearchTooSlowError as error:
                return error

    @property
    def before(self) -> str:
        """The time that is compared with: “the day before”. "" when no event of it is known, as after the installation."""
        return before_of(self.question.window) if self.answer(overview).events.before else ""

    def is_more(self, change: Change) -> bool:
        """Than in the time before, beyond chance."""
        return bool(self.before) and is_more(int(change.now), int(change.before))

    def service_name(self, service_id: int | None) -> str:
        if service_id is None:
            return "no known service"
        return self.services.get(service_id, f"service {service_id}")


def asked(question: Question) -> Asked:
    """In two queries."""
    return Asked(
        question,
        dict(EventType.objects.exclude(question="").values_list("name", "question")),
        dict(Service.objects.values_list("pk", "name")),
    )

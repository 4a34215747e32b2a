"""What every section is asked, and the questions of the catalogue that they answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboards.reports.question import Question
from events.models import EventType


@dataclass(frozen=True, slots=True)
class Asked:
    """``questions`` of the catalogue by the name of the event, as staff may have rewritten them."""

    question: Question
    questions: Mapping[str, str] = field(default_factory=dict)

    def about(self, *names: str) -> str:
        """The questions of these events, each once."""
        found = dict.fromkeys(self.questions[name] for name in names if self.questions.get(name))
        return " ".join(found)


def asked(question: Question) -> Asked:
    return Asked(question, dict(EventType.objects.exclude(question="").values_list("name", "question")))

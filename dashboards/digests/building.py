"""Builds what a digest says: its sections' reports are asked once for all readers of one scope and period."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone

from alerts.models import IncidentState
from dashboards.digests.content import MOST_ROWS, Content, Row, Section, content_of, written
from dashboards.digests.periods import Kind
from dashboards.digests.sections import daily, looking_after, responding, weekly
from dashboards.digests.sections.asking import Asked, asked
from dashboards.digests.sections.comparing import within
from dashboards.models import Digest
from dashboards.pages.overview import verdict
from dashboards.pages.words import counted
from dashboards.reports.incidents import open_incidents
from dashboards.reports.ingest import ingest_health
from dashboards.reports.overview import overview
from dashboards.reports.question import Question, filters_of
from dashboards.window import custom
from events import formats
from events.formats import DEFAULT

# In the guide's order, in which those stand that changed as much and hurt as many.
_SECTIONS: dict[Kind, Sequence[Callable[[Asked], Section]]] = {
    Kind.DAILY: (responding.incidents, *daily.SECTIONS),
    Kind.WEEKLY: (
        *weekly.SECTIONS, daily.failing_endpoints, responding.incidents, responding.error_budget, responding.follow_ups_overdue,
        responding.ignored_rules, looking_after.secrets, looking_after.liftmon_itself,
    ),
    Kind.MONTHLY: (
        *weekly.SECTIONS, *(one for one in daily.SECTIONS if one is not daily.overnight), responding.incidents,
        responding.error_budget, responding.follow_ups_overdue, responding.ignored_rules, looking_after.secrets,
        looking_after.liftmon_itself,
    ),
}  # fmt: skip
_LONGEST_KEY = 500


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reader wants to hear of; no services, and no environments, stand for all. ``zone`` is whose hours and days count,
    ``formats`` how they and all numbers are written (events.formats)."""

    services: tuple[int, ...]
    environments: tuple[str, ...]
    zone: str
    formats: str = DEFAULT

    @property
    def key(self) -> str:
        """The same for whoever wants to hear of the same, however they said it. `Digest` reads the formats and the zone of it."""
        services = ",".join(str(one) for one in sorted(set(self.services)))
        environments = ",".join(quote(one, safe="") for one in sorted(set(self.environments)))
        last = self.zone if self.formats == DEFAULT else f"{self.formats}|{self.zone}"
        key = f"{services}|{environments}|{last}"
        return key if len(key) <= _LONGEST_KEY else f"sha256|{sha256(key.encode()).hexdigest()}|{last}"


class Holding:
    """The answers about one window and scope, for its readers of other formats; they make room for those of the next."""

    def __init__(self) -> None:
        self._held: Asked | None = None

    def asked(self, question: Question) -> Asked:
        if self._held is None or self._held.question != question:
            self._held = asked(question)
        return self._held


def question_of(scope: Scope, *, start: datetime, end: datetime, now: datetime) -> Question:
    """What the sections ask, and the pages that they lead to."""
    filters = filters_of(scope.services, scope.environments)
    return Question(custom(start, end, now), ZoneInfo(scope.zone), filters)


def content(kind: Kind, question: Question, *, written_for: str = DEFAULT, holding: Holding | None = None) -> Content:
    """Of what happened in the question's window, on the clock of its zone, in those formats."""
    with timezone.override(question.zone), formats.written_for(written_for):
        what = (holding or Holding()).asked(question)
        now, when = question.window.now, within(question.window)
        said, tone = verdict(what.answer(overview), question, now=now, when=when)
        ongoing, over = what.answer(open_incidents), responding.outages_in_words(what)
        first = [f"{counted(ongoing.count, 'incident')} open"] if ongoing.count else []
        first += [over] if over else []
        if first:
            said = "; ".join([*first, f"{said[:1].lower()}{said[1:]}"])
            is_grave = any(one.severity <= responding.GRAVE for one in ongoing.listed)
            tone = "bad" if tone == "bad" or is_grave else "warn"
        return content_of(
            said, tone, [section(what) for section in _SECTIONS[kind]], notes=_notes(question), open_count=ongoing.count,
            incidents=[
                Row(
                    f"#{one.id} {one.title}", f"SEV{one.severity}, {IncidentState(one.state).label.lower()}",
                    reverse("admin:alerts_incident_change", args=[one.id]),
                )
                for one in ongoing.listed[:MOST_ROWS]
            ],
        )  # fmt: skip


def _notes(question: Question) -> list[str]:
    waiting = ingest_health(now=question.window.now, has_limits=False).waiting
    if not waiting.bytes:
        return []
    told = waiting.in_words(now=question.window.now.timestamp())
    return [f"Events wait on disk and are not counted yet: {told}."]


def digest_of(
    kind: Kind, scope: Scope, *, start: datetime, end: datetime, now: datetime, holding: Holding | None = None
) -> Digest:
    """The one of that scope and period, which is built when nobody did before."""
    found = Digest.objects.filter(kind=kind, scope=scope.key, start_at=start, end_at=end).first()
    if found is not None:
        return found
    question = question_of(scope, start=start, end=end, now=now)
    made = content(kind, question, written_for=scope.formats, holding=holding)
    Digest.objects.bulk_create(
        [
            Digest(
                kind=kind, scope=scope.key, start_at=start, end_at=end, built_at=now, is_changed=made.is_changed,
                content=written(made),
            )
        ],
        ignore_conflicts=True,  # somebody else may have built it meanwhile
    )  # fmt: skip
    return Digest.objects.get(kind=kind, scope=scope.key, start_at=start, end_at=end)

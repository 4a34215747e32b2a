"""Builds what a digest says: its sections' reports are asked once for all readers of one scope and period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboards.digests.content import Content, Section, content_of, written
from dashboards.digests.periods import Kind
from dashboards.digests.sections import daily, responding, weekly
from dashboards.digests.sections.asking import Asked, asked
from dashboards.models import Digest
from dashboards.pages.overview import verdict
from dashboards.reports.overview import overview
from dashboards.reports.question import Filters, Question
from dashboards.window import custom

_SECTIONS = {
    Kind.DAILY: (responding.incidents, *daily.SECTIONS),
    Kind.WEEKLY: (
        responding.incidents, daily.overnight, *weekly.SECTIONS, responding.follow_ups, responding.rule_noise,
    ),
    Kind.MONTHLY: (
        responding.incidents, *daily.SECTIONS, *weekly.SECTIONS, responding.follow_ups, responding.rule_noise,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reader wants to hear of; empty stands for all. Sorted."""

    services: tuple[int, ...]
    environments: tuple[str, ...]
    zone: str

    @property
    def key(self) -> str:
        return f"{','.join(map(str, self.services))}|{','.join(self.environments)}|{self.zone}"


def question_of(scope: Scope, *, start: datetime, end: datetime, now: datetime) -> Question:
    """What the sections ask, and the pages that they lead to."""
    service = scope.services[0] if len(scope.services) == 1 else None
    environment = scope.environments[0] if len(scope.environments) == 1 else ""
    return Question(custom(start, end, now), ZoneInfo(scope.zone), Filters(service, environment))


def content(kind: Kind, question: Question) -> Content:
    """Of what happened in the question's window."""
    said, tone = verdict(overview(question), question, now=question.window.now)
    return content_of(said, tone, _sections(kind, asked(question)))


def _sections(kind: Kind, what: Asked) -> Sequence[Section]:
    return [section(what) for section in _SECTIONS[kind]]


def digest_of(kind: Kind, scope: Scope, *, start: datetime, end: datetime, now: datetime) -> Digest:
    """The one of that scope and period, which is built when nobody did before."""
    found = Digest.objects.filter(kind=kind, scope=scope.key, start_at=start, end_at=end).first()
    if found is not None:
        return found
    made = content(kind, question_of(scope, start=start, end=end, now=now))
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

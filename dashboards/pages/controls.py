"""The window control and the filters at the top of every analytics page, and its exports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.asking import Query, address_of, entered
from dashboards.reports.question import Question
from dashboards.window import PRESETS
from events.models import Dimension, KnownValue, Service

_WORDS = {"1h": "1 hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days"}
_MOST_VALUES = 300


@dataclass(frozen=True, slots=True)
class WindowLink:
    label: str
    short: str
    link: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that a filter is set to, or a place to choose one; ``nothing`` is what it says where none is chosen."""

    label: str
    value: Any
    nothing: str


def _choices(label: str, chosen: Sequence[Any], known: int) -> list[Choice]:
    """One for each that is chosen, and where there are more of them one to choose another."""
    if not chosen:
        return [Choice(label, None, "All")]
    found = [
        Choice(f"or {label.lower()}" if place else label, value, "All" if len(chosen) == 1 else "Not this one")
        for place, value in enumerate(chosen)
    ]
    return [*found, Choice(f"or {label.lower()}", None, "–")] if known > len(chosen) else found


@dataclass(frozen=True, slots=True)
class Controls:
    """``problem`` says what of the address could not be read ("" for nothing)."""

    windows: list[WindowLink]
    question: Question
    problem: str
    # The bounds as a datetime-local field has them, on the reader's clock.
    start_local: str
    end_local: str
    # A window was entered that is none.
    is_refused: bool
    services: dict[int, str]
    environments: list[str]
    releases: list[str]
    # Words of the address that the forms keep: the subject of the page.
    kept: dict[str, str]
    csv: str
    json: str
    cleared: str
    # A longer window of the same; "" when there is none.
    longer: str

    @property
    def is_narrowed(self) -> bool:
        return self.question.filters.is_set

    @property
    def service_choices(self) -> list[Choice]:
        return _choices("Service", self.question.filters.services, len(self.services))

    @property
    def environment_choices(self) -> list[Choice]:
        return _choices("Environment", self.question.filters.environments, len(self.environments))

    @property
    def is_asking_for_times(self) -> bool:
        """Whether the times are shown: they are looked through, or were entered and are no window."""
        return self.is_custom or self.is_refused

    @property
    def filtered(self) -> str:
        """What the filters are set to: ``lift api or lift web, environment production, release lift@2``; "" for all."""
        filters = self.question.filters
        chosen = (
            " or ".join(self.services.get(one, f"service {one}") for one in filters.services),
            f"environment {' or '.join(filters.environments)}" if filters.environments else "",
            f"release {filters.release}" if filters.release else "",
        )
        return ", ".join(words for words in chosen if words)

    @property
    def is_custom(self) -> bool:
        return self.question.window.name not in PRESETS


def controls_of(question: Question, problem: str, kept: dict[str, str], *, query: Query, exports: str = "") -> Controls:
    """In two queries. ``query`` is the address as it came; ``exports`` the path of the files, where that is not the page itself."""
    values: dict[str, set[str]] = {Dimension.ENVIRONMENT: set(), Dimension.RELEASE: set()}
    known = KnownValue.objects.filter(dimension__in=values).order_by("-last_seen_on", "-pk")
    if question.filters.services:
        known = known.filter(service__in=question.filters.services)
    for dimension, value in known.values_list("dimension", "value")[:_MOST_VALUES]:
        values[dimension].add(value)
    filters, window = question.filters, question.window
    zone = question.zone

    def link(path: str = "", **changes: Any) -> str:
        return address_of(path, question, **kept, **changes)

    start, end = (f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" for at in (window.start, window.end))
    is_refused = bool(problem and query.get("from") and window.name in PRESETS)
    if is_refused:
        start, end = (entered(query, word, zone) for word in ("from", "to"))
    longer = next((name for name, length in PRESETS.items() if length > window.span.length), "")
    whole: dict[str, Any] = {"from": None, "to": None}
    return Controls(
        windows=[
            WindowLink(_WORDS[name], f"{name[:-1]} {name[-1]}", link(window=name, **whole), name == window.name)
            for name in PRESETS
        ],
        question=question,
        problem=problem,
        start_local=start,
        end_local=end,
        is_refused=is_refused,
        services=dict(Service.objects.order_by("name", "pk").values_list("pk", "name")),
        environments=sorted(values[Dimension.ENVIRONMENT] | set(filters.environments)),
        releases=sorted(values[Dimension.RELEASE] | ({filters.release} - {""}), reverse=True),
        kept=kept,
        csv=link(exports, format="csv"),
        json=link(exports, format="json"),
        cleared=link(service=None, environment=None, release=None),
        longer=link(window=longer, **whole) if longer else "",
    )

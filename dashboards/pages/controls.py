"""The window control and the filters at the top of every analytics page, and its exports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.asking import address_of, entered
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
        filters = self.question.filters
        return bool(filters.service_id or filters.environment or filters.release)

    @property
    def is_asking_for_times(self) -> bool:
        """Whether the times are shown: they are looked through, or were entered and are no window."""
        return self.is_custom or self.is_refused

    @property
    def filtered(self) -> str:
        """What the filters are set to: ``lift api, environment production, release lift@2``; "" for all."""
        filters = self.question.filters
        service = (
            "" if filters.service_id is None else self.services.get(filters.service_id, f"service {filters.service_id}")
        )
        words = (
            service,
            *(
                f"{word} {value}"
                for word, value in (("environment", filters.environment), ("release", filters.release))
                if value
            ),
        )
        return ", ".join(word for word in words if word)

    @property
    def is_custom(self) -> bool:
        return self.question.window.name not in PRESETS


def controls_of(
    question: Question, problem: str, kept: dict[str, str], *, query: Mapping[str, str], exports: str = ""
) -> Controls:
    """In two queries. ``query`` is the address as it came; ``exports`` the path of the files, where that is not the page itself."""
    values: dict[str, set[str]] = {Dimension.ENVIRONMENT: set(), Dimension.RELEASE: set()}
    known = KnownValue.objects.filter(dimension__in=values).order_by("-last_seen_on", "-pk")
    if question.filters.service_id is not None:
        known = known.filter(service=question.filters.service_id)
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
        environments=sorted(values[Dimension.ENVIRONMENT] | ({filters.environment} - {""})),
        releases=sorted(values[Dimension.RELEASE] | ({filters.release} - {""}), reverse=True),
        kept=kept,
        csv=link(exports, format="csv"),
        json=link(exports, format="json"),
        cleared=link(service=None, environment=None, release=None),
        longer=link(window=longer, **whole) if longer else "",
    )

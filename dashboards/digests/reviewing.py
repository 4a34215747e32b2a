"""What people do in a review: they have seen an item, and turned it into work."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.models import User
from django.core import signing
from django.db.models import Q
from django.urls import reverse

from alerts.models import ONGOING, ConditionType, Incident
from dashboards.digests.items import LONGEST_TEXT, Item, words_in
from dashboards.digests.periods import Kind
from dashboards.models import ReviewMark
from events.models import Issue, IssueStatus

_SALT = "dashboards.digests.reviewing"
_MOST_ISSUES, _MOST_INCIDENTS = 20, 30


class ItemError(ValueError):
    """The item is not one of ours."""


@dataclass(frozen=True, slots=True)
class Place:
    """An item of the review of a period, so that what is done about it needs no review to be built anew."""

    kind: str
    day: str
    key: str
    text: str
    link: str

    @property
    def token(self) -> str:
        return signing.dumps(list(asdict(self).values()), salt=_SALT, compress=True)

    @property
    def review(self) -> str:
        """Back to where it stands."""
        return f"{reverse(f'admin:review_{self.kind}')}#item-{self.key}"


def place_of(kind: Kind, day: date, item: Item) -> Place:
    text = f"{item.text} {item.number}".strip() if item.number else item.text
    return Place(kind.value, day.isoformat(), item.key, text[:LONGEST_TEXT], item.link)


def read(token: str) -> Place:
    """Raises ItemError."""
    try:
        found = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        raise ItemError("This item is none of a review.") from None
    return Place(*found)


def marks_of(kind: Kind, day: date, keys: Iterable[str]) -> dict[str, ReviewMark]:
    """By the item's key; one query."""
    rows = ReviewMark.objects.filter(kind=kind, day=day, item__in=list(keys)).select_related("seen_by")
    return {one.item: one for one in rows}


def mark(place: Place, *, by: User, at: datetime, outcome: str = "", link: str = "") -> ReviewMark:
    """That it was seen, once; what it was turned into is added to it, the last one."""
    key = {"kind": place.kind, "day": place.day, "item": place.key}
    ReviewMark.objects.bulk_create(
        [ReviewMark(**key, text=place.text, seen_at=at, seen_by=by)], ignore_conflicts=True
    )  # fmt: skip
    if outcome:
        ReviewMark.objects.filter(**key).update(outcome=outcome[:200], outcome_link=link[:300])
    return ReviewMark.objects.select_related("seen_by").get(**key)


def unmark(place: Place) -> None:
    """It is to be looked at again. What it was turned into stays what it is."""
    ReviewMark.objects.filter(kind=place.kind, day=place.day, item=place.key).delete()


def issues_of(place: Place) -> list[Issue]:
    """Open issues that an item is about, the newest first: of its event's name, else of its endpoint."""
    words = words_in(place.link)
    found = Issue.objects.visible().filter(status=IssueStatus.UNRESOLVED).select_related("service", "assignee")
    if name := words.get("name", ""):
        found = found.filter(name=name)
    elif endpoint := words.get("endpoint", ""):
        found = found.filter(Q(culprit__icontains=endpoint) | Q(title__icontains=endpoint))
    elif number := _number_of(place.link, "events/issue"):
        found = found.filter(pk=number)
    else:
        return []
    if (service := words.get("service", "")).isdecimal():
        found = found.filter(service=int(service))
    return list(found.order_by("-last_seen_at", "pk")[:_MOST_ISSUES])


def incidents_of() -> list[Incident]:
    """To which a follow-up may be added: what goes on first, then the newest."""
    going_on = list(Incident.objects.filter(state__in=ONGOING).order_by("-started_at", "-pk")[:_MOST_INCIDENTS])
    over = Incident.objects.exclude(state__in=ONGOING).order_by("-started_at", "-pk")
    return [*going_on, *over[: _MOST_INCIDENTS - len(going_on)]]


def incident_of(place: Place) -> int:
    """The incident whose page the item leads to; 0 for none."""
    return _number_of(place.link, "alerts/incident")


def rule_address(place: Place) -> str:
    """The form of a new rule, filled with what the item is about."""
    words = words_in(place.link)
    filled: dict[str, Any] = {
        "name": place.text[:120],
        "condition": ConditionType.THRESHOLD.value,
        "severity": "warning",
    }
    if name := words.get("name", ""):
        filled |= {"names": name, "name": f"Too many {name}"[:120]}
    if endpoint := words.get("endpoint", ""):
        filled |= {"endpoints": endpoint}
    if (service := words.get("service", "")).isdecimal():
        filled["service"] = service
    if environment := words.get("environment", ""):
        filled["environments"] = environment
    return f"{reverse('admin:alerts_alertrule_add')}?{urlencode(filled)}"


def _number_of(link: str, model: str) -> int:
    """Of the row whose page a link leads to; 0 where it leads elsewhere."""
    before, _, rest = urlsplit(link).path.partition(f"/{model}/")
    number = rest.partition("/")[0]
    return (
        int(number) if before.endswith("/admin") and number.isascii() and number.isdecimal() and len(number) < 19 else 0
    )

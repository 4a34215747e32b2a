"""Parameters that name something else: whatever is not there is refused, so that a slip of the pen is no empty answer."""

from typing import Any

from django.contrib.auth.models import User

from events.api.problems import Problem
from events.api.v1.parameters import Text, refusal
from events.models import Issue, Service

_LARGEST_ID = (1 << 63) - 1


class ServiceReference(Text):
    """The id or the slug of a service."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=60, help_text="The id or the slug of a service.", **options)


def service_id(reference: str | None) -> int | None:
    """None when there is no reference. Raises Problem 400 when there is no such service. A slug of digits is an id here."""
    if reference is None:
        return None
    is_id = reference.isascii() and reference.isdecimal()
    if is_id and int(reference) > _LARGEST_ID:
        found = None
    else:
        services = Service.objects.filter(pk=int(reference)) if is_id else Service.objects.filter(slug=reference)
        found = services.values_list("pk", flat=True).first()
    if found is None:
        raise refusal([("service", f"There is no service “{reference}”. GET /api/v1/services lists them.")])
    return found


def standing_issue_id(reference: int | None) -> int | None:
    """The issue that stands for the one referred to. Raises Problem 400 when there is none."""
    if reference is None:
        return None
    issue = Issue.objects.filter(pk=reference).first()
    if issue is None:
        raise refusal([("issue", f"There is no issue {reference}. GET /api/v1/issues lists them.")])
    return issue.standing().pk


def person(username: str, *, field: str) -> User:
    """Raises Problem 400 when there is nobody on the staff of that name."""
    found = User.objects.filter(username=username, is_active=True, is_staff=True).first()
    if found is None:
        raise refusal([(field, f"There is nobody on the staff called “{username}”.")])
    return found


def row_or_404[Row](row: Row | None, what: str) -> Row:
    if row is None:
        raise Problem(404, "not_found", what)
    return row

"""`/api/v1/issues`: failures with one cause, and what people decide about them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from events.api.problems import Problem
from events.api.v1 import examples
from events.api.v1.bodies import StrictBody
from events.api.v1.cursors import Cursors
from events.api.v1.described import id_in_address, refusals
from events.api.v1.events import EVENT_CURSORS, EVENT_PAGE
from events.api.v1.pages import page_answer, page_shape, place_of
from events.api.v1.parameters import LONGEST_NAME, Moment, Parameters, Text, Truth, Word, Words
from events.api.v1.references import ServiceReference, person, row_or_404, service_id
from events.api.v1.shapes import EventSummarySerializer, IssueDetailSerializer, IssueSummarySerializer
from events.api.v1.view import ApiView
from events.choices import SeverityChoices
from events.issue_evidence import Evidence, summaries
from events.issue_search import ORDERS, IssueSearch, Span, search_issues
from events.models import Issue, IssueStatus, Tier

_TYPES = {"last_seen": datetime, "first_seen": datetime, "events": int, "users": int}
_CURSORS = {
    order: Cursors(f"issues {order}", (_TYPES[order.removeprefix("-")], int))
    for name in ORDERS
    for order in (f"-{name}", name)
}
_FAILURES = SeverityChoices.choices[:3]  # info and debug are counted and never issues
_NO_SUCH_ISSUE = "There is no issue of that number. GET /api/v1/issues lists them."
_SEVERAL = "One or several: repeated, or a list with commas."


class IssueParameters(Parameters):
    status = Words(choices=IssueStatus.choices, required=False, help_text=_SEVERAL)
    severity = Words(choices=_FAILURES, required=False, help_text=f"The worst seen. {_SEVERAL}")
    tier = Words(choices=Tier.choices, required=False, help_text=_SEVERAL)
    service = ServiceReference()
    name = Text(max_length=LONGEST_NAME, help_text="The name of its newest event, such as `api_timeout`.")
    assignee = Text(max_length=150, help_text="A username, `me`, `nobody` or `anyone`.")
    regressed = Truth(required=False, help_text="Whether it came back after it was resolved.")
    first_seen_since = Moment(required=False, help_text="First seen then or later (RFC 3339).")
    first_seen_until = Moment(required=False, help_text="First seen before then (RFC 3339).")
    last_seen_since = Moment(required=False, help_text="Last seen then or later (RFC 3339).")
    last_seen_until = Moment(required=False, help_text="Last seen before then (RFC 3339).")
    query = Text(
        min_length=3, max_length=200, help_text="Stands anywhere in title, culprit or name, in upper or lower case."
    )
    order = Word(
        choices=[(order, order) for order in _CURSORS],
        default="-last_seen",
        help_text="With a minus the latest or the most come first.",
    )


class IssueListView(ApiView):
    reading_rights = ("events.view_issue",)

    @extend_schema(
        operation_id="list_issues",
        summary="List issues",
        description="Issues of every status unless `status` narrows it, the last seen first unless `order` says otherwise. "
        "All filters that are given must hold. Issues that were merged into another one are left out.",
        tags=["issues"],
        parameters=[IssueParameters],
        responses={200: page_shape("IssuePage", IssueSummarySerializer), **refusals(400)},
        examples=[examples.ISSUES],
    )
    def get(self, request: Request) -> Response:
        asked = IssueParameters.read(request.GET)
        cursors = _CURSORS[asked["order"]]
        search = _search(asked, by=self.person)
        page = search_issues(search, order=asked["order"], place=place_of(asked, cursors), size=asked["limit"])
        return page_answer(request, page, shape=IssueSummarySerializer, cursors=cursors)


def _search(asked: Mapping[str, Any], *, by: User) -> IssueSearch:
    assignee: str = asked.get("assignee", "")
    return IssueSearch(
        statuses=asked.get("status", ()),
        severities=asked.get("severity", ()),
        tiers=asked.get("tier", ()),
        service=service_id(asked.get("service")),
        name=asked.get("name", ""),
        is_regressed=asked.get("regressed"),
        has_assignee={"nobody": False, "anyone": True}.get(assignee),
        assignee=_assignee_id(assignee, by=by),
        first_seen=Span(asked.get("first_seen_since"), asked.get("first_seen_until")),
        last_seen=Span(asked.get("last_seen_since"), asked.get("last_seen_until")),
        words=asked.get("query", ""),
    )


def _assignee_id(assignee: str, *, by: User) -> int | None:
    if assignee in ("", "nobody", "anyone"):
        return None
    return by.pk if assignee == "me" else person(assignee, field="assignee").pk


class IssueChangeSerializer(StrictBody):
    """What to change; what is left out stays."""

    status = Word(choices=IssueStatus.choices, required=False)
    assignee = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=150,
        help_text="A username of somebody on the staff; null for nobody.",
    )


class IssueView(ApiView):
    http_method_names = ["get", "head", "patch"]
    reading_rights = ("events.view_issue",)
    changing_rights = ("events.triage_issue",)

    @extend_schema(
        operation_id="read_issue",
        summary="Read an issue",
        description="One issue with its history. One that was merged says into which.",
        tags=["issues"],
        parameters=[id_in_address("issue_id")],
        responses={200: IssueDetailSerializer, **refusals(400, 404)},
        examples=[examples.ISSUE],
    )
    def get(self, request: Request, issue_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        return Response(IssueDetailSerializer(_issue_or_404(issue_id)).data)

    @extend_schema(
        operation_id="change_issue",
        summary="Resolve, mute, reopen or assign an issue",
        description="Needs the permission to triage and, with a token, one that may change things. Each change enters the "
        "history under your name; asking for what holds already changes nothing. A resolved issue opens again, as regressed, "
        "with its next event.",
        tags=["issues"],
        parameters=[id_in_address("issue_id")],
        request={"application/json": IssueChangeSerializer},
        responses={200: IssueDetailSerializer, **refusals(400, 404, 408, 409, 413, 415)},
        examples=[examples.CHANGE, examples.CHANGED_ISSUE],
    )
    def patch(self, request: Request, issue_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        wanted = IssueChangeSerializer.read(request)
        issue = _issue_or_404(issue_id)
        if issue.merged_into_id is not None:
            into = issue.standing().pk
            raise Problem(409, "merged", f"Issue {issue.pk} was merged; change issue {into} instead.", merged_into=into)
        _change(issue, wanted, by=self.person, at=timezone.now())
        return Response(IssueDetailSerializer(_issue_or_404(issue_id)).data)


_VERBS = {IssueStatus.RESOLVED: Issue.resolve, IssueStatus.MUTED: Issue.mute, IssueStatus.UNRESOLVED: Issue.reopen}


def _change(issue: Issue, wanted: Mapping[str, Any], *, by: User, at: datetime) -> None:
    """All or nothing."""
    username = wanted.get("assignee")
    assignee = None if username is None else person(username, field="assignee")
    with transaction.atomic():
        if "assignee" in wanted:
            issue.assign(assignee, by=by, at=at)
        if "status" in wanted:
            _VERBS[IssueStatus(wanted["status"])](issue, by=by, at=at)


class IssueEventListView(ApiView):
    reading_rights = ("events.view_issue", "events.view_event")

    @extend_schema(
        operation_id="list_issue_events",
        summary="List the events of an issue",
        description="All that are kept, the latest first; of a merged issue those of the issue that it went into. To filter "
        "them use `GET /api/v1/events?issue=…`.",
        tags=["issues"],
        parameters=[id_in_address("issue_id"), Parameters],
        responses={200: EVENT_PAGE, **refusals(400, 404)},
        examples=[examples.EVENTS],
    )
    def get(self, request: Request, issue_id: str) -> Response:
        asked = Parameters.read(request.GET)
        issue = _issue_or_404(issue_id).standing()
        evidence = Evidence.of(issue, list(issue.fingerprints.values_list("pk", flat=True)))
        page = summaries(issue, evidence, place=place_of(asked, EVENT_CURSORS), size=asked["limit"])
        return page_answer(request, page, shape=EventSummarySerializer, cursors=EVENT_CURSORS)


def _issue_or_404(issue_id: str) -> Issue:
    found = Issue.objects.select_related("service", "assignee").filter(pk=int(issue_id)).first()
    return row_or_404(found, _NO_SUCH_ISSUE)

"""`/api/v1/alerts`: what fires, and what people do about it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.acting import handling
from alerts.alert_search import AlertSearch, search_alerts
from alerts.api import examples
from alerts.api.fields import LONGEST_SECONDS, JsonText, JsonWhole
from alerts.api.shapes import AlertDetailSerializer, AlertSummarySerializer
from alerts.api.silences import SilenceSerializer
from alerts.api.view import ActView, AlertsView, nothing_said
from alerts.models import Alert, AlertRule, AlertState
from events.api.problems import Problem
from events.api.v1.bodies import StrictBody
from events.api.v1.cursors import Cursors
from events.api.v1.described import id_in_address, refusals
from events.api.v1.pages import page_answer, page_shape, place_of
from events.api.v1.parameters import Moment, Parameters, Truth, WholeNumber, Words, refusal
from events.api.v1.references import ServiceReference, row_or_404, service_id
from events.choices import SeverityChoices

_CURSORS = Cursors("alerts", (datetime, int))
_SEVERAL = "One or several: repeated, or a list with commas."
_HOW = "By the API."


class AlertParameters(Parameters):
    state = Words(choices=AlertState.choices, required=False, help_text=_SEVERAL)
    severity = Words(choices=SeverityChoices.choices, required=False, help_text=_SEVERAL)
    service = ServiceReference()
    rule = WholeNumber(required=False, min_value=1, help_text="The id of a rule.")
    acknowledged = Truth(required=False, help_text="Whether somebody acknowledged it.")
    since = Moment(required=False, help_text="Started then or later (RFC 3339).")


class AlertListView(AlertsView):
    reading_rights = ("alerts.view_alert",)

    @extend_schema(
        operation_id="list_alerts",
        summary="List alerts",
        description="Alerts of every state unless `state` narrows it, started last first. All filters that are given must hold.",
        tags=["alerts"],
        parameters=[AlertParameters],
        responses={200: page_shape("AlertPage", AlertSummarySerializer), **refusals(400)},
        examples=[examples.ALERTS],
    )
    def get(self, request: Request) -> Response:
        asked = AlertParameters.read(request.GET)
        page = search_alerts(_search(asked), place=place_of(asked, _CURSORS), size=asked["limit"])
        return page_answer(request, page, shape=AlertSummarySerializer, cursors=_CURSORS)


def _search(asked: Mapping[str, Any]) -> AlertSearch:
    rule: int | None = asked.get("rule")
    if rule is not None and not AlertRule.objects.filter(pk=rule).exists():
        raise refusal([("rule", f"There is no rule {rule}. GET /api/v1/rules lists them.")])
    return AlertSearch(
        states=asked.get("state", ()),
        severities=asked.get("severity", ()),
        service=service_id(asked.get("service")),
        rule=rule,
        is_acknowledged=asked.get("acknowledged"),
        since=asked.get("since"),
    )


class AlertView(AlertsView):
    reading_rights = ("alerts.view_alert",)

    @extend_schema(
        operation_id="read_alert",
        summary="Read an alert",
        description="One alert with what it rests on, its timeline, and its notifications with every attempt to send them.",
        tags=["alerts"],
        parameters=[id_in_address("alert_id")],
        responses={200: AlertDetailSerializer, **refusals(400, 404)},
        examples=[examples.ALERT],
    )
    def get(self, request: Request, alert_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        return Response(AlertDetailSerializer(_alert_or_404(alert_id)).data)


class AlertActView(ActView):
    reading_rights = ("alerts.view_alert",)
    changing_rights = ("alerts.change_alert",)


class AcknowledgeView(AlertActView):
    @extend_schema(
        operation_id="acknowledge_alert",
        summary="Acknowledge an alert",
        description="From then on nobody is told of it again until it is over. What somebody acknowledged already stays theirs.",
        tags=["alerts"],
        parameters=[id_in_address("alert_id")],
        request=None,
        responses={200: AlertDetailSerializer, **refusals(400, 404, 408, 409, 413, 415)},
        examples=[examples.ACKNOWLEDGED],
    )
    def post(self, request: Request, alert_id: str) -> Response:
        nothing_said(request)
        alert = _alert_or_404(alert_id)
        changed = handling.acknowledge(alert.pk, by=self.person, at=timezone.now(), how=_HOW)
        alert = _alert_or_404(alert_id)
        if not changed and alert.acknowledged_at is None:
            raise Problem(409, "over", "This alert is over: there is nothing to acknowledge.")
        return Response(AlertDetailSerializer(alert).data)


class ResolveView(AlertActView):
    @extend_schema(
        operation_id="resolve_alert",
        summary="Say that an alert is over",
        description="Those who were told of it are told that. When the condition still holds, the next judgement makes a new "
        "alert. One that is over already stays as it is.",
        tags=["alerts"],
        parameters=[id_in_address("alert_id")],
        request=None,
        responses={200: AlertDetailSerializer, **refusals(400, 404, 408, 413, 415)},
        examples=[examples.RESOLVED],
    )
    def post(self, request: Request, alert_id: str) -> Response:
        nothing_said(request)
        alert = _alert_or_404(alert_id)
        handling.resolve(alert.pk, by=self.person, at=timezone.now(), how=_HOW)
        return Response(AlertDetailSerializer(_alert_or_404(alert_id)).data)


class SilenceBodySerializer(StrictBody):
    """For how long, and why."""

    seconds = JsonWhole(min_value=60, max_value=LONGEST_SECONDS)
    reason = JsonText(max_length=300)


class SilenceView(AlertActView):
    @extend_schema(
        operation_id="silence_alert",
        summary="Silence an alert",
        description="Nobody is told of alerts of the same rule and group until the silence that this makes has ended.",
        tags=["alerts"],
        parameters=[id_in_address("alert_id")],
        request={"application/json": SilenceBodySerializer},
        responses={201: SilenceSerializer, **refusals(400, 404, 408, 413, 415)},
        examples=[examples.SILENCE_FOR, examples.MADE_SILENCE],
    )
    def post(self, request: Request, alert_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        wanted = SilenceBodySerializer.read(request)
        alert, lasts = _alert_or_404(alert_id), timedelta(seconds=wanted["seconds"])
        made = handling.silence(
            alert.pk, by=self.person, at=timezone.now(), lasts=lasts, reason=wanted["reason"], how=_HOW
        )
        return Response(SilenceSerializer(made).data, status=201)


class NoteBodySerializer(StrictBody):
    """What to write down."""

    text = JsonText(max_length=500)


class NoteView(AlertActView):
    @extend_schema(
        operation_id="note_alert",
        summary="Write a note into an alert's timeline",
        description="Under your name, whatever the alert's state.",
        tags=["alerts"],
        parameters=[id_in_address("alert_id")],
        request={"application/json": NoteBodySerializer},
        responses={200: AlertDetailSerializer, **refusals(400, 404, 408, 413, 415)},
        examples=[examples.NOTE, examples.NOTED],
    )
    def post(self, request: Request, alert_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        wanted = NoteBodySerializer.read(request)
        alert = _alert_or_404(alert_id)
        handling.note(alert.pk, by=self.person, at=timezone.now(), text=wanted["text"])
        return Response(AlertDetailSerializer(alert).data)


def _alert_or_404(alert_id: str) -> Alert:
    found = Alert.objects.select_related("rule", "acknowledged_by").filter(pk=int(alert_id)).first()
    return row_or_404(found, "There is no alert of that number. GET /api/v1/alerts lists them.")

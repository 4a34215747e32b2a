"""`/api/v1/incidents`: what is wrong for users, and what people do about it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api import incident_examples as examples
from alerts.api.fields import JsonText, JsonWhole
from alerts.api.incident_shapes import IncidentDetailSerializer, IncidentSummarySerializer
from alerts.api.view import ActView, AlertsView
from alerts.incident_search import IncidentSearch, search_incidents
from alerts.incidents import handling, opening, timeline
from alerts.incidents.moving import Moved
from alerts.models import Incident, IncidentSeverity, IncidentState
from events.api.problems import Problem
from events.api.v1.bodies import StrictBody
from events.api.v1.cursors import Cursors
from events.api.v1.described import id_in_address, refusals
from events.api.v1.pages import page_answer, page_shape, place_of
from events.api.v1.parameters import Moment, Parameters, WholeNumber, Words
from events.api.v1.references import ServiceReference, row_or_404, service_id
from events.models import Service

_CURSORS = Cursors("incidents", (datetime, int))
_SEVERAL = "One or several: repeated, or a list with commas."


class IncidentParameters(Parameters):
    state = Words(choices=IncidentState.choices, required=False, help_text=_SEVERAL)
    severity = WholeNumber(required=False, min_value=1, max_value=4, help_text="1 (SEV1) to 4 (SEV4).")
    service = ServiceReference()
    since = Moment(required=False, help_text="Opened then or later (RFC 3339).")


class OpenBodySerializer(StrictBody):
    """What is wrong, and how badly."""

    title = JsonText(max_length=200, help_text="What is wrong, in a few words.")
    severity = JsonWhole(min_value=1, max_value=4, help_text="1 (SEV1: users cannot use the product) to 4.")
    service = JsonText(
        max_length=50, required=False, allow_null=True, help_text="The slug of a service; null or none: several."
    )
    environment = JsonText(max_length=64, required=False)


class IncidentListView(AlertsView):
    http_method_names = ["get", "head", "post"]
    reading_rights = ("alerts.view_incident",)
    changing_rights = ("alerts.change_incident",)

    @extend_schema(
        operation_id="list_incidents",
        summary="List incidents",
        description="Incidents of every state unless `state` narrows it, opened last first. All filters that are given must hold.",
        tags=["incidents"],
        parameters=[IncidentParameters],
        responses={200: page_shape("IncidentPage", IncidentSummarySerializer), **refusals(400)},
        examples=[examples.INCIDENTS],
    )
    def get(self, request: Request) -> Response:
        asked = IncidentParameters.read(request.GET)
        page = search_incidents(_search(asked), place=place_of(asked, _CURSORS), size=asked["limit"])
        return page_answer(request, page, shape=IncidentSummarySerializer, cursors=_CURSORS)

    @extend_schema(
        operation_id="open_incident",
        summary="Open an incident",
        description="By hand, as nobody may have been alerted. It follows the runbook that is for everything else.",
        tags=["incidents"],
        request={"application/json": OpenBodySerializer},
        responses={201: IncidentDetailSerializer, **refusals(400, 408, 413, 415)},
        examples=[examples.OPEN, examples.OPENED],
    )
    def post(self, request: Request) -> Response:
        Parameters.refuse_all(request.GET)
        wanted = OpenBodySerializer.read(request)
        number = service_id(wanted.get("service"))
        service = None if number is None else Service.objects.filter(pk=number).first()
        try:
            made = opening.open_by_hand(
                title=wanted["title"], severity=wanted["severity"], service=service,
                environment=wanted.get("environment", ""), by=self.person, at=timezone.now(),
            )  # fmt: skip
        except opening.OpeningError as error:
            raise Problem(400, "cannot_be_opened", str(error)) from None
        return Response(IncidentDetailSerializer(_incident_or_404(str(made.pk))).data, status=201)


def _search(asked: Mapping[str, Any]) -> IncidentSearch:
    severity: int | None = asked.get("severity")
    return IncidentSearch(
        states=asked.get("state", ()), severities=() if severity is None else (severity,),
        service=service_id(asked.get("service")), since=asked.get("since"),
    )  # fmt: skip


class IncidentView(AlertsView):
    reading_rights = ("alerts.view_incident",)

    @extend_schema(
        operation_id="read_incident",
        summary="Read an incident",
        description="One incident with its alerts and issues, the steps of its runbook, follow-ups and timeline.",
        tags=["incidents"],
        parameters=[id_in_address("incident_id")],
        responses={200: IncidentDetailSerializer, **refusals(400, 404)},
        examples=[examples.INCIDENT],
    )
    def get(self, request: Request, incident_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        return Response(IncidentDetailSerializer(_incident_or_404(incident_id)).data)


class HowBodySerializer(StrictBody):
    """A note that goes with it; the body may be left out."""

    how = JsonText(max_length=500, required=False, help_text="What was done, or why.")


class IncidentActView(ActView):
    reading_rights = ("alerts.view_incident",)
    changing_rights = ("alerts.change_incident",)


def _moving(name: str, summary: str, description: str, verb: Callable[..., Moved]) -> type[IncidentActView]:
    """The address of one move: 409 when the incident is not where it may begin, with who was quicker."""

    @extend_schema(
        operation_id=f"{name}_incident",
        summary=summary,
        description=f"{description} 409 when somebody was quicker, or it is not where this may begin.",
        tags=["incidents"],
        parameters=[id_in_address("incident_id")],
        request={"application/json": HowBodySerializer},
        responses={200: IncidentDetailSerializer, **refusals(400, 404, 408, 409, 413, 415)},
        examples=[examples.HOW, examples.MOVED[name]],
    )
    def post(self: IncidentActView, request: Request, incident_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        wanted = HowBodySerializer.read(request, may_be_left_out=True)
        incident = _incident_or_404(incident_id)
        moved = verb(incident.pk, by=self.person, at=timezone.now(), how=wanted.get("how", ""))
        if not moved.is_done:
            raise Problem(409, "not_moved", moved.told)
        return Response(IncidentDetailSerializer(_incident_or_404(incident_id)).data)

    return type(f"{name.capitalize()}IncidentView", (IncidentActView,), {"post": post})


AcknowledgeIncidentView = _moving(
    "acknowledge", "Acknowledge an incident", "Its alerts are acknowledged with it: nobody is paged of them again.",
    handling.acknowledge,
)  # fmt: skip
MitigateIncidentView = _moving(
    "mitigate", "Say that users are no longer hurt", "The cause may still be there.", handling.mitigate
)
ResolveIncidentView = _moving("resolve", "Say that it is over", "Its report is drafted.", handling.resolve)
CloseIncidentView = _moving(
    "close", "Close an incident", "Nothing is left to be done but its follow-ups.", handling.close
)
ReopenIncidentView = _moving(
    "reopen", "Open an incident again", "It was not over after all; it is acknowledged then.", handling.reopen
)


class IncidentNoteBodySerializer(StrictBody):
    """What to write down."""

    text = JsonText(max_length=10_000, help_text="Markdown.")


class IncidentNoteView(IncidentActView):
    @extend_schema(
        operation_id="note_incident",
        summary="Write a note into an incident's timeline",
        description="Under your name, whatever the incident's state.",
        tags=["incidents"],
        parameters=[id_in_address("incident_id")],
        request={"application/json": IncidentNoteBodySerializer},
        responses={200: IncidentDetailSerializer, **refusals(400, 404, 408, 413, 415)},
        examples=[examples.NOTE, examples.NOTED],
    )
    def post(self, request: Request, incident_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        wanted = IncidentNoteBodySerializer.read(request)
        incident = _incident_or_404(incident_id)
        try:
            timeline.note(incident.pk, by=self.person, at=timezone.now(), text=wanted["text"])
        except timeline.TimelineError as error:
            raise Problem(400, "note_refused", str(error)) from None
        return Response(IncidentDetailSerializer(_incident_or_404(incident_id)).data)


class SeverityBodySerializer(StrictBody):
    """How severe it is, and why."""

    severity = JsonWhole(min_value=1, max_value=4)
    why = JsonText(max_length=300, required=False)


class IncidentSeverityView(IncidentActView):
    @extend_schema(
        operation_id="rate_incident",
        summary="Say how severe an incident is",
        description="; ".join(label for _, label in IncidentSeverity.choices) + ".",
        tags=["incidents"],
        parameters=[id_in_address("incident_id")],
        request={"application/json": SeverityBodySerializer},
        responses={200: IncidentDetailSerializer, **refusals(400, 404, 408, 413, 415)},
        examples=[examples.SEVERITY, examples.RATED],
    )
    def post(self, request: Request, incident_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        wanted = SeverityBodySerializer.read(request)
        incident = _incident_or_404(incident_id)
        handling.set_severity(
            incident.pk, wanted["severity"], by=self.person, at=timezone.now(), why=wanted.get("why", "")
        )
        return Response(IncidentDetailSerializer(_incident_or_404(incident_id)).data)


def _incident_or_404(incident_id: str) -> Incident:
    rows = Incident.objects.select_related("service", "commander", "communications_lead", "rule")
    found = rows.filter(pk=int(incident_id)).first()
    return row_or_404(found, "There is no incident of that number. GET /api/v1/incidents lists them.")

"""`/api/v1/maintenance-windows`: while people work on a service, or on everything, nobody is told of its alerts."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.acting.handling import mute
from alerts.api import examples
from alerts.api.fields import JsonText
from alerts.api.silences import ended
from alerts.api.spans import SpanBody, SpanParameters, SpanState, in_states, span_of
from alerts.api.view import ActView, AlertsView, nothing_said
from alerts.models import MaintenanceWindow
from events.api.v1.cursors import Cursors
from events.api.v1.described import id_in_address, refusals
from events.api.v1.pages import page_answer, page_shape, place_of
from events.api.v1.parameters import Parameters
from events.api.v1.references import row_or_404, service_id
from events.api.v1.shapes import ServiceNameSerializer, UtcField
from events.keyset import read_page

_CURSORS = Cursors("maintenance windows", (datetime, int))
_WINDOWS = MaintenanceWindow.objects.select_related("service", "author")


class MaintenanceWindowSerializer(serializers.Serializer[Any]):
    """Nobody is told of alerts of the service, or of any, while it runs."""

    id = serializers.IntegerField(source="pk")
    state = SpanState()
    name = serializers.CharField()
    service = ServiceNameSerializer(allow_null=True, help_text="null: everything.")
    author = serializers.CharField(source="author.username", allow_null=True, help_text="A username.")
    starts_at = UtcField()
    ends_at = UtcField()


class NewMaintenanceWindowSerializer(SpanBody):
    """What people work on, from when until when."""

    name = JsonText(max_length=100)
    service = JsonText(
        max_length=60, required=False, allow_null=True, help_text="The id or the slug of a service; null: everything."
    )


class MaintenanceWindowListView(AlertsView):
    http_method_names = ["get", "head", "post"]
    reading_rights = ("alerts.view_maintenancewindow",)
    changing_rights = ("alerts.add_maintenancewindow",)

    @extend_schema(
        operation_id="list_maintenance_windows",
        summary="List maintenance windows",
        description="Windows of every state unless `state` narrows it; those that end last come first.",
        tags=["maintenance windows"],
        parameters=[SpanParameters],
        responses={200: page_shape("MaintenanceWindowPage", MaintenanceWindowSerializer), **refusals(400)},
        examples=[examples.WINDOWS],
    )
    def get(self, request: Request) -> Response:
        asked = SpanParameters.read(request.GET)
        found = _WINDOWS.filter(in_states(asked.get("state", ()), now=timezone.now()))
        page = read_page(found, order=("-ends_at", "-id"), place=place_of(asked, _CURSORS), size=asked["limit"])
        return page_answer(request, page, shape=MaintenanceWindowSerializer, cursors=_CURSORS)

    @extend_schema(
        operation_id="create_maintenance_window",
        summary="Plan or begin maintenance",
        description="For scripts that deploy: begin a window before, end it afterwards; if the script dies, it ends by itself.",
        tags=["maintenance windows"],
        request={"application/json": NewMaintenanceWindowSerializer},
        responses={201: MaintenanceWindowSerializer, **refusals(400, 408, 413, 415)},
        examples=[examples.NEW_WINDOW, examples.MADE_WINDOW],
    )
    def post(self, request: Request) -> Response:
        Parameters.refuse_all(request.GET)
        wanted, now = NewMaintenanceWindowSerializer.read(request), timezone.now()
        starts_at, ends_at = span_of(wanted, now=now)
        window = MaintenanceWindow(
            name=wanted["name"], service_id=service_id(wanted.get("service")), starts_at=starts_at, ends_at=ends_at
        )
        window.author = self.person
        mute(window, by=self.person, at=now)
        return Response(MaintenanceWindowSerializer(window).data, status=201)


class MaintenanceWindowEndView(ActView):
    reading_rights = ("alerts.view_maintenancewindow",)
    changing_rights = ("alerts.change_maintenancewindow",)

    @extend_schema(
        operation_id="end_maintenance_window",
        summary="End maintenance now",
        description="Whoever was not told of an alert that still fires is told within a minute. One that has not begun is taken "
        "away, and its state is `ended`.",
        tags=["maintenance windows"],
        parameters=[id_in_address("window_id")],
        request=None,
        responses={200: MaintenanceWindowSerializer, **refusals(400, 404, 408, 409, 413, 415)},
        examples=[examples.ENDED_WINDOW],
    )
    def post(self, request: Request, window_id: str) -> Response:
        nothing_said(request)
        found = _WINDOWS.filter(pk=int(window_id)).first()
        window = row_or_404(found, "There is no window of that number. GET /api/v1/maintenance-windows lists them.")
        return Response(MaintenanceWindowSerializer(ended(window, by=self.person, at=timezone.now())).data)

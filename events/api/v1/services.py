"""`/api/v1/services`: what sends events."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from events.api.v1 import examples
from events.api.v1.cursors import Cursors
from events.api.v1.described import id_in_address, refusals
from events.api.v1.pages import page_answer, page_shape, place_of
from events.api.v1.parameters import Parameters, Text
from events.api.v1.references import row_or_404
from events.api.v1.shapes import ServiceSerializer
from events.api.v1.view import ApiView
from events.keyset import read_page
from events.models import Service
from events.rollups import events_per_service

_CURSORS = Cursors("services", (int,))
_RECENT = timedelta(hours=24)


class ServiceParameters(Parameters):
    slug = Text(max_length=60, help_text="Only the service of this slug.")


class ServiceListView(ApiView):
    reading_rights = ("events.view_service",)

    @extend_schema(
        operation_id="list_services",
        summary="List services",
        description="Services in the order in which they were made.",
        tags=["services"],
        parameters=[ServiceParameters],
        responses={200: page_shape("ServicePage", ServiceSerializer), **refusals(400)},
        examples=[examples.SERVICES],
    )
    def get(self, request: Request) -> Response:
        asked = ServiceParameters.read(request.GET)
        services = Service.objects.select_related("owner")
        if "slug" in asked:
            services = services.filter(slug=asked["slug"])
        page = read_page(services, order=("id",), place=place_of(asked, _CURSORS), size=asked["limit"])
        _count(page.rows)
        return page_answer(request, page, shape=ServiceSerializer, cursors=_CURSORS)


class ServiceView(ApiView):
    reading_rights = ("events.view_service",)

    @extend_schema(
        operation_id="read_service",
        summary="Read a service",
        description="One service.",
        tags=["services"],
        parameters=[id_in_address("service_id")],
        responses={200: ServiceSerializer, **refusals(400, 404)},
        examples=[examples.SERVICE],
    )
    def get(self, request: Request, service_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        found = Service.objects.select_related("owner").filter(pk=int(service_id)).first()
        service = row_or_404(found, "There is no service of that id. GET /api/v1/services lists them.")
        _count([service])
        return Response(ServiceSerializer(service).data)


def _count(services: list[Any]) -> None:
    counts = events_per_service([service.pk for service in services], start=timezone.now() - _RECENT)
    for service in services:
        service.event_count_24h = counts.get(service.pk, 0)

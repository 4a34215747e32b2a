"""`/api/v1/routes`: which alerts go to which channels."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api import examples
from alerts.api.fields import JsonFlag, JsonList, JsonText, JsonTexts, JsonWhole, words_field
from alerts.api.shapes import ChannelNameSerializer
from alerts.api.silences import refuse_unknown_labels
from alerts.api.view import AlertsView
from alerts.models import Channel, EscalationPolicy, Route
from events.api.v1.bodies import StrictBody
from events.api.v1.cursors import Cursors
from events.api.v1.described import id_in_address, refusals
from events.api.v1.pages import page_answer, page_shape, place_of
from events.api.v1.parameters import Parameters, refusal
from events.api.v1.references import row_or_404, service_id
from events.api.v1.shapes import ServiceNameSerializer
from events.choices import SeverityChoices
from events.keyset import read_page

_CURSORS = Cursors("routes", (int, int))
_ROUTES = Route.objects.select_related("service", "policy").prefetch_related("channels")
_LAST_POSITION = 2**31 - 1


class PolicyNameSerializer(serializers.Serializer[Any]):
    """Which escalation policy."""

    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class RouteSerializer(serializers.Serializer[Any]):
    """Routes are tried in order; the first that takes an alert is the last that is asked, unless it says to go on."""

    id = serializers.IntegerField(source="pk")
    position = serializers.IntegerField(help_text="Lower ones are tried first.")
    name = serializers.CharField()
    is_enabled = serializers.BooleanField()
    severities = serializers.ListField(
        child=serializers.ChoiceField(SeverityChoices.choices), help_text="Of alerts. Empty: all of them."
    )
    service = ServiceNameSerializer(allow_null=True, help_text="null: all services.")
    labels = serializers.DictField(
        child=serializers.CharField(), help_text="All must hold; * stands for anything. Empty: any alert."
    )
    channels = ChannelNameSerializer(many=True)
    policy = PolicyNameSerializer(
        allow_null=True, help_text="Who is told next while nobody acknowledges; null: the channels alone."
    )
    goes_on = serializers.BooleanField(help_text="Whether the routes behind it are tried, too.")


class RouteChangeSerializer(StrictBody):
    """What to change; what is left out stays."""

    position = JsonWhole(required=False, min_value=0, max_value=_LAST_POSITION, help_text="Lower ones are tried first.")
    name = JsonText(max_length=100, required=False)
    is_enabled = JsonFlag(required=False)
    severities = words_field(SeverityChoices.choices, help_text="Of alerts. Empty: all of them.")
    service = JsonText(
        max_length=60, required=False, allow_null=True, help_text="The id or the slug of a service; null: all services."
    )
    labels = JsonTexts(longest=500, required=False, help_text="All must hold; * stands for anything. Empty: any alert.")
    channels = JsonList(child=JsonWhole(min_value=1, max_value=2**63 - 1), required=False, help_text="Ids of channels.")
    policy = JsonWhole(
        min_value=1, max_value=2**63 - 1, required=False, allow_null=True,
        help_text="The id of an escalation policy; null: the channels alone.",
    )  # fmt: skip
    goes_on = JsonFlag(required=False, help_text="Whether the routes behind it are tried, too.")


class NewRouteSerializer(RouteChangeSerializer):
    """Its name, and what it takes; position 100 unless you say otherwise."""

    name = JsonText(max_length=100)


class RouteListView(AlertsView):
    http_method_names = ["get", "head", "post"]
    reading_rights = ("alerts.view_route",)
    changing_rights = ("alerts.add_route",)

    @extend_schema(
        operation_id="list_routes",
        summary="List routes",
        description="Routes in the order in which they are tried.",
        tags=["routes"],
        parameters=[Parameters],
        responses={200: page_shape("RoutePage", RouteSerializer), **refusals(400)},
        examples=[examples.ROUTES],
    )
    def get(self, request: Request) -> Response:
        asked = Parameters.read(request.GET)
        page = read_page(_ROUTES.all(), order=("position", "id"), place=place_of(asked, _CURSORS), size=asked["limit"])
        return page_answer(request, page, shape=RouteSerializer, cursors=_CURSORS)

    @extend_schema(
        operation_id="create_route",
        summary="Create a route",
        description="Alerts that fire from now on are told by it.",
        tags=["routes"],
        request={"application/json": NewRouteSerializer},
        responses={201: RouteSerializer, **refusals(400, 408, 413, 415)},
        examples=[examples.NEW_ROUTE, examples.MADE_ROUTE],
    )
    def post(self, request: Request) -> Response:
        Parameters.refuse_all(request.GET)
        route = _change(Route(), NewRouteSerializer.read(request))
        return Response(RouteSerializer(_route_or_404(str(route.pk))).data, status=201)


class RouteView(AlertsView):
    http_method_names = ["get", "head", "patch", "delete"]
    reading_rights = ("alerts.view_route",)
    changing_rights = ("alerts.change_route",)
    deleting_rights = ("alerts.delete_route",)

    @extend_schema(
        operation_id="read_route",
        summary="Read a route",
        description="One route.",
        tags=["routes"],
        parameters=[id_in_address("route_id")],
        responses={200: RouteSerializer, **refusals(400, 404)},
        examples=[examples.ROUTE],
    )
    def get(self, request: Request, route_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        return Response(RouteSerializer(_route_or_404(route_id)).data)

    @extend_schema(
        operation_id="change_route",
        summary="Change a route",
        description="What is left out stays; lists are replaced as a whole.",
        tags=["routes"],
        parameters=[id_in_address("route_id")],
        request={"application/json": RouteChangeSerializer},
        responses={200: RouteSerializer, **refusals(400, 404, 408, 413, 415)},
        examples=[examples.ROUTE_CHANGE, examples.ROUTE],
    )
    def patch(self, request: Request, route_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        _change(_route_or_404(route_id), RouteChangeSerializer.read(request))
        return Response(RouteSerializer(_route_or_404(route_id)).data)

    @extend_schema(
        operation_id="delete_route",
        summary="Delete a route",
        description="Its channels stay.",
        tags=["routes"],
        parameters=[id_in_address("route_id")],
        responses={204: None, **refusals(400, 404)},
    )
    def delete(self, request: Request, route_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        _route_or_404(route_id).delete()
        return Response(status=204)


def _change(route: Route, wanted: Mapping[str, Any]) -> Route:
    """All or nothing. Raises Problem 400."""
    values = dict(wanted)
    refuse_unknown_labels("labels", values.get("labels", {}))
    channels = _channels(values.pop("channels")) if "channels" in values else None
    if "service" in values:
        values["service_id"] = service_id(values.pop("service"))
    if "policy" in values:
        values["policy_id"] = _policy_id(values.pop("policy"))
    for name, value in values.items():
        setattr(route, name, value)
    with transaction.atomic():
        route.save()
        if channels is not None:
            route.channels.set(channels)
    return route


def _channels(ids: list[int]) -> list[Channel]:
    found = Channel.objects.in_bulk(ids)
    if missing := [str(one) for one in ids if one not in found]:
        raise refusal([("channels", f"There is no channel {', '.join(missing)}. GET /api/v1/channels lists them.")])
    return list(found.values())


def _policy_id(number: int | None) -> int | None:
    if number is not None and not EscalationPolicy.objects.filter(pk=number).exists():
        raise refusal([("policy", f"There is no escalation policy {number}.")])
    return number


def _route_or_404(route_id: str) -> Route:
    found = _ROUTES.filter(pk=int(route_id)).first()
    return row_or_404(found, "There is no route of that number. GET /api/v1/routes lists them.")

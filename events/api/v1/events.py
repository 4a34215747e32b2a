"""`/api/v1/events`: what happened."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from events.api.v1 import examples
from events.api.v1.cursors import Cursors
from events.api.v1.described import id_in_address, refusals
from events.api.v1.pages import page_answer, page_shape, place_of
from events.api.v1.parameters import LONGEST_NAME, Moment, Parameters, Text, WholeNumber, Words
from events.api.v1.references import ServiceReference, row_or_404, service_id, standing_issue_id
from events.api.v1.shapes import EventDetailSerializer, EventSummarySerializer
from events.api.v1.view import ApiView
from events.choices import SeverityChoices
from events.event_search import AHEAD, EventSearch, search_events
from events.models import Event

EVENT_CURSORS = Cursors("events", (UUID,))
EVENT_PAGE = page_shape("EventPage", EventSummarySerializer)
_USUAL_WINDOW = timedelta(hours=24)


class EventParameters(Parameters):
    since = Moment(required=False, help_text="Occurred then or later (RFC 3339). Without it: 24 hours before `until`.")
    until = Moment(required=False, help_text="Occurred before then (RFC 3339). Without it: now.")
    severity = Words(
        choices=SeverityChoices.choices, required=False, help_text="One or several: repeated, or a list with commas."
    )
    service = ServiceReference()
    name = Text(max_length=LONGEST_NAME, help_text="The event's name, such as `api_timeout`.")
    endpoint = Text(help_text="An endpoint, or with a `*` at its end all that begin so.")
    environment = Text(max_length=64)
    release = Text(max_length=200)
    user = serializers.RegexField(
        r"^[0-9a-f]{32}\Z",
        required=False,
        help_text="A user's hash: 32 lower-case hexadecimal characters, as `user_hash` gives it.",
        error_messages={
            "invalid": "Users are known by their hash: 32 lower-case hexadecimal characters, as user_hash."
        },
    )
    issue = WholeNumber(
        required=False, min_value=1, help_text="The id of an issue; of a merged one the issue it went into."
    )
    query = Text(min_length=3, max_length=200, help_text="Stands anywhere in the message, in upper or lower case.")

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "since" in asked and "until" in asked and asked["since"] >= asked["until"]:
            raise serializers.ValidationError({"until": "It must be later than since."})
        return asked


class EventListView(ApiView):
    reading_rights = ("events.view_event",)

    @extend_schema(
        operation_id="list_events",
        summary="List events",
        description="Events, the latest first. All filters that are given must hold. A search that takes longer than five "
        "seconds is given up with 400 `search_too_slow`.",
        tags=["events"],
        parameters=[EventParameters],
        responses={200: EVENT_PAGE, **refusals(400)},
        examples=[examples.EVENTS],
    )
    def get(self, request: Request) -> Response:
        asked = EventParameters.read(request.GET)
        search = _search(asked, now=timezone.now())
        page = search_events(search, place=place_of(asked, EVENT_CURSORS), size=asked["limit"])
        since = search.start.isoformat().replace("+00:00", "Z")
        return page_answer(request, page, shape=EventSummarySerializer, cursors=EVENT_CURSORS, pinned={"since": since})


def _search(asked: Mapping[str, Any], *, now: datetime) -> EventSearch:
    end = asked.get("until", now + AHEAD)
    return EventSearch(
        start=asked.get("since", min(end, now) - _USUAL_WINDOW),
        end=end,
        severities=asked.get("severity", ()),
        services=[] if (service := service_id(asked.get("service"))) is None else [service],
        name=asked.get("name", ""),
        endpoint=asked.get("endpoint", ""),
        environments=[asked["environment"]] if asked.get("environment") else [],
        release=asked.get("release", ""),
        user=asked.get("user", ""),
        issue=standing_issue_id(asked.get("issue")),
        words=asked.get("query", ""),
    )


class EventView(ApiView):
    reading_rights = ("events.view_event",)

    @extend_schema(
        operation_id="read_event",
        summary="Read an event",
        description="One event with its payload, as it was stored after scrubbing.",
        tags=["events"],
        parameters=[id_in_address("event_id", UUID)],
        responses={200: EventDetailSerializer, **refusals(400, 404)},
        examples=[examples.EVENT],
    )
    def get(self, request: Request, event_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        events = Event.objects.by_id(UUID(event_id)).with_issue_id().select_related("service")
        event = row_or_404(events.first(), "There is no event of that id, or it is past its retention.")
        return Response(EventDetailSerializer(event).data)

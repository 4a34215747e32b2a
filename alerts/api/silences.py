"""`/api/v1/silences`: which alerts nobody is told of, for how long and why."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.acting.handling import mute, unmute
from alerts.api import examples
from alerts.api.fields import JsonText, JsonTexts
from alerts.api.spans import SpanBody, SpanParameters, SpanState, in_states, span_of
from alerts.api.view import ActView, AlertsView, nothing_said
from alerts.models import Silence
from alerts.models.rule import GROUPINGS
from events.api.problems import Problem
from events.api.v1.cursors import Cursors
from events.api.v1.described import id_in_address, refusals
from events.api.v1.pages import page_answer, page_shape, place_of
from events.api.v1.parameters import Parameters, refusal
from events.api.v1.references import row_or_404
from events.api.v1.shapes import UtcField
from events.keyset import read_page

_CURSORS = Cursors("silences", (datetime, int))
# The words of an alert (alerts.outbox.telling); another one would match nothing.
LABELS = ("rule", "rule_name", "issue", *GROUPINGS)


class SilenceSerializer(serializers.Serializer[Any]):
    """Alerts whose labels match are not told of until it ends."""

    id = serializers.IntegerField(source="pk")
    state = SpanState()
    matchers = serializers.DictField(
        child=serializers.CharField(), help_text="Labels and their values; * stands for anything, and all must hold."
    )
    reason = serializers.CharField()
    author = serializers.CharField(
        source="author.username", allow_null=True, help_text="A username; null: somebody by a link."
    )
    starts_at = UtcField()
    ends_at = UtcField()


class NewSilenceSerializer(SpanBody):
    """Which alerts, why and until when."""

    matchers = JsonTexts(
        longest=500,
        allow_empty=False,
        help_text=f"Labels and their values, all of which must hold; * stands for anything. Labels are {', '.join(LABELS)}.",
    )
    reason = JsonText(max_length=300)


class SilenceListView(AlertsView):
    http_method_names = ["get", "head", "post"]
    reading_rights = ("alerts.view_silence",)
    changing_rights = ("alerts.add_silence",)

    @extend_schema(
        operation_id="list_silences",
        summary="List silences",
        description="Silences of every state unless `state` narrows it; those that end last come first.",
        tags=["silences"],
        parameters=[SpanParameters],
        responses={200: page_shape("SilencePage", SilenceSerializer), **refusals(400)},
        examples=[examples.SILENCES],
    )
    def get(self, request: Request) -> Response:
        asked = SpanParameters.read(request.GET)
        found = Silence.objects.filter(in_states(asked.get("state", ()), now=timezone.now())).select_related("author")
        page = read_page(found, order=("-ends_at", "-id"), place=place_of(asked, _CURSORS), size=asked["limit"])
        return page_answer(request, page, shape=SilenceSerializer, cursors=_CURSORS)

    @extend_schema(
        operation_id="create_silence",
        summary="Silence alerts by their labels",
        description="What is waiting to be told of them is muted, too. They are still judged, and told of when it ends while they "
        "still fire.",
        tags=["silences"],
        request={"application/json": NewSilenceSerializer},
        responses={201: SilenceSerializer, **refusals(400, 408, 413, 415)},
        examples=[examples.NEW_SILENCE, examples.MADE_SILENCE],
    )
    def post(self, request: Request) -> Response:
        Parameters.refuse_all(request.GET)
        wanted, now = NewSilenceSerializer.read(request), timezone.now()
        refuse_unknown_labels("matchers", wanted["matchers"])
        starts_at, ends_at = span_of(wanted, now=now)
        silence = Silence(matchers=wanted["matchers"], reason=wanted["reason"], starts_at=starts_at, ends_at=ends_at)
        silence.author = self.person
        mute(silence, by=self.person, at=now)
        return Response(SilenceSerializer(silence).data, status=201)


class SilenceEndView(ActView):
    reading_rights = ("alerts.view_silence",)
    changing_rights = ("alerts.change_silence",)

    @extend_schema(
        operation_id="end_silence",
        summary="End a silence now",
        description="Whoever was not told of an alert that still fires is told within a minute. One that has not begun is taken "
        "away, and its state is `ended`.",
        tags=["silences"],
        parameters=[id_in_address("silence_id")],
        request=None,
        responses={200: SilenceSerializer, **refusals(400, 404, 408, 409, 413, 415)},
        examples=[examples.ENDED_SILENCE],
    )
    def post(self, request: Request, silence_id: str) -> Response:
        nothing_said(request)
        found = Silence.objects.select_related("author").filter(pk=int(silence_id)).first()
        silence = row_or_404(found, "There is no silence of that number. GET /api/v1/silences lists them.")
        return Response(SilenceSerializer(ended(silence, by=self.person, at=timezone.now())).data)


def refuse_unknown_labels(field: str, labels: dict[str, str]) -> None:
    """Raises Problem 400 for those that no alert has."""
    unknown = [(f"{field}.{name}", f"No alert has this label; {', '.join(LABELS)} are there.") for name in labels]
    unknown = [one for one, name in zip(unknown, labels, strict=True) if name not in LABELS]
    if unknown:
        raise refusal(unknown)


def ended[Row: Any](what: Row, *, by: Any, at: datetime) -> Row:
    """The row as it is after it was ended. Raises Problem 409 when it has ended already."""
    if not unmute(what, by=by, at=at):
        raise Problem(409, "ended_already", f"It ended at {what.ends_at:%Y-%m-%d %H:%M} UTC already.")
    what.starts_at, what.ends_at = min(what.starts_at, at), at
    return what

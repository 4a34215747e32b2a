"""`/api/v1/channels`: where people are told. Their secrets are written here and never read."""

import time
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alerts import delivery
from alerts.api import examples
from alerts.api.fields import JsonFlag, JsonText, JsonTexts
from alerts.api.view import ActView, AlertsView, nothing_said
from alerts.channels import channel_settings
from alerts.channels.outcome import SettingsError
from alerts.models import Channel, ChannelKind
from events.api.v1.bodies import StrictBody
from events.api.v1.cursors import Cursors
from events.api.v1.described import id_in_address, refusals
from events.api.v1.pages import page_answer, page_shape, place_of
from events.api.v1.parameters import Parameters, Truth, Word, Words, refusal
from events.api.v1.references import row_or_404
from events.api.v1.shapes import UtcField
from events.keyset import read_page

_CURSORS = Cursors("channels", (int,))
_SETTINGS = (
    "By kind: email `to`; slack `webhook_url`; pagerduty `routing_key`, `region`, `url`; webhook `url`, `secret`; alertmanager "
    "`url`, `bearer_token`, `receiver`; apprise `url`."
)


class AlertChannelSerializer(serializers.Serializer[Any]):
    """A place that messages are sent to."""

    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    kind = serializers.ChoiceField(ChannelKind.choices)
    settings = serializers.SerializerMethodField(help_text="Masked: enough to tell two apart, too little to use one.")
    is_readable = serializers.SerializerMethodField(
        help_text="false: its settings cannot be decrypted with today's keys; enter them again."
    )
    is_enabled = serializers.BooleanField()
    disabled_reason = serializers.CharField(help_text="Why Liftmon switched it off itself.")
    tested_at = UtcField(allow_null=True)
    test_answer = serializers.CharField()
    created_at = UtcField()

    def get_settings(self, channel: Channel) -> dict[str, str]:
        return channel_settings.shown(channel)

    def get_is_readable(self, channel: Channel) -> bool:
        return channel_settings.is_readable(channel)


class ChannelChangeSerializer(StrictBody):
    """What to change; what is left out stays, each setting by itself."""

    name = JsonText(max_length=100, required=False)
    settings = JsonTexts(longest=2000, required=False, help_text=f"{_SETTINGS} An empty text takes one away.")
    is_enabled = JsonFlag(required=False)


class NewChannelSerializer(ChannelChangeSerializer):
    """Its name, its kind, and the settings that the kind needs."""

    name = JsonText(max_length=100)
    kind = Word(choices=ChannelKind.choices)
    settings = JsonTexts(longest=2000, help_text=_SETTINGS)


class ChannelParameters(Parameters):
    kind = Words(
        choices=ChannelKind.choices, required=False, help_text="One or several: repeated, or a list with commas."
    )
    enabled = Truth(required=False, help_text="Whether messages are sent to it.")


class ChannelListView(AlertsView):
    http_method_names = ["get", "head", "post"]
    reading_rights = ("alerts.view_channel",)
    changing_rights = ("alerts.add_channel",)

    @extend_schema(
        operation_id="list_channels",
        summary="List channels",
        description="Channels in the order in which they were made. Secrets are never shown.",
        tags=["channels"],
        parameters=[ChannelParameters],
        responses={200: page_shape("ChannelPage", AlertChannelSerializer), **refusals(400)},
        examples=[examples.CHANNELS],
    )
    def get(self, request: Request) -> Response:
        asked = ChannelParameters.read(request.GET)
        found = Channel.objects.all()
        if "kind" in asked:
            found = found.filter(kind__in=asked["kind"])
        if "enabled" in asked:
            found = found.filter(is_enabled=asked["enabled"])
        page = read_page(found, order=("id",), place=place_of(asked, _CURSORS), size=asked["limit"])
        return page_answer(request, page, shape=AlertChannelSerializer, cursors=_CURSORS)

    @extend_schema(
        operation_id="create_channel",
        summary="Create a channel",
        description="Nothing is sent to it before a route names it. Errors name the setting at fault, as `settings.webhook_url`.",
        tags=["channels"],
        request={"application/json": NewChannelSerializer},
        responses={201: AlertChannelSerializer, **refusals(400, 408, 413, 415)},
        examples=[examples.NEW_CHANNEL, examples.MADE_CHANNEL],
    )
    def post(self, request: Request) -> Response:
        Parameters.refuse_all(request.GET)
        wanted = NewChannelSerializer.read(request)
        channel = Channel(kind=wanted.pop("kind"))
        _change(channel, wanted)
        return Response(AlertChannelSerializer(channel).data, status=201)


class ChannelView(AlertsView):
    http_method_names = ["get", "head", "patch"]
    reading_rights = ("alerts.view_channel",)
    changing_rights = ("alerts.change_channel",)

    @extend_schema(
        operation_id="read_channel",
        summary="Read a channel",
        description="One channel, its settings masked.",
        tags=["channels"],
        parameters=[id_in_address("channel_id")],
        responses={200: AlertChannelSerializer, **refusals(400, 404)},
        examples=[examples.CHANNEL],
    )
    def get(self, request: Request, channel_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        return Response(AlertChannelSerializer(_channel_or_404(channel_id)).data)

    @extend_schema(
        operation_id="change_channel",
        summary="Change a channel",
        description="Its kind stays: what is kept is of that kind. Channels with new settings count as not tested.",
        tags=["channels"],
        parameters=[id_in_address("channel_id")],
        request={"application/json": ChannelChangeSerializer},
        responses={200: AlertChannelSerializer, **refusals(400, 404, 408, 413, 415)},
        examples=[examples.CHANNEL_CHANGE, examples.CHANNEL],
    )
    def patch(self, request: Request, channel_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        wanted = ChannelChangeSerializer.read(request)
        with transaction.atomic():
            channel = _channel_or_404(channel_id, is_to_change=True)
            _change(channel, wanted)
        return Response(AlertChannelSerializer(channel).data)


class TestAnswerSerializer(serializers.Serializer[Any]):
    """What the other side answered."""

    is_accepted = serializers.BooleanField()
    is_permanent = serializers.BooleanField(help_text="Whether sending it again would be refused as well.")
    status = serializers.IntegerField(allow_null=True, help_text="Of HTTP or SMTP; null: nobody answered.")
    answer = serializers.CharField(help_text="What the other side said, without secrets.")
    took_ms = serializers.IntegerField()


class ChannelTestView(ActView):
    reading_rights = ("alerts.view_channel",)
    changing_rights = ("alerts.change_channel",)

    @extend_schema(
        operation_id="test_channel",
        summary="Send a test to a channel",
        description="Waits for the other side and tells what it answered; 200 says that this was asked, `is_accepted` whether it "
        "worked. A test is not tried again, and works on a channel that is switched off, too.",
        tags=["channels"],
        parameters=[id_in_address("channel_id")],
        request=None,
        responses={200: TestAnswerSerializer, **refusals(400, 404, 408, 413, 415)},
        examples=[examples.TEST_ANSWER],
    )
    def post(self, request: Request, channel_id: str) -> Response:
        nothing_said(request)
        channel = _channel_or_404(channel_id)
        began = time.monotonic()
        outcome = delivery.send_test(channel, now=timezone.now())
        took_ms = round((time.monotonic() - began) * 1000)
        return Response(
            {
                "is_accepted": outcome.is_accepted,
                "is_permanent": outcome.is_permanent,
                "status": outcome.status,
                "answer": outcome.answer,
                "took_ms": took_ms,
            }
        )


def _change(channel: Channel, wanted: Mapping[str, Any]) -> None:
    """Raises Problem 400."""
    channel.name = wanted.get("name", channel.name)
    channel.is_enabled = wanted.get("is_enabled", channel.is_enabled)
    if wanted.get("is_enabled"):
        channel.disabled_reason = ""
    if "settings" in wanted:
        try:
            channel_settings.keep(channel, wanted["settings"])
        except SettingsError as error:
            raise refusal([(f"settings.{error.field}"[:60], str(error)[:300])]) from None
    try:
        with transaction.atomic():
            channel.save()
    except IntegrityError:
        raise refusal([("name", "There is a channel of this name already.")]) from None


def _channel_or_404(channel_id: str, *, is_to_change: bool = False) -> Channel:
    channels = Channel.objects.select_for_update() if is_to_change else Channel.objects.all()
    found = channels.filter(pk=int(channel_id)).first()
    return row_or_404(found, "There is no channel of that number. GET /api/v1/channels lists them.")

"""`/api/v1/notifications`: what people were told, were to be told, and were not told."""

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api import examples
from alerts.api.shapes import NotificationSerializer
from alerts.api.view import ActView, AlertsView, nothing_said
from alerts.models import Alert, Channel, Incident, Notification, NotificationState
from alerts.outbox.reach import send_again
from alerts.outbox.resending import why_not
from events.api.problems import Problem
from events.api.v1.cursors import Cursors
from events.api.v1.described import id_in_address, refusals
from events.api.v1.pages import page_answer, page_shape, place_of
from events.api.v1.parameters import Parameters, WholeNumber, Words, refusal
from events.api.v1.references import row_or_404
from events.keyset import read_page
from events.patience import limited_patience

_CURSORS = Cursors("notifications", (int,))
_NOTIFICATIONS = (
    Notification.objects.select_related("channel", "alert__rule").defer("content").prefetch_related("attempts")
)


class NotificationParameters(Parameters):
    state = Words(
        choices=NotificationState.choices, required=False, help_text="One or several: repeated, or a list with commas."
    )
    channel = WholeNumber(required=False, min_value=1, help_text="The id of a channel.")
    alert = WholeNumber(required=False, min_value=1, help_text="The id of an alert.")
    incident = WholeNumber(
        required=False, min_value=1, help_text="The id of an incident: what it, or an alert of it, told."
    )


class NotificationListView(AlertsView):
    reading_rights = ("alerts.view_notification",)

    @extend_schema(
        operation_id="list_notifications",
        summary="List notifications",
        description="The latest first, each with its attempts. `state=dead` finds what was given up.",
        tags=["notifications"],
        parameters=[NotificationParameters],
        responses={200: page_shape("NotificationPage", NotificationSerializer), **refusals(400)},
        examples=[examples.NOTIFICATIONS],
    )
    def get(self, request: Request) -> Response:
        asked = NotificationParameters.read(request.GET)
        place = place_of(asked, _CURSORS)
        found = _NOTIFICATIONS.all()
        if "state" in asked:
            found = found.filter(state__in=asked["state"])
        if "channel" in asked:
            if not Channel.objects.filter(pk=asked["channel"]).exists():
                raise refusal([("channel", "There is no channel of that number. GET /api/v1/channels lists them.")])
            found = found.filter(channel=asked["channel"])
        if "alert" in asked:
            if not Alert.objects.filter(pk=asked["alert"]).exists():
                raise refusal([("alert", "There is no alert of that number. GET /api/v1/alerts lists them.")])
            found = found.filter(alert=asked["alert"])
        if "incident" in asked:
            if not Incident.objects.filter(pk=asked["incident"]).exists():
                raise refusal([("incident", "There is no incident of that number. GET /api/v1/incidents lists them.")])
            found = found.filter(Q(incident=asked["incident"]) | Q(alert__membership__incident=asked["incident"]))
        with limited_patience():
            page = read_page(found, order=("-id",), place=place, size=asked["limit"])
        return page_answer(request, page, shape=NotificationSerializer, cursors=_CURSORS)


class NotificationView(AlertsView):
    reading_rights = ("alerts.view_notification",)

    @extend_schema(
        operation_id="read_notification",
        summary="Read a notification",
        description="One notification with its attempts.",
        tags=["notifications"],
        parameters=[id_in_address("notification_id")],
        responses={200: NotificationSerializer, **refusals(400, 404)},
        examples=[examples.NOTIFICATION],
    )
    def get(self, request: Request, notification_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        return Response(NotificationSerializer(_notification_or_404(notification_id)).data)


class SendAgainView(ActView):
    reading_rights = ("alerts.view_notification",)
    changing_rights = ("alerts.change_alert",)

    @extend_schema(
        operation_id="send_again",
        summary="Send again what was given up",
        description="It goes out within seconds under the same key, with what travelled in its message, and is tried as often as a "
        "new one. Refused when nobody would be told any more: the alert is over, acknowledged or muted, or the channel is off.",
        tags=["notifications"],
        parameters=[id_in_address("notification_id")],
        request=None,
        responses={200: NotificationSerializer, **refusals(400, 404, 408, 409, 413, 415)},
        examples=[examples.SENT_AGAIN],
    )
    def post(self, request: Request, notification_id: str) -> Response:
        nothing_said(request)
        notification, now = _notification_or_404(notification_id), timezone.now()
        if reason := why_not(notification, at=now):
            raise Problem(409, "not_sent_again", reason)
        if not send_again([notification.pk], now=now):
            raise Problem(409, "not_sent_again", "Somebody was faster: it is in the outbox already.")
        return Response(NotificationSerializer(_notification_or_404(notification_id)).data)


def _notification_or_404(notification_id: str) -> Notification:
    found = _NOTIFICATIONS.filter(pk=int(notification_id)).first()
    return row_or_404(found, "There is no notification of that number. GET /api/v1/notifications lists them.")

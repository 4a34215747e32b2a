"""The page behind the buttons of a message. Whoever holds its address may act, signed in or not."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from alerts.acting import handling, signed_links, slack_interactivity
from alerts.models import Alert, Channel
from alerts.outbox import wording
from events.api.body import read_body
from events.api.problems import Problem
from events.models import Service

_SILENCE = timedelta(hours=1)


# The address itself is the secret that a forged request would lack, and RFC 8058 mail clients POST without a cookie.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, token: str) -> HttpResponse:
    """GET says what it would do, POST does it. 404 for an address that is not ours, 410 for one that expired."""
    try:
        wanted = signed_links.read(token)
        alert = Alert.objects.select_related("rule", "acknowledged_by").get(pk=wanted.alert_id)
    except signed_links.LinkError as error:
        return _page(request, {"problem": str(error)}, status=410 if "expired" in str(error) else 404)
    except Alert.DoesNotExist:
        return _page(request, {"problem": "This alert is no longer kept."}, status=404)
    done = _do(request, wanted, alert) if request.method == "POST" else ""
    if done:
        alert.refresh_from_db()
    services = dict(Service.objects.values_list("pk", "name"))
    return _page(
        request,
        {
            "alert": alert, "title": wording.title_of(alert), "where": wording.where_of(alert, services),
            "action": wanted.action, "done": done, "user": request.user,
        },
    )  # fmt: skip


def _do(request: HttpRequest, wanted: signed_links.Act, alert: Alert) -> str:
    now = timezone.now()
    channel = Channel.objects.filter(pk=wanted.channel_id).first()
    how = f"By the link in a message to {channel or 'a channel that is gone'}."
    if wanted.action == "acknowledge":
        if handling.acknowledge(alert.pk, by=request.user, at=now, how=how):
            return "Acknowledged. Nobody is told of it again until it is over."
        return "It was acknowledged or over already; nothing changed."
    made = handling.silence(
        alert.pk, by=request.user, at=now, lasts=_SILENCE, reason="Silenced from a message", how=how
    )
    return f"Silenced until {made.ends_at:%H:%M} UTC."


# Slack signs what it sends; it has neither a session nor a cookie.
@csrf_exempt
@never_cache
@require_POST
def slack_pressed(request: HttpRequest) -> HttpResponse:
    """Somebody pressed a button in Slack, which waits three seconds: what was done shows in the message, by the outbox."""
    try:
        body = read_body(request.META, limit=slack_interactivity.MOST_BYTES)
        slack_interactivity.act(body, request.headers, now=timezone.now())
    except Problem as problem:
        return HttpResponse(problem.detail, status=problem.status_code, content_type="text/plain")
    except slack_interactivity.RefusedError as refusal:
        return HttpResponse(str(refusal), status=refusal.status, content_type="text/plain")
    return HttpResponse()


def _page(request: HttpRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    answer = render(request, "alerts/act.html", context, status=status)
    answer["Referrer-Policy"] = "no-referrer"  # the address is the secret
    return answer

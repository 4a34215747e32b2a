"""What a person does to alerts from the inbox, their page or the overview: each a POST that makes one domain call and goes back."""

from collections.abc import Callable, Iterable
from functools import wraps

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import url_has_allowed_host_and_scheme

from alerts.acting import expiry, handling
from alerts.models import Alert
from alerts.outbox import wording
from events.models import Service

MAX_SILENCED = 100
_LONGEST_REASON, _LONGEST_NOTE = 300, 500


class ActError(Exception):
    """What was asked for cannot be done; the text says why, for people."""


def may_act(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.change_alert")


def may_look(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.view_alert") or may_act(request)


def actor(request: HttpRequest) -> User:
    """Who is at the keyboard; the admin lets nobody else in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def page_of(alert: Alert) -> str:
    return reverse("admin:alerts_alert_change", args=[alert.pk])


def back(request: HttpRequest, otherwise: str) -> str:
    """Where the person came from, if that is a page of ours."""
    wanted = request.POST.get("next", "") or request.GET.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else otherwise


def _act(verb: Callable[[HttpRequest, Alert], str]) -> Callable[..., HttpResponse]:
    """POST only, for those who may act; the text that ``verb`` answers is told, and the page before comes next."""

    @wraps(verb)
    def view(request: HttpRequest, alert_id: int, **_: object) -> HttpResponse:
        if not may_act(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        alert = get_object_or_404(Alert.objects.select_related("rule"), pk=alert_id)
        try:
            messages.success(request, verb(request, alert))
        except ActError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(back(request, page_of(alert)))

    return view


@_act
def acknowledge_view(request: HttpRequest, alert: Alert) -> str:
    if handling.acknowledge(alert.pk, by=actor(request), at=timezone.now()):
        return f"Acknowledged: {wording.title_of(alert)}. Nobody is told of it again until it is over."
    return "It was acknowledged or over already; nothing changed."


@_act
def resolve_view(request: HttpRequest, alert: Alert) -> str:
    if handling.resolve(alert.pk, by=actor(request), at=timezone.now()):
        return f"Resolved: {wording.title_of(alert)}. If the condition still holds, a new alert fires at once."
    return "It was over already; nothing changed."


@_act
def note_view(request: HttpRequest, alert: Alert) -> str:
    text = request.POST.get("text", "").replace("\x00", "").strip()
    if not text:
        raise ActError("The note is empty: write what others should know.")
    if len(text) > _LONGEST_NOTE:
        raise ActError(f"A note has at most {_LONGEST_NOTE} characters; this one has {len(text)}.")
    handling.note(alert.pk, by=actor(request), at=timezone.now(), text=text)
    return "Noted."


# --- Silencing one or several ------------------------------------------------------------------------------------


def silence_view(request: HttpRequest, *, model_admin: "ModelAdmin[Alert]") -> HttpResponse:
    """GET asks for how long and why, POST does it. ``alert`` (repeated) are ids, ``lasts`` is one of alerts.acting.expiry."""
    if not may_act(request):
        raise PermissionDenied
    asked = (request.POST if request.method == "POST" else request.GET).getlist("alert")
    alerts = _alerts(asked)
    inbox = reverse("admin:alerts_alert_changelist")
    if not alerts or len(asked) > MAX_SILENCED:
        few = f"At most {MAX_SILENCED} alerts are silenced one by one: make a silence with a * instead."
        messages.error(request, few if alerts else "Choose at least one alert to silence.")
        return HttpResponseRedirect(back(request, inbox))
    problem = ""
    if request.method == "POST":
        try:
            messages.success(request, _silence_all(request, alerts))
            return HttpResponseRedirect(back(request, page_of(alerts[0]) if len(alerts) == 1 else inbox))
        except ActError as error:
            problem = str(error)
    services = dict(Service.objects.values_list("pk", "name"))
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": Alert._meta,  # noqa: SLF001  (Django's documented API)
        "title": "Silence",
        "media": model_admin.media,
        "alerts": [(alert, wording.title_of(alert), wording.where_of(alert, services)) for alert in alerts],
        "choices": expiry.CHOICES,
        "lasts": request.POST.get("lasts") or expiry.CHOICES[0][0],
        "reason": request.POST.get("reason", ""),
        "problem": problem,
        "back": back(request, page_of(alerts[0]) if len(alerts) == 1 else inbox),
    }
    return TemplateResponse(request, "admin/alerts/alert/silence.html", context, status=422 if problem else 200)


def _alerts(asked: Iterable[str]) -> list[Alert]:
    ids = {int(text) for text in asked if text.isascii() and text.isdecimal() and len(text) < 19}
    return list(Alert.objects.filter(pk__in=ids).select_related("rule").order_by("pk")[:MAX_SILENCED])


def _silence_all(request: HttpRequest, alerts: list[Alert]) -> str:
    now, zone = timezone.now(), timezone.get_current_timezone()
    reason = request.POST.get("reason", "").replace("\x00", "").strip()
    if not reason:
        raise ActError("Say why: whoever looks for this alert next wants to know.")
    if len(reason) > _LONGEST_REASON:
        raise ActError(f"A reason has at most {_LONGEST_REASON} characters; this one has {len(reason)}.")
    try:
        until = expiry.ends_at(request.POST.get("lasts", ""), now=now, zone=zone)
    except KeyError:
        raise ActError("Choose for how long.") from None
    for alert in alerts:
        handling.silence(alert.pk, by=actor(request), at=now, lasts=until - now, reason=reason)
    what = wording.title_of(alerts[0]) if len(alerts) == 1 else f"{len(alerts)} alerts"
    return f"Silenced until {date_format(timezone.localtime(until), 'j M, H:i')}: {what}. It is judged all the same."

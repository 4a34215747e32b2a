"""Subscribing, confirming, choosing and unsubscribing: forms of people without an account, whose address of the page is the secret.

Opening an address changes nothing: programs that look into mails follow links. The buttons need neither a cookie nor a token of a
form: there is no session that somebody else's page could use.
"""

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from alerts.models import Component, Subscriber
from alerts.statuspage import signed_links, subscribing
from alerts.statuspage.addresses import Served
from alerts.statuspage.keeping import UnavailableError
from alerts.statuspage.letters import page_name
from alerts.statuspage.pace import client_of, pace
from alerts.statuspage.views import View, public

_METHODS = ["GET", "HEAD", "POST"]
_MOST_COMPONENTS = 200


def _form(view: View) -> View:
    def shown(request: HttpRequest, *args: object, **named: object) -> HttpResponse:
        try:
            return view(request, *args, **named)
        except signed_links.LinkError as error:
            status = 410 if "expired" in str(error) else 404
            return _page(request, "told", {"headline": "This link does not work", "words": str(error)}, status=status)
        except (DatabaseError, InterfaceError):
            raise UnavailableError from None

    return csrf_exempt(public(never_cache(require_http_methods(_METHODS)(shown))))


@_form
def subscribe(request: HttpRequest) -> HttpResponse:
    """GET shows the form, POST asks; the answer is the same for every address."""
    context = {"choices": _groups(set()), "email": request.POST.get("email", "")[:254], "takes_all": True}
    if request.method != "POST":
        return _page(request, "subscribe", context)
    chosen = _chosen(request)
    context |= {"choices": _groups(chosen), "takes_all": not chosen}
    if not pace.takes(client_of(request)):
        problem = "That was asked very often from where you are. Please try again in an hour."
        return _page(request, "subscribe", {**context, "problem": problem}, status=429)
    try:
        subscribing.ask(request.POST.get("email", ""), chosen, at=timezone.now())
    except subscribing.SubscribingError as error:
        return _page(request, "subscribe", {**context, "problem": str(error)}, status=422)
    words = "We have sent a letter to that address, unless it got one a moment ago. Open the link in it to confirm."
    return _page(request, "told", {"headline": "Look into your mailbox", "words": words})


@_form
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    subscriber_id, number = signed_links.read_confirmation(token)
    if request.method != "POST":
        return _page(request, "confirm", {})
    subscriber = subscribing.confirm(subscriber_id, number, at=timezone.now())
    if subscriber is None:
        raise signed_links.LinkError("This link is no longer valid. Subscribe again, and you get a new one.")
    more = {"address": reverse("status_subscription", args=[signed_links.subscription_token(subscriber)])}
    words = "You are subscribed. Each letter has a link with which you change that or end it."
    return _page(request, "told", {"headline": "Thank you", "words": words, **more})


@_form
def subscription(request: HttpRequest, token: str) -> HttpResponse:
    """What somebody takes, for whoever holds the link of their letters."""
    subscriber = subscribing.find(*signed_links.read_subscription(token), at=timezone.now())
    if subscriber is None:
        return _not_subscribed(request)
    if request.method == "POST" and request.POST.get("takes") in ("all", "some"):
        chosen = _chosen(request)
        if request.POST["takes"] == "some" and not chosen:
            return _manage(request, subscriber, token, problem="Choose at least one, or take all of them.", status=422)
        subscribing.choose(subscriber, chosen)
        return HttpResponseRedirect(f"{request.path}?kept=yes")
    return _manage(request, subscriber, token)


@_form
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """What mail programs post to (RFC 8058), and people by the button of the page."""
    subscriber_id, _ = signed_links.read_subscription(token)
    if request.method != "POST":
        return _page(request, "unsubscribe", {})
    subscribing.unsubscribe(subscriber_id, at=timezone.now())
    return _not_subscribed(request)


def _not_subscribed(request: HttpRequest) -> HttpResponse:
    words = "You are not subscribed any more. Nothing further is sent, and your address is forgotten within a week."
    return _page(request, "told", {"headline": "Unsubscribed", "words": words})


def _manage(
    request: HttpRequest, subscriber: Subscriber, token: str, *, problem: str = "", status: int = 200
) -> HttpResponse:
    taken = set(subscriber.components.values_list("pk", flat=True))
    context = {
        "choices": _groups(taken), "takes_all": not taken and not problem, "problem": problem, "kept": "kept" in request.GET,
        "end": reverse("status_unsubscribe", args=[token]),
    }  # fmt: skip
    return _page(request, "subscription", context, status=status)


def _chosen(request: HttpRequest) -> set[int]:
    """None of them when all were asked for."""
    if request.POST.get("takes") != "some":
        return set()
    sent = request.POST.getlist("component")[:_MOST_COMPONENTS]
    return {int(one) for one in sent if one.isascii() and one.isdigit() and len(one) < 19}


def _groups(chosen: set[int]) -> list[tuple[str, list[tuple[Component, bool]]]]:
    """Names of groups, and their components with whether they are chosen."""
    found: dict[str, list[tuple[Component, bool]]] = {}
    rows = Component.objects.filter(is_public=True).select_related("group")
    for one in rows.order_by("group__position", "group__name", "position", "name"):
        found.setdefault(one.group.name if one.group else "", []).append((one, one.pk in chosen))
    return list(found.items())


def _page(request: HttpRequest, name: str, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    more = {"at": Served(), "title": page_name(), "name": page_name()}
    answer = render(request, f"alerts/status/{name}.html", {**more, **context}, status=status)
    answer["Referrer-Policy"] = "no-referrer"  # the address may be a secret
    return answer

"""Pages of people without an account: one digest, and the buttons that confirm a subscription and end it.

The buttons need neither a cookie nor a token of a form: the address is the secret that a forged request would lack, and mail
programs post without a cookie (RFC 8058).
"""

from collections.abc import Callable, Collection
from functools import wraps
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.csp import CSP
from django.views.decorators.cache import never_cache
from django.views.decorators.csp import csp_override
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from dashboards.digests import links, opting, subscribing
from dashboards.digests.content import read
from dashboards.digests.periods import Kind
from dashboards.digests.rendering import page_of
from dashboards.digests.wording import NAMES, About, scope_words
from dashboards.models import DigestSubscription

# Mails style each of their elements and bring their pictures with them. Nothing is run, and nothing is fetched but our own styles.
_POLICY: dict[str, Collection[str] | str] = {
    "default-src": [CSP.NONE],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "img-src": ["data:"],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}

type View = Callable[..., HttpResponse]


def _public(*methods: str) -> Callable[[View], View]:
    def made(view: View) -> View:
        @wraps(view)
        def shown(request: HttpRequest, token: str) -> HttpResponse:
            try:
                answer = view(request, token)
            except links.LinkError as error:
                answer = _told(request, "This link does not work", str(error), status=error.status)
            except (DatabaseError, InterfaceError):
                words = "Liftmon cannot reach its database. Please try again in a few minutes."
                answer = _told(request, "Not available now", words, status=503)
            answer["Referrer-Policy"] = "no-referrer"  # the address is the secret
            answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
            return answer

        return csrf_exempt(csp_override(_POLICY)(never_cache(require_http_methods(list(methods))(shown))))

    return made


@_public("GET", "HEAD")
def digest(request: HttpRequest, token: str) -> HttpResponse:
    """That digest and nothing else. What it names leads into the admin for those who may go there."""
    found = opting.shared(*links.read_digest(token))
    reader, said = found.subscription, found.digest
    about = About(
        kind=Kind(said.kind), start=said.start_at, end=said.end_at, zone=ZoneInfo(reader.zone), is_late=found.is_late,
        base_url=settings.BASE_URL if _is_staff(request, reader) else "", digest_url="", settings_url="", unsubscribe_url="",
        formats=said.formats,  # those of its sentences, whatever the reader chose since
        scope_words=scope_words([one.name for one in reader.services.order_by("name")], reader.environments),
    )  # fmt: skip
    return HttpResponse(page_of(read(said.content), about))


@_public("GET", "HEAD", "POST")
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST confirms."""
    subscription = opting.awaiting(*links.read_confirmation(token))
    if request.method == "POST":
        opting.confirm(subscription, at=timezone.now())
        when = f"Next: {_upcoming(subscription)}" if subscription.is_enabled else "It is switched off for now"
        words = f"{when}. Each has a link with which you end it."
        return _told(request, "Thank you", words)
    names = [NAMES[Kind(one)].lower() for one in subscription.kinds]
    return _page(request, {"subscription": subscription, "names": names, "ask": "confirm"})


@_public("GET", "HEAD", "POST")
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """What mail programs post to, and people by the buttons of the page: all of it, or one kind of several."""
    subscription_pk = links.read_unsubscription(token)
    kind = request.POST.get("kind", "")
    if request.method == "POST":
        opting.unsubscribe(subscription_pk, kind)
    subscription = opting.subscribed(subscription_pk)
    if subscription is None:
        words = "You are not subscribed any more. Nothing further is sent."
        return _told(request, "Unsubscribed", words)
    if request.method == "POST":
        return _told(request, "Changed", f"You still get: {_upcoming(subscription)}.")
    kinds = [(one, NAMES[Kind(one)].lower()) for one in subscription.kinds]
    return _page(request, {"subscription": subscription, "kinds": kinds, "ask": "unsubscribe"})


def _upcoming(subscription: DigestSubscription) -> str:
    """``daily review, Fri 27 Nov 2026, 08:00 CET; weekly review, …``: what comes when, the first one first."""
    upcoming = subscribing.next_in_words(subscription, now=timezone.now())
    return "; ".join(f"{NAMES[kind].lower()}, {when}" for kind, when in upcoming)


def _is_staff(request: HttpRequest, reader: DigestSubscription) -> bool:
    """Whether links into the admin are of use: to a reader of the staff, and to whoever is signed in as such."""
    return request.user.is_staff or (reader.person is not None and reader.person.is_staff)


def _told(request: HttpRequest, headline: str, words: str, *, status: int = 200) -> HttpResponse:
    return _page(request, {"headline": headline, "words": words}, status=status)


def _page(request: HttpRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    more = {"product": settings.STATUS_PAGE_NAME or "Liftmon"}
    return render(request, "dashboards/digests/asked.html", {**more, **context}, status=status)

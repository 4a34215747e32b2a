"""The public pages: no sign-in, no cookie, and no database beyond what alerts.statuspage.keeping asks of it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import wraps

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from alerts.statuspage import content, rendering
from alerts.statuspage.addresses import Served
from alerts.statuspage.keeping import Kept, UnavailableError, keeper
from alerts.statuspage.letters import page_name

# Nothing is run and nothing is styled but what our own two files say.
POLICY = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
# Caches in front of us may show it for as long as we do, and for a day while we are away.
_CACHED = "public, max-age=5, stale-while-revalidate=30, stale-if-error=86400"
_HTML, _ATOM, _JSON = "text/html; charset=utf-8", "application/atom+xml; charset=utf-8", "application/json"

type View = Callable[..., HttpResponse]


def public(view: View) -> View:
    """For people without an account: under a strict policy, and with a page that says so when the database is away."""

    @csp_override(POLICY)
    @wraps(view)
    def shown(request: HttpRequest, *args: object, **named: object) -> HttpResponse:
        try:
            return view(request, *args, **named)
        except UnavailableError:
            return unavailable(request)

    return shown


@public
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    return _served(request, "front", lambda: rendering.front(Served(), now=timezone.now()), _HTML)


@public
@require_safe
def month(request: HttpRequest, year_month: str) -> HttpResponse:
    first = _first_of(year_month)
    now = timezone.now()
    if not (_known().first_month <= first <= now.astimezone(UTC).date()):
        raise Http404("Nothing was told of that month.")
    return _served(request, f"month-{year_month}", lambda: rendering.month(Served(), first, now=now), _HTML)


@public
@require_safe
def incident(request: HttpRequest, number: int) -> HttpResponse:
    return _post(request, "incident", number, _known().incidents)


@public
@require_safe
def maintenance(request: HttpRequest, number: int) -> HttpResponse:
    return _post(request, "maintenance", number, _known().maintenance)


@public
@require_safe
def atom(request: HttpRequest) -> HttpResponse:
    return _served(request, "atom", lambda: rendering.atom(Served(), now=timezone.now()), _ATOM)


@public
@require_safe
def json(request: HttpRequest) -> HttpResponse:
    answer = _served(request, "json", lambda: rendering.json(Served(), now=timezone.now()), _JSON)
    # Anybody's page may show it.
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


def keep_pages(*, now: datetime) -> int:
    """Put what is needed most where it is found when the database is away; how many pages. Raises what the database raises."""
    at = Served()
    found = content.read_public(now=now)
    keeper.keep("known", lambda: _document(found))
    keeper.keep("front", lambda: rendering.front(at, now=now))
    keeper.keep("atom", lambda: rendering.atom(at, now=now))
    keeper.keep("json", lambda: rendering.json(at, now=now))
    first = content.months_of(found, now=now)[0]
    keeper.keep(f"month-{first:%Y-%m}", lambda: rendering.month(at, first, now=now))
    front_page = content.read_front(now=now)
    posts = (*front_page.incidents, *front_page.maintenance, *front_page.planned, *front_page.past)
    for one in posts:
        keeper.keep(f"{one.kind}-{one.id}", lambda one=one: rendering.post(at, one.kind, one.id, now=now))  # type: ignore[misc]
    return 5 + len(posts)


# --- What they share ------------------------------------------------------------------------------------------------------


def unavailable(request: HttpRequest) -> HttpResponse:
    """The database is away, and there is nothing older to show."""
    context = {"at": Served(), "title": page_name(), "name": page_name()}
    answer = render(request, "alerts/status/unavailable.html", context, status=503)
    answer["Retry-After"] = "30"
    answer["Cache-Control"] = "no-store"
    return answer


def _post(request: HttpRequest, kind: str, number: int, known: frozenset[int]) -> HttpResponse:
    if number not in known:
        raise Http404("Nothing was told of that.")
    return _served(
        request, f"{kind}-{number}", lambda: rendering.post(Served(), kind, number, now=timezone.now()), _HTML
    )


def _served(request: HttpRequest, key: str, make: Callable[[], bytes | None], content_type: str) -> HttpResponse:
    kept, is_stale = keeper.get(key, make)
    if kept is None:
        raise Http404("Nothing was told of that.")
    takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
    answer = HttpResponse(kept.zipped if takes_gzip else kept.body, content_type=content_type)
    if is_stale:
        answer.content = _with_age(kept)
        takes_gzip = False
    else:
        answer["ETag"] = kept.etag
    if takes_gzip:
        answer["Content-Encoding"] = "gzip"
    answer["Vary"] = "Accept-Encoding"
    answer["Cache-Control"] = "no-cache" if is_stale else _CACHED
    conditional = get_conditional_response(request, etag=None if is_stale else kept.etag, response=answer)
    return conditional if isinstance(conditional, HttpResponse) else answer


def _with_age(kept: Kept) -> bytes:
    """With a sentence that says so; feeds have no place for one."""
    at = kept.made_at.astimezone(UTC)
    said = (
        '<p class="st-stale" role="status">This page could not be brought up to date. It is as of '
        f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{at.day} {at:%b %Y, %H:%M} UTC</time>.</p>'
    )
    return kept.body.replace(rendering.STALE_MARK, said.encode(), 1)


def _known() -> content.Public:
    kept, _ = keeper.get("known", lambda: _document(content.read_public(now=timezone.now())))
    found = orjson.loads(kept.body if kept else b"{}")
    return content.Public(
        frozenset(found["incidents"]), frozenset(found["maintenance"]), date.fromisoformat(found["first_month"])
    )


def _document(found: content.Public) -> bytes:
    return orjson.dumps(
        {
            "incidents": sorted(found.incidents), "maintenance": sorted(found.maintenance), "first_month": found.first_month,
        }
    )  # fmt: skip


def _first_of(year_month: str) -> date:
    try:
        return date.fromisoformat(f"{year_month}-01")
    except ValueError:
        raise Http404("There is no such month.") from None

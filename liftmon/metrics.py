"""`/metrics`: what Liftmon says about itself to Prometheus (text format 0.0.4): counts of ingest, and how everything is now."""

import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from events.ingest import counters
from liftmon.present_state import present_state

_HOW_TO_GET_IN = """\
/metrics is not for everybody. Ways in:
- "Authorization: Bearer TOKEN", with the token that the environment variable LIFTMON_METRICS_TOKEN holds;
- signed in to the admin as staff;
- while LIFTMON_METRICS_TOKEN is unset: from this machine itself (a loopback address), and not through a proxy.
"""
# What a proxy in front of us leaves: then the loopback address is the proxy's and says nothing of who asks.
_PROXY_HEADERS = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP", "HTTP_VIA")


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything at once; 200 with what can be told when PostgreSQL or Redis is away."""
    if not _may_see(request):
        return HttpResponse(_HOW_TO_GET_IN, status=403, content_type="text/plain; charset=utf-8")
    return HttpResponse(_counted() + _present(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _counted() -> bytes:
    """Of all web processes where they share a folder, else of this one."""
    if not counters.folder_of_all():
        return generate_latest(counters.REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, counters.folder_of_all())  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _present() -> bytes:
    registry = CollectorRegistry()
    registry.register(_Present())
    return generate_latest(registry)


class _Present(Collector):
    def collect(self) -> Iterable[Metric]:
        return present_state()


# --- Who may see it ----------------------------------------------------------------------------------------------


def _may_see(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN
    if token:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and constant_time_compare(given.strip(), token):
            return True
    elif _is_from_this_machine(request):
        return True
    return _is_staff(request)


def _is_from_this_machine(request: HttpRequest) -> bool:
    if settings.SECURE_PROXY_SSL_HEADER or any(name in request.META for name in _PROXY_HEADERS):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_staff(request: HttpRequest) -> bool:
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    try:
        return request.user.is_active and request.user.is_staff
    except (DatabaseError, InterfaceError):
        return False

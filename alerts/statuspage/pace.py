"""How often one client may ask for letters: a count an hour in each web process, which needs neither Redis nor the database."""

import ipaddress
import threading
import time
from collections import OrderedDict

from django.conf import settings
from django.http import HttpRequest

MOST_AN_HOUR = 10
_HOUR_SECONDS = 3600.0
# More clients than this at once are forgotten, the oldest first.
_MOST_CLIENTS = 10_000


class Pace:
    def __init__(self, most: int = MOST_AN_HOUR) -> None:
        self.most = most
        self._asked: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def takes(self, client: str, *, now: float | None = None) -> bool:
        """Whether it may ask once more; then that is counted. ``now``: seconds of a clock that does not go back."""
        now = time.monotonic() if now is None else now
        with self._lock:
            lately = [at for at in self._asked.pop(client, ()) if now - at < _HOUR_SECONDS]
            is_taken = len(lately) < self.most
            self._asked[client] = [*lately, now] if is_taken else lately
            while len(self._asked) > _MOST_CLIENTS:
                self._asked.popitem(last=False)
        return is_taken

    def forget(self) -> None:
        with self._lock:
            self._asked.clear()


def client_of(request: HttpRequest) -> str:
    """The address that the client comes from; of IPv6 its network, since a household has many. "" when it is not known."""
    text = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER is not None:
        # The proxy in front of us wrote the last one; those before it are anybody's words.
        text = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or text
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


pace = Pace()

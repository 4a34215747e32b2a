"""Where the pages are: on this server, and beside one another in an export, whose links lead from one file to the next."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse


class Addresses(Protocol):
    """``public``: the address by which the world knows the page, with / at its end; feeds name it in full."""

    @property
    def is_live(self) -> bool:
        """Whether forms work there."""

    @property
    def front(self) -> str: ...
    @property
    def style(self) -> str: ...
    @property
    def script(self) -> str: ...
    @property
    def atom(self) -> str: ...
    @property
    def json(self) -> str: ...
    @property
    def subscribe(self) -> str:
        """Where people subscribe; "" for nowhere."""

    @property
    def public(self) -> str: ...
    def post(self, kind: str, number: int) -> str: ...
    def month(self, first: date) -> str: ...


class Served:
    """On this server."""

    is_live = True
    front = property(lambda self: reverse("status_page"))
    style = property(lambda self: static("alerts/status.css"))
    script = property(lambda self: static("alerts/status.js"))
    atom = property(lambda self: reverse("status_atom"))
    json = property(lambda self: reverse("status_json"))
    subscribe = property(lambda self: reverse("status_subscribe"))
    public = property(lambda self: f"{settings.BASE_URL}{reverse('status_page')}")

    def post(self, kind: str, number: int) -> str:
        return reverse(f"status_{kind}", args=[number])

    def month(self, first: date) -> str:
        return reverse("status_month", args=[f"{first:%Y-%m}"])


@dataclass(frozen=True, slots=True)
class Exported:
    """In a folder of files, seen from one that lies ``depth`` folders below it."""

    public: str
    depth: int = 0
    subscribe: str = ""
    is_live: bool = False

    @property
    def front(self) -> str:
        return f"{self._up}index.html"

    @property
    def style(self) -> str:
        return f"{self._up}status.css"

    @property
    def script(self) -> str:
        return f"{self._up}status.js"

    @property
    def atom(self) -> str:
        return f"{self._up}feed.atom"

    @property
    def json(self) -> str:
        return f"{self._up}status.json"

    def post(self, kind: str, number: int) -> str:
        return f"{self._up}{kind}/{number}/index.html"

    def month(self, first: date) -> str:
        return f"{self._up}history/{first:%Y-%m}/index.html"

    @property
    def _up(self) -> str:
        return "../" * self.depth

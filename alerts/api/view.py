"""What the addresses of alerts have in common: which token may change something, and verbs with an address of their own."""

from rest_framework.request import Request

from events.api.body import read_body
from events.api.problems import Problem
from events.api.v1.parameters import Parameters
from events.api.v1.view import ApiView
from events.models import TokenScope

_MOST_BYTES = 1024


class AlertsView(ApiView):
    changing_scope = TokenScope.ALERTS


class ActView(AlertsView):
    """A verb: POST alone."""

    http_method_names = ["post"]


def nothing_said(request: Request) -> None:
    """For verbs that need nothing said, as what was said would be lost. Raises Problem 400."""
    Parameters.refuse_all(request.GET)
    if read_body(request.META, limit=_MOST_BYTES).strip() not in (b"", b"{}"):
        raise Problem(400, "body_not_read", "This address takes no body: leave it out.")

"""Answers that are ready before their events are durable.

A server that cannot wait in the view (`liftmon.rsgi`) puts DEFER into the request's environment. The view then attaches a Pending
to its answer instead of waiting; the server submits it and sends the answer only after the outcome is settled.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpResponse
from rest_framework.response import Response

from events.ingest.group_commit import Ticket
from events.ingest.types import Submission

DEFER = "liftmon.defer"
# The body as bytes, where the server has read it already.
BODY = "liftmon.body"
# The body did not arrive in time.
TOO_SLOW = "liftmon.too_slow"


@dataclass(slots=True)
class Pending:
    """What has to be durable before the answer is true."""

    submission: Submission
    # The answer to send instead, or None when the prepared one holds.
    settle: Callable[[Ticket], HttpResponse | None]


class IngestResponse(Response):
    """An answer of an ingest view."""

    # What has to be durable first, for the server to see to.
    pending: Pending | None = None
    # No answer at all: it could not be found without asking PostgreSQL, which an event loop must not wait for.
    needs_thread = False

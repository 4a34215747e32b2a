"""Answers that are ready before their events are durable.

A server that cannot wait in the view (`liftmon.rsgi`) puts DEFER into the request's environment. The view then leaves a Pending
there instead of waiting; the server submits it and sends the answer only after the outcome is settled.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpResponse

from events.ingest.group_commit import Ticket
from events.ingest.types import Submission

# Keys of the environment. The server asks for a Pending:
DEFER = "liftmon.defer"
# what the view left,
PENDING = "liftmon.pending"
# or that it could not go on without asking PostgreSQL, which an event loop must not wait for: call it again in a thread.
NEEDS_THREAD = "liftmon.needs_thread"
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

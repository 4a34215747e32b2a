"""The ingest door. Edges only: read the request, make one call, answer."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson
import structlog
from django.conf import settings
from django.core.exceptions import SynchronousOnlyOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from events.api.authentication import authenticate
from events.api.body import read_body
from events.api.cors import CorsView
from events.api.negotiation import AlwaysJson
from events.api.pending import DEFER, NEEDS_THREAD, PENDING, Pending
from events.api.problems import Problem
from events.api.serializers import AcceptedSerializer, EventSerializer, ProblemSerializer
from events.ingest.group_commit import Outcome, Ticket
from events.ingest.json_documents import UnreadableBodyError, read_documents
from events.ingest.limits import Allowance, Policy, headers_of, limiter
from events.ingest.pipeline import IngestResult, NotKeptError, answer, read
from events.ingest.storing import committer
from events.ingest.types import RefusalCount, Submission
from events.rejections import SAMPLED_BYTES, refusal_counts, sample_of
from events.usage import is_due

logger = structlog.get_logger(__name__)


class TrackView(CorsView):
    """`POST /api/analytics/track`: one event, an array of events, or newline-delimited JSON."""

    http_method_names = ["post", "options"]
    permission_classes = []
    content_negotiation_class = AlwaysJson
    parser_classes: list[Any] = []  # the body is read below, with our own limits and encodings
    # Known as far as the request got, for counting what is refused.
    service_id: int | None = None
    beginning = b""
    received_at: datetime
    environ: dict[str, Any]

    def perform_authentication(self, request: Request) -> None:
        """Nobody signs in here: the key, read below, says which service it is."""

    @extend_schema(
        operation_id="track",
        summary="Send events",
        tags=["ingest"],
        auth=[{"ingestKeyBearer": []}, {"ingestKey": []}, {"ingestKeyQuery": []}],  # type: ignore[list-item]  # hinted too narrowly
        parameters=[
            OpenApiParameter("key", str, description="The ingest key, where no header can be set (sendBeacon).")
        ],
        request={
            "application/json": EventSerializer,
            "text/plain": EventSerializer,
            "application/x-ndjson": EventSerializer,
        },
        responses={
            200: AcceptedSerializer,
            **{
                (code, "application/problem+json"): ProblemSerializer
                for code in (400, 401, 403, 408, 413, 415, 429, 503)
            },
        },
        examples=[
            OpenApiExample(
                "A timeout",
                value={
                    "event": "api_timeout",
                    "data": {"severity": "error", "endpoint": "/api/career", "duration_ms": 10050, "user_id": "u-42"},
                },
                request_only=True,
            ),
            OpenApiExample(
                "Stored",
                value={"ok": True, "accepted": 1, "rejected": [], "id": "019cb8ad-22d2-7f3a-9c51-6d1f0b8e4a77"},
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    def post(self, request: Request) -> HttpResponseBase:
        now = self.received_at = timezone.now()
        environ = self.environ = request.META
        key = authenticate(environ, now=now)
        self.service_id = key.service_id
        if standing := limiter.standing(key, now=now.timestamp()):
            self._refuse_if_exhausted(standing)
        body = read_body(environ, limit=settings.INGEST_MAX_BODY_BYTES)
        self.beginning = body[:SAMPLED_BYTES]
        documents, refusals, is_batch = read_documents(body, most=settings.INGEST_MAX_EVENTS)
        reading = read(service_id=key.service_id, documents=documents, refusals=refusals, received_at=now)
        submission = reading.submission
        if standing:
            limiter.count(key, len(submission.events), now=now.timestamp())
            self.headers.update(headers_of(limiter.standing(key, now=now.timestamp())))
        if reading.refusals:
            submission.refusals = refusal_counts(key.service_id, reading.refusals, documents, at=now)
        if submission.events and is_due(key.id, at=now):
            submission.key_use = (key.id, now)
        return self._when_durable(submission, lambda ticket: _answer(answer(reading, ticket), is_batch=is_batch))

    def _refuse_if_exhausted(self, standing: list[Allowance]) -> None:
        self.headers.update(headers_of(standing))
        if exhausted := [allowance for allowance in standing if allowance.is_exhausted]:
            raise _too_many_requests(exhausted)

    def _when_durable(
        self, submission: Submission, answer_of: Callable[[Ticket], HttpResponseBase]
    ) -> HttpResponseBase:
        """The answer once the submission is kept: after waiting, or prepared for a server that waits itself."""
        ticket = Ticket(submission, None)
        if DEFER in self.environ:
            self.environ[PENDING] = Pending(submission, lambda ticket: self._settle(ticket, answer_of))
            ticket.outcome = Outcome.STORED
        else:
            ticket = committer.submit(submission)
            committer.wait(ticket)
        return answer_of(ticket)

    def _settle(self, ticket: Ticket, answer_of: Callable[[Ticket], HttpResponseBase]) -> HttpResponse | None:
        """The answer that is true after all, where it is not the one that was prepared."""
        if ticket.outcome is not Outcome.NOT_KEPT and not ticket.unstorable:
            return None
        try:
            other: Any = answer_of(ticket)
        except (Problem, NotKeptError) as error:
            other = self.handle_exception(error)
        other = self.finalize_response(self.request, other)
        return other.render() if hasattr(other, "render") else other  # type: ignore[no-any-return]

    def handle_exception(self, exc: Exception) -> Response:
        """Count what is refused as a whole; say honestly when nothing could be kept."""
        if isinstance(exc, SynchronousOnlyOperation):
            self.environ[NEEDS_THREAD] = True
            return Response(status=503)
        if isinstance(exc, UnreadableBodyError):
            exc = Problem(413 if exc.code == "too_many_events" else 400, exc.code, exc.detail)
        if isinstance(exc, NotKeptError | OperationalError | InterfaceError):
            return super().handle_exception(_not_kept(exc))
        if isinstance(exc, Problem) and not exc.is_counted:
            refusal = RefusalCount(
                self.service_id, exc.code, str(exc.detail), sample_of(self.beginning), 1, self.received_at
            )
            submission = Submission(refusals=[refusal])
            if DEFER in self.environ:
                self.environ[PENDING] = Pending(submission, lambda _: None)
            else:
                committer.wait(committer.submit(submission))
        return super().handle_exception(exc)


_LIMITS = {
    Policy.KEY: "This key may send {limit} events a minute. Send less, or raise its limit under Set up → Services.",
    Policy.SERVICE: "This service may send {limit} events a minute. Send less, or raise its limit under Set up → Services.",
    Policy.SPIKE: "This service sends far more than it ever did (over {limit} events a minute), so its spike guard refuses the "
    "excess. If that is meant, turn the guard off under Set up → Services.",
}


def _too_many_requests(exhausted: list[Allowance]) -> Problem:
    longest = max(exhausted, key=lambda allowance: allowance.retry_after_seconds)
    code = "spike" if longest.policy is Policy.SPIKE else f"{longest.policy}_rate_limited"
    problem = Problem(429, code, _LIMITS[longest.policy].format(limit=longest.limit))
    problem.headers["Retry-After"] = str(longest.retry_after_seconds)
    return problem


def _not_kept(error: Exception) -> Problem:
    logger.error("not_kept", kind=type(error).__name__, reason=str(error).strip())
    problem = Problem(
        503, "storage_unavailable", "Neither the database nor the spool can take it; nothing was kept. Send it again."
    )
    problem.headers["Retry-After"] = "5"
    return problem


def _answer(result: IngestResult, *, is_batch: bool) -> HttpResponse:
    if result.refusals and not result.accepted:
        raise _all_refused(result, is_batch=is_batch)
    content: dict[str, Any] = {"ok": True, "accepted": result.accepted, "rejected": _errors(result)}
    if not is_batch:
        content["id"] = str(result.event_ids[0])
    # Not DRF's Response: rendering what is bytes already costs more than reading the event did.
    return HttpResponse(orjson.dumps(content), content_type="application/json", charset="utf-8")


def _errors(result: IngestResult) -> list[dict[str, Any]]:
    return [{"index": refusal.index, "code": refusal.code, "detail": refusal.detail} for refusal in result.refusals]


def _all_refused(result: IngestResult, *, is_batch: bool) -> Problem:
    first = result.refusals[0]
    detail = (
        f"No event of {len(result.refusals)} could be read; the first: {first.detail}" if is_batch else first.detail
    )
    return Problem(400, first.code, detail, is_counted=True, errors=_errors(result))

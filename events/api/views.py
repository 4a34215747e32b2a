"""The ingest door. Edges only: read the request, make one call, answer."""

from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from events.api.authentication import authenticate
from events.api.body import read_body
from events.api.cors import CorsView
from events.api.negotiation import AlwaysJson
from events.api.problems import Problem
from events.api.serializers import AcceptedSerializer, EventSerializer, ProblemSerializer
from events.ingest.json_documents import UnreadableBodyError, read_documents
from events.ingest.pipeline import IngestResult, ingest
from events.rejections import count_refusals, count_rejection, sample_of
from events.usage import note_use

logger = structlog.get_logger(__name__)


class TrackView(CorsView):
    """`POST /api/analytics/track`: one event, an array of events, or newline-delimited JSON."""

    http_method_names = ["post", "options"]
    permission_classes = []
    content_negotiation_class = AlwaysJson
    parser_classes: list[Any] = []  # the body is read below, with our own limits and encodings
    # Known as far as the request got, for counting what is refused.
    service_id: int | None = None
    body = b""

    @extend_schema(
        operation_id="track",
        summary="Send events",
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
            **{(code, "application/problem+json"): ProblemSerializer for code in (400, 401, 403, 413, 415)},
        },
        examples=[
            OpenApiExample(
                "A timeout",
                value={
                    "event": "api_timeout",
                    "data": {"severity": "error", "endpoint": "/api/career", "duration_ms": 10050, "user_id": "u-42"},
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        self.received_at = timezone.now()
        key = authenticate(request, now=self.received_at)
        self.service_id = key.service_id
        self.body = read_body(request.META, limit=settings.INGEST_MAX_BODY_BYTES)
        documents, refusals, is_batch = read_documents(self.body, most=settings.INGEST_MAX_EVENTS)
        result = ingest(service_id=key.service_id, documents=documents, refusals=refusals, received_at=self.received_at)
        if result.refusals:
            count_refusals(key.service_id, result.refusals, documents, now=self.received_at)
        if not result.accepted and result.refusals:
            raise _all_refused(result, is_batch=is_batch)
        note_use(key, at=self.received_at)
        answer: dict[str, Any] = {"ok": True, "accepted": result.accepted, "rejected": _errors(result)}
        if not is_batch:
            answer["id"] = str(result.event_ids[0])
        return Response(answer)

    def handle_exception(self, exc: Exception) -> Response:
        """Count what is refused as a whole; say honestly when the database is away."""
        if isinstance(exc, UnreadableBodyError):
            exc = Problem(413 if exc.code == "too_many_events" else 400, exc.code, exc.detail)
        if isinstance(exc, OperationalError | InterfaceError):
            logger.error("storage_unavailable", reason=str(exc))
            exc = Problem(
                503, "storage_unavailable", "The database cannot be reached; nothing was stored. Send it again."
            )
            exc.headers["Retry-After"] = "5"
        elif isinstance(exc, Problem) and not exc.is_counted:
            count_rejection(
                service_id=self.service_id,
                code=exc.code,
                detail=str(exc.detail),
                sample=sample_of(self.body),
                now=self.received_at,
            )
        return super().handle_exception(exc)


def _errors(result: IngestResult) -> list[dict[str, Any]]:
    return [{"index": refusal.index, "code": refusal.code, "detail": refusal.detail} for refusal in result.refusals]


def _all_refused(result: IngestResult, *, is_batch: bool) -> Problem:
    first = result.refusals[0]
    detail = (
        f"No event of {len(result.refusals)} could be read; the first: {first.detail}" if is_batch else first.detail
    )
    return Problem(400, first.code, detail, is_counted=True, errors=_errors(result))

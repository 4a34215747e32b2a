"""`/api/v1/reports`: every report of the catalogue as JSON. Edges only: read the question, ask the report, answer."""

import zoneinfo
from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_dataclasses.serializers import DataclassSerializer

from dashboards.api.examples import example_of
from dashboards.reports.catalogue import REPORTS, Report
from dashboards.reports.exporting import as_json
from dashboards.reports.question import Question, filters_of
from dashboards.window import LONGEST, PRESETS, Window, WindowError, custom, preset
from events.api.v1.described import refusals
from events.api.v1.parameters import Moment, Parameters, Text, Texts, Word, refusal
from events.api.v1.view import ApiView
from events.models import Service

_RIGHTS = ("dashboards.view_analytics",)


class ReportParameters(Parameters):
    """What every report is asked with."""

    limit = cursor = None  # type: ignore[assignment]  # answers have one page
    window = Word(
        choices=list(PRESETS),
        default="24h",
        help_text="The span up to now that is looked at; all but 1h begin on the full hour.",
    )
    since = Moment(required=False, help_text="Where another span begins; reaches back 400 days at most.")
    until = Moment(required=False, help_text="Where that ends: now, unless said otherwise. Needs `since`.")
    service = Texts(max_length=60, help_text="Only the service of this slug; repeated, of each of these.")
    environment = Texts(max_length=64, help_text="Only this environment; repeated, each of these.")
    release = Text(max_length=200, help_text="Only this release.")
    zone = Text(
        max_length=64, default="UTC", help_text="Whose hours and days the steps are cut at, such as Europe/Berlin."
    )


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """A report that can be asked for. ``subjects`` are parameters that it knows or needs besides the common ones."""

    name: str
    title: str
    description: str
    subjects: list[str]
    url: str


class ReportEntrySerializer(DataclassSerializer[ReportEntry]):
    class Meta:
        dataclass = ReportEntry


def _example(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=["200"])


class ReportListView(ApiView):
    reading_rights = _RIGHTS

    @extend_schema(
        operation_id="list_reports",
        summary="List reports",
        description="Every report, and the address that answers it.",
        tags=["reports"],
        responses={200: ReportEntrySerializer(many=True), **refusals(400)},
        examples=[
            _example(
                "The first of them",
                {
                    "name": "overview",
                    "title": "Overview",
                    "description": REPORTS["overview"].description,
                    "subjects": [],
                    "url": "https://liftmon.example/api/v1/reports/overview",
                },
            )
        ],
    )
    def get(self, request: Request) -> Response:
        Parameters.refuse_all(request.GET)
        entries = [
            ReportEntry(
                report.name,
                report.title,
                report.description,
                [subject.name for subject in report.subjects if subject.is_required],
                request.build_absolute_uri(reverse(f"reports-api-v1:{report.name}")),
            )
            for report in REPORTS.values()
        ]
        return Response(ReportEntrySerializer(entries, many=True).data)


class ReportView(ApiView):
    """One report; `view_of` makes a class of it for each."""

    reading_rights = _RIGHTS
    report: ClassVar[Report]
    parameters: ClassVar[type[ReportParameters]]

    def get(self, request: Request) -> HttpResponse:
        asked = self.parameters.read(request.GET)
        question = _question(asked)
        subjects = {one.name: asked[one.name] for one in self.report.subjects if one.name in asked}
        answer = self.report.ask(question, **subjects)
        return HttpResponse(as_json(answer), content_type="application/json")


def view_of(report: Report) -> type[ReportView]:
    """The view of one report, described by the type of its answer."""
    name = report.answer_type.__name__
    subjects: dict[str, Any] = {
        one.name: Text(required=one.is_required, help_text=one.description) for one in report.subjects
    }
    parameters = type(f"{name}Parameters", (ReportParameters,), {"__doc__": "Also what it is about.", **subjects})
    shape = type(
        f"{name}Serializer", (DataclassSerializer,), {"Meta": type("Meta", (), {"dataclass": report.answer_type})}
    )

    @extend_schema(
        operation_id=f"report_{report.name.replace('-', '_')}",
        summary=report.title,
        description=report.description,
        tags=["reports"],
        parameters=[parameters],
        responses={200: shape, **refusals(400)},
        examples=[_example("The shape of an answer", example_of(report.answer_type))],
    )
    def get(self: ReportView, request: Request) -> HttpResponse:
        return ReportView.get(self, request)

    rights = (*_RIGHTS, report.permission) if report.permission else _RIGHTS
    return type(
        f"{name}View", (ReportView,), {"report": report, "parameters": parameters, "reading_rights": rights, "get": get}
    )


def _question(asked: dict[str, Any]) -> Question:
    services = [_service_id(slug) for slug in asked.get("service", ())]
    filters = filters_of(services, asked.get("environment", ()), asked.get("release", ""))
    return Question(_window(asked), _zone(asked["zone"]), filters)


def _window(asked: dict[str, Any]) -> Window:
    now = timezone.now()
    if "since" not in asked:
        if "until" in asked:
            raise refusal([("until", "It needs a since.")])
        return preset(asked["window"], now)
    try:
        return custom(max(asked["since"], now - LONGEST), asked.get("until", now), now)
    except WindowError as error:
        raise refusal([("since", str(error))]) from None


def _service_id(slug: str) -> int:
    found = Service.objects.filter(slug=slug).values_list("pk", flat=True).first()
    if found is None:
        raise refusal([("service", "There is no service of that slug. GET /api/v1/services lists them.")])
    return found


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise refusal([("zone", "There is no such time zone. Write it as Europe/Berlin.")]) from None

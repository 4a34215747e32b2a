"""The daily and the weekly review, live: the same content as in the digests, each item to be ticked off or turned into work."""

import base64
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from alerts.admin import audit
from alerts.admin.follow_up import FollowUpForm
from alerts.admin.follow_up import may_work as may_follow_up
from alerts.incidents import follow_ups
from alerts.incidents.follow_ups import FollowUpError
from dashboards.asking import instant
from dashboards.digests import building, periods, reviewing, sparklines
from dashboards.digests.content import Content, Section, quiet_sentence
from dashboards.digests.items import Item, review_of
from dashboards.digests.periods import Kind, Schedule
from dashboards.digests.reviewing import ItemError, Place
from dashboards.models import DigestSubscription, ReviewMark
from dashboards.models.digest import work_days
from dashboards.pages.report_page import AnalyticsPage
from events import formats
from events.admin.issue_triage import assignable, may_triage

_HOUR = 8
# What an item leads to that not everybody who sees the analytics may see.
_RIGHTS = {
    "/admin/alerts/incident/": "alerts.view_incident", "/admin/alerts/followup/": "alerts.view_incident",
    "/admin/alerts/alertrule/": "alerts.view_alertrule", "/admin/alerts/alert/": "alerts.view_alert",
    "/admin/analytics/incidents/": "alerts.view_incident",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """An item with what was done about it."""

    item: Item
    place: Place
    mark: ReviewMark | None


class ReviewPage(AnalyticsPage):
    """Of the period that was told last and what came since, unless the address names a window."""

    template_name = "admin/review/review.html"
    kind: ClassVar[Kind]
    day: date

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now = timezone.now()
        period = periods.latest(self.kind, self._schedule(), now=now)
        self.day = period.day
        if "window" not in request.GET and "from" not in request.GET:
            asked = request.GET.copy()
            # To the end of this minute: addresses say whole ones.
            asked["window"], asked["from"], asked["to"] = "custom", instant(period.start), instant(now + periods.MINUTE)
            request.GET = asked  # type: ignore[assignment]  # a QueryDict as well
        return super().get(request, *args, **kwargs)

    def _schedule(self) -> Schedule:
        """One's own, as far as there is one: then the page begins where the last mail did."""
        own = self._own
        if own is None or not own.is_enabled or self.kind.value not in own.kinds:
            return Schedule(_HOUR, tuple(work_days()), timezone.get_current_timezone())
        return own.schedule()

    @cached_property
    def _own(self) -> DigestSubscription | None:
        """One's own subscription, of this kind if there is one."""
        own = DigestSubscription.objects.filter(person=self.request.user.pk).order_by("-is_enabled", "pk")
        return min(own, key=lambda one: not (one.is_enabled and self.kind.value in one.kinds), default=None)

    def shown(self) -> dict[str, Any]:
        """Numbers and dates as in one's digests."""
        wanted = self._own.formats if self._own else formats.DEFAULT
        with formats.written_for(wanted):
            return self._shown(building.content(self.kind, self.question, written_for=wanted))

    def _shown(self, content: Content) -> dict[str, Any]:
        review = review_of(_visible(self.request, content))
        keys = [one.key for one in review.items()]
        marks = reviewing.marks_of(self.kind, self.day, keys)

        def line(item: Item) -> Line:
            return Line(item, reviewing.place_of(self.kind, self.day, item), marks.get(item.key))

        return {
            "content": content,
            "incidents": [line(one) for one in review.incidents],
            "actions": [line(one) for one in review.actions],
            "sections": [
                (
                    one.section,
                    line(one.items[0]),
                    [line(row) for row in one.items[1:]],
                    _bars(one.section.bars),
                    _trend(one.section),
                )
                for one in review.sections
            ],
            "quiet": quiet_sentence(content),
            "seen_count": len(marks),
            "item_count": len(set(keys)),
            "kind": self.kind.value,
            "issues": f"{reverse('admin:events_issue_changelist')}?tier={self.kind.value}",
            "mark_url": reverse("admin:review_mark"),
            "item_url": reverse("admin:review_item"),
            "preview": f"{reverse('admin:review_preview')}?kind={self.kind.value}",
        }


class DailyReviewPage(ReviewPage):
    title = "Daily review"
    kind = Kind.DAILY


class WeeklyReviewPage(ReviewPage):
    title = "Weekly review"
    kind = Kind.WEEKLY


def _visible(request: HttpRequest, content: Content) -> Content:
    """Without what leads to pages that the person may not open."""

    def may(link: str) -> bool:
        return all(request.user.has_perm(right) for begins, right in _RIGHTS.items() if link.startswith(begins))

    return replace(
        content,
        incidents=tuple(one for one in content.incidents if may(one.link)),
        actions=tuple(one for one in content.actions if may(one.link)),
        sections=tuple(
            replace(one, rows=tuple(row for row in one.rows if may(row.link)))
            for one in content.sections if may(one.link)
        ),
    )  # fmt: skip


def _bars(bars: Any) -> list[tuple[str, int, str]]:
    """Each with its length in percent of the longest."""
    most = max((one.value for one in bars), default=0)
    return [(one.label, round(100 * one.value / most) if most else 0, one.words) for one in bars]


def _trend(section: Section) -> tuple[str, str]:
    """A picture of the trend, and what it shows in words; "" and "" where there is none."""
    if not section.trend:
        return "", ""
    picture = base64.b64encode(sparklines.png(section.trend)).decode()
    words = f"{section.trend_caption or section.title}: {sparklines.words(section.trend)}"
    return f"data:image/png;base64,{picture}", words


def _place(request: HttpRequest) -> Place:
    try:
        return reviewing.read(request.POST.get("item", "") or request.GET.get("item", ""))
    except ItemError as error:
        raise Http404(str(error)) from None


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class MarkView(UnfoldSiteViewMixin, TemplateView):
    """POST: somebody has seen an item, or wants to look at it again. To htmx its line is answered."""

    title = "Review"
    permission_required = "dashboards.view_analytics"
    template_name = "admin/review/_item.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponseNotAllowed(["POST"])

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        place, mark = _place(request), None
        if request.POST.get("act") == "unseen":
            reviewing.unmark(place)
        else:
            mark = reviewing.mark(place, by=_person(request), at=timezone.now())
        if request.headers.get("HX-Request") != "true":
            return HttpResponseRedirect(place.review)
        context = {
            "place": place, "mark": mark, "mark_url": reverse("admin:review_mark"), "item_url": reverse("admin:review_item"),
            "text": place.text,
        }  # fmt: skip
        return TemplateResponse(request, "admin/review/_mark.html", context, headers={"Cache-Control": "no-store"})


class ItemPage(UnfoldSiteViewMixin, TemplateView):
    """What can be made of an item: an issue that somebody looks after, a follow-up of an incident, a rule."""

    title = "Turn it into work"
    permission_required = "dashboards.view_analytics"
    template_name = "admin/review/item.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown(_place(request))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        place = _place(request)
        match request.POST.get("act"):
            case "assign":
                return self._assign(place)
            case "follow_up":
                return self._follow_up(place)
        return self._shown(place)

    def _assign(self, place: Place) -> HttpResponse:
        if not may_triage(self.request):
            raise PermissionDenied
        sent, me, now = self.request.POST, _person(self.request), timezone.now()
        issue = next((one for one in reviewing.issues_of(place) if str(one.pk) == sent.get("issue")), None)
        person = next((one for one in assignable() if str(one.pk) == sent.get("person")), None)
        if issue is None or person is None:
            return self._shown(place, problem="Choose an issue that is open, and who looks after it.")
        issue.assign(person, by=me, at=now)
        said = f"{person.get_full_name() or person.username} looks after {issue.title}"
        return self._done(place, said, reverse("admin:events_issue_change", args=[issue.pk]), at=now)

    def _follow_up(self, place: Place) -> HttpResponse:
        if not may_follow_up(self.request):
            raise PermissionDenied
        form, now = FollowUpForm(self.request.POST), timezone.now()
        incidents = {str(one.pk): one for one in reviewing.incidents_of()}
        incident = incidents.get(self.request.POST.get("incident", ""))
        if incident is None or not form.is_valid():
            return self._shown(place, form=form, problem="Choose an incident, and say what is to be done.")
        try:
            made = follow_ups.add(incident.pk, **form.cleaned_data, by=_person(self.request), at=now)
        except FollowUpError as error:
            return self._shown(place, form=form, problem=str(error))
        audit.note(self.request, incident, f"To do: {made.text}")
        link = f"{reverse('admin:incident_follow_ups', args=[incident.pk])}#follow-up-{made.pk}"
        return self._done(place, f"Follow-up of incident #{incident.pk}: {made.text}", link, at=now)

    def _done(self, place: Place, said: str, link: str, *, at: datetime) -> HttpResponse:
        reviewing.mark(place, by=_person(self.request), at=at, outcome=said, link=link)
        messages.success(self.request, f"{said}.")
        return HttpResponseRedirect(place.review)

    def _shown(self, place: Place, *, form: FollowUpForm | None = None, problem: str = "") -> HttpResponse:
        request = self.request
        issues = reviewing.issues_of(place) if may_triage(request) else []
        incidents = reviewing.incidents_of() if may_follow_up(request) else []
        context = self.get_context_data(
            place=place, problem=problem, issues=issues, people=assignable() if issues else [],
            incidents=incidents, chosen_incident=reviewing.incident_of(place),
            follow_up_form=form or FollowUpForm(initial={"text": place.text, "owner": request.user.pk}),
            may_triage=may_triage(request), may_follow_up=may_follow_up(request),
            rule=reviewing.rule_address(place) if request.user.has_perm("alerts.add_alertrule") else "",
            mark=reviewing.marks_of(Kind(place.kind), date.fromisoformat(place.day), [place.key]).get(place.key),
        )  # fmt: skip
        return self.render_to_response(context, status=422 if problem else 200)

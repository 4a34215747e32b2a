"""The list of issues and what can be done to several at once; the page of one issue is `events.admin.issue_page`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.views import ChangeList

from events.admin import issue_filters, issue_page, issue_triage
from events.admin.sparkline import sparkline
from events.choices import SEVERITY_RANK
from events.models import Issue
from events.templatetags.moments import moment
from events.timelines import by_day, by_hour, hourly_counts

_SPARK_DAYS = timedelta(days=14)
_SPARK_HOURS = timedelta(hours=24)


class IssueChangeList(ChangeList):
    """Gives the rows of the page their sparklines, all in one query."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        now = timezone.now()
        issues = list(self.result_list)
        counts = hourly_counts([issue.pk for issue in issues], start=now - _SPARK_DAYS)
        for issue in issues:
            issue.hourly_counts = counts[issue.pk]
        self.result_list = issues


@admin.register(Issue)
class IssueAdmin(ModelAdmin):
    list_display = (
        "severity_badge",
        "what_broke",
        "trend",
        "events_seen",
        "users_hurt",
        "last_seen",
        "first_seen",
        "state",
        "assigned_to",
    )
    list_display_links = ("what_broke",)
    list_filter = (
        issue_filters.StatusFilter,
        issue_filters.SeverityFilter,
        issue_filters.TierFilter,
        issue_filters.ServiceFilter,
        issue_filters.NameFilter,
        issue_filters.AssigneeFilter,
        issue_filters.RegressedFilter,
        issue_filters.LastSeenFilter,
    )
    list_fullwidth = True
    list_per_page = 25
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("title", "culprit", "name")
    search_help_text = "Search title, culprit or event name"
    actions = ("resolve_issues", "mute_issues", "reopen_issues", "assign_issues_to_me", "merge_issues")

    class Media:
        css = {"all": ("events/issue.css",)}

    # --- Who may do what -----------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Issue | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Issue | None = None) -> bool:
        return False

    def has_triage_permission(self, request: HttpRequest) -> bool:
        return issue_triage.may_triage(request)

    # --- The list ------------------------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return IssueChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Issue]:
        return Issue.objects.visible().select_related("service", "assignee").annotate(severity_rank=SEVERITY_RANK)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-severity_rank", "-last_seen_at")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if (data := getattr(response, "context_data", None)) and (changelist := data.get("cl")):
            status = next(spec for spec in changelist.filter_specs if isinstance(spec, issue_filters.StatusFilter))
            data["status_tabs"] = list(status.choices(changelist))
            data["is_narrowed"] = bool(changelist.query) or changelist.has_active_filters
            data["has_issues"] = bool(changelist.result_list) or Issue.objects.exists()
        return response

    @display(description="Severity", ordering="severity_rank")
    def severity_badge(self, issue: Issue) -> SafeString:
        return mark_safe(render_to_string("events/_severity.html", {"severity": issue.severity}))  # noqa: S308

    @display(description="Issue")
    def what_broke(self, issue: Issue) -> SafeString:
        return format_html(
            '<span class="lm-issue-title">{}</span>'
            '<span class="lm-issue-culprit">{}</span><span class="lm-issue-origin"><bdi>{}</bdi> · <bdi>{}</bdi></span>',
            issue.title,
            issue.culprit,
            issue.service.name,
            issue.name,
        )

    @display(description="Trend")
    def trend(self, issue: Issue) -> SafeString:
        now, zone = timezone.now(), timezone.get_current_timezone()
        counts = getattr(issue, "hourly_counts", {})
        hours = [count for _, count in by_hour(counts, start=now - _SPARK_HOURS, now=now)]
        days = [count for _, count in by_day(counts, start=now - _SPARK_DAYS, now=now, zone=zone)]
        return format_html(
            '<span class="lm-issue-trend"><span aria-hidden="true">24 h</span>{}'
            '<span aria-hidden="true">14 d</span>{}</span>',
            mark_safe(sparkline(hours, label=f"Last 24 hours: {sum(hours)} events")),  # noqa: S308
            mark_safe(sparkline(days, label=f"Last 14 days: {sum(days)} events")),  # noqa: S308
        )

    @display(description="Events", ordering="event_count")
    def events_seen(self, issue: Issue) -> SafeString:
        return format_html('<span class="lm-issue-number">{}</span>', f"{issue.event_count:,}")

    @display(description="Users", ordering="user_count")
    def users_hurt(self, issue: Issue) -> SafeString:
        return format_html('<span class="lm-issue-number">{}</span>', f"{issue.user_count:,}")

    @display(description="Last seen", ordering="last_seen_at")
    def last_seen(self, issue: Issue) -> SafeString | str:
        return moment(issue.last_seen_at)

    @display(description="First seen", ordering="first_seen_at")
    def first_seen(self, issue: Issue) -> SafeString | str:
        return moment(issue.first_seen_at)

    @display(description="Status")
    def state(self, issue: Issue) -> SafeString:
        return mark_safe(render_to_string("events/issue/_state.html", {"issue": issue}))  # noqa: S308

    @display(description="Assignee")
    def assigned_to(self, issue: Issue) -> str:
        return str(issue.assignee) if issue.assignee else "Nobody"

    # --- Several at once -----------------------------------------------------------------------------------------

    @action(description="Resolve", permissions=["triage"])
    def resolve_issues(self, request: HttpRequest, queryset: QuerySet[Issue]) -> None:
        self._each(request, queryset, lambda issue: issue.resolve(by=issue_triage.actor(request), at=timezone.now()))

    @action(description="Mute", permissions=["triage"])
    def mute_issues(self, request: HttpRequest, queryset: QuerySet[Issue]) -> None:
        self._each(request, queryset, lambda issue: issue.mute(by=issue_triage.actor(request), at=timezone.now()))

    @action(description="Reopen", permissions=["triage"])
    def reopen_issues(self, request: HttpRequest, queryset: QuerySet[Issue]) -> None:
        self._each(request, queryset, lambda issue: issue.reopen(by=issue_triage.actor(request), at=timezone.now()))

    @action(description="Assign to me", permissions=["triage"])
    def assign_issues_to_me(self, request: HttpRequest, queryset: QuerySet[Issue]) -> None:
        me = issue_triage.actor(request)
        self._each(request, queryset, lambda issue: issue.assign(me, by=me, at=timezone.now()))

    @action(description="Merge…", permissions=["triage"])
    def merge_issues(self, request: HttpRequest, queryset: QuerySet[Issue]) -> HttpResponse:
        """The confirmation page says what stays and refuses what cannot be merged."""
        ids = queryset.order_by("pk").values_list("pk", flat=True)[: issue_triage.MAX_MERGED + 1]
        query = urlencode([("issue", str(pk)) for pk in ids])
        return HttpResponseRedirect(f"{reverse('admin:events_issue_merge')}?{query}")

    def _each(self, request: HttpRequest, queryset: QuerySet[Issue], change: Callable[[Issue], bool]) -> None:
        changed = sum(change(issue) for issue in queryset)
        same = len(request.POST.getlist(ACTION_CHECKBOX_NAME)) - changed
        note = f" {same} needed no change." if same > 0 and request.POST.get("select_across") != "1" else ""
        what = "1 issue changed." if changed == 1 else f"{changed} issues changed."
        self.message_user(request, what + note, messages.SUCCESS if changed else messages.INFO)

    # --- The page of one issue -----------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        views: list[tuple[str, str, Callable[..., HttpResponse]]] = [
            ("merge/", "merge", issue_triage.merge_view),
            ("<int:issue_id>/resolve/", "resolve", issue_triage.resolve_view),
            ("<int:issue_id>/mute/", "mute", issue_triage.mute_view),
            ("<int:issue_id>/reopen/", "reopen", issue_triage.reopen_view),
            ("<int:issue_id>/assign/", "assign", issue_triage.assign_view),
            ("<int:issue_id>/unmerge/", "unmerge", issue_triage.unmerge_view),
            ("<int:issue_id>/merge/", "merge_with", issue_triage.merge_with_view),
        ]
        own = [
            path(route, self.admin_site.admin_view(view), {"model_admin": self}, name=f"events_issue_{name}")
            for route, name, view in views
        ]
        return own + super().get_urls()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return issue_page.issue_view(request, object_id, model_admin=self)

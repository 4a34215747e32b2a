"""The UNFOLD dict: the admin's name, its own files, and its navigation, grouped as people think.

Everything that needs the database or the addresses is a function, called per request: this module is read with the settings.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from dashboards.queries.rights import ASKING_RIGHTS

Permission = Callable[[HttpRequest], bool]


def _file(path: str) -> Callable[[HttpRequest], str]:
    return lambda request: static(path)


def _may_view(model: str) -> Permission:
    app, name = model.split(".")
    return lambda request: request.user.has_perm(f"{app}.view_{name}")


def _is_shown(request: HttpRequest, query: str) -> bool:
    return all(request.GET.get(name) == value for name, value in parse_qsl(query))


# What an investigation carries from one analytics page to the next; each reads it from its address (dashboards.asking).
_CARRIED = ("window", "from", "to", "service", "environment", "release")
_LONGEST_CARRIED = 200


def _looks_through_a_window(page: str) -> bool:
    return page == "index" or (page.startswith("analytics") and page != "analytics_query")


def _carried(request: HttpRequest) -> str:
    """The window and the filters of an analytics page, or of the overview, as a query; "" on other pages."""
    match = request.resolver_match
    if match is None or match.namespace != "admin" or not _looks_through_a_window(match.url_name or ""):
        return ""
    words = {word: request.GET.get(word, "") for word in _CARRIED}
    return urlencode({word: value for word, value in words.items() if 0 < len(value) <= _LONGEST_CARRIED})


def _item(title: str, icon: str, page: str, *, query: str = "", **more: Any) -> dict[str, Any]:
    """One entry. It says itself when it is the current one: Unfold does not call links to find out and ignores queries."""

    def link(request: HttpRequest) -> str:
        words = _carried(request) if _looks_through_a_window(page) else query
        return reverse(f"admin:{page}") + (words and f"?{words}")

    def is_active(request: HttpRequest) -> bool:
        path = reverse(f"admin:{page}")
        if query or page in ("index", "analytics"):
            return request.path == path and _is_shown(request, query)
        is_narrower = page == _ISSUES and request.path == path and any(_is_shown(request, one) for one in _NARROWED)
        return request.path.startswith(path) and not is_narrower

    return {"title": title, "icon": icon, "link": link, "active": is_active, **more}


_ISSUES = "events_issue_changelist"
# What the entries under Respond narrow the list of issues to (events/admin/issue_filters.py).
_CRITICAL, _REGRESSED, _MINE = _NARROWED = ("severity=critical", "regressed=yes", "assignee=me")
_ISSUE = _may_view("events.issue")


def _may_look_at_alerts(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.view_alert") or request.user.has_perm("alerts.change_alert")


def _may_view_incidents(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.view_incident") or request.user.has_perm("alerts.change_incident")


def _may_read_reports(request: HttpRequest) -> bool:
    rights = ("view_incident", "view_incidentreport", "change_incidentreport")
    return any(request.user.has_perm(f"alerts.{one}") for one in rights)


def _may_analyse(request: HttpRequest) -> bool:
    return request.user.has_perm("dashboards.view_analytics")


def _may_read_digests(request: HttpRequest) -> bool:
    return _may_analyse(request) or request.user.has_perm("dashboards.view_digest")


def _may_subscribe(request: HttpRequest) -> bool:
    return _may_analyse(request) or request.user.has_perm("dashboards.view_digestsubscription")


def _may_ask(request: HttpRequest) -> bool:
    return request.user.has_perms(ASKING_RIGHTS)


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Liftmon",
    "SITE_HEADER": "Liftmon",
    "SITE_SYMBOL": "monitor_heart",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("dashboards/favicon.svg")}],
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "dashboards.pages.overview.add_overview",
    "STYLES": [_file("dashboards/liftmon.css"), _file("events/events.css"), _file("alerts/badges.css")],
    "SCRIPTS": [_file("dashboards/liftmon.js"), _file("dashboards/charts.js")],
    "COMMAND": {"search_models": False, "show_history": False},
    "SITE_VIEWS": [
        ("own-health/", "own_health", "liftmon.health_fragment.HealthFragment"),
        ("own-health/notice/", "own_health_notice", "liftmon.health_fragment.HealthNotice"),
        ("review/daily/", "review_daily", "dashboards.pages.review.DailyReviewPage"),
        ("review/weekly/", "review_weekly", "dashboards.pages.review.WeeklyReviewPage"),
        ("review/mark/", "review_mark", "dashboards.pages.review.MarkView"),
        ("review/item/", "review_item", "dashboards.pages.review.ItemPage"),
        ("review/preview/", "review_preview", "dashboards.pages.digest_preview.PreviewPage"),
        ("analytics/", "analytics", "dashboards.pages.hub.HubPage"),
        ("analytics/overview/", "analytics_overview", "dashboards.pages.overview.OverviewFile"),
        ("analytics/feed/", "analytics_feed", "dashboards.pages.feed.FeedPage"),
        ("analytics/feed/arrivals/", "analytics_feed_arrivals", "dashboards.pages.feed.ArrivalsFragment"),
        ("analytics/feed/<uuid:event_id>/", "analytics_feed_event", "dashboards.pages.feed.EventPanel"),
        ("analytics/endpoints/", "analytics_endpoints", "dashboards.pages.endpoints.EndpointsPage"),
        ("analytics/latency/", "analytics_latency", "dashboards.pages.latency.LatencyPage"),
        ("analytics/delivery/", "analytics_delivery", "dashboards.pages.delivery.DeliveryPage"),
        ("analytics/cache/", "analytics_cache", "dashboards.pages.cache.CachePage"),
        ("analytics/endpoint/", "analytics_endpoint", "dashboards.pages.endpoints.EndpointPage"),
        ("analytics/errors/", "analytics_errors", "dashboards.pages.errors.TopErrorsPage"),
        ("analytics/users/", "analytics_users", "dashboards.pages.users.UsersPage"),
        ("analytics/user/", "analytics_user", "dashboards.pages.users.UserPage"),
        ("analytics/ai/", "analytics_ai", "dashboards.pages.ai.AiPage"),
        ("analytics/security/", "analytics_security", "dashboards.pages.security.SecurityPage"),
        ("analytics/query/", "analytics_query", "dashboards.pages.query.QueryPage"),
        ("analytics/query/<int:pk>/", "analytics_saved_query", "dashboards.pages.query.QueryPage"),
        ("analytics/features/", "analytics_features", "dashboards.pages.features.FeaturesPage"),
        ("alerts/alertrule/dry-run/", "alerts_alertrule_dry_run", "dashboards.pages.dry_run.DryRun"),
        ("analytics/trials/", "analytics_trials", "dashboards.pages.trials.TrialsPage"),
        ("analytics/incidents/", "analytics_incidents", "dashboards.pages.incidents.IncidentTimesPage"),
        ("on-call/", "on_call", "alerts.admin.on_call_page.OnCallPage"),
        ("alerts/incident/<int:number>/audience/", "incident_audience", "alerts.admin.incident_audience.AudiencePage"),
        ("alerts/incident/<int:number>/status/", "incident_status", "alerts.admin.status_posting.IncidentStatusPage"),
        (
            "alerts/maintenancewindow/<int:number>/status/",
            "maintenance_status",
            "alerts.admin.status_posting.MaintenanceStatusPage",
        ),
        ("my-contacts/", "my_contacts", "alerts.admin.my_contacts.MyContactsPage"),
        ("diagnostics/", "diagnostics", "alerts.admin.diagnostics_page.DiagnosticsPage"),
        ("diagnostics/act/", "mitigation", "alerts.admin.diagnostics_page.MitigationPage"),
        (
            "alerts/incident/<int:incident_id>/diagnostics/",
            "incident_diagnostics",
            "alerts.admin.diagnostics_page.DiagnosticsPage",
        ),
        (
            "alerts/incident/<int:incident_id>/diagnostics/act/",
            "incident_mitigation",
            "alerts.admin.diagnostics_page.MitigationPage",
        ),
        ("alerts/incident/<int:incident_id>/steps/", "incident_steps", "alerts.admin.incident_steps.StepsPage"),
        (
            "alerts/incident/<int:incident_id>/follow-ups/",
            "incident_follow_ups",
            "alerts.admin.follow_up.FollowUpsPage",
        ),
        ("alerts/chart/<int:alert_id>/", "alert_chart", "dashboards.pages.alert_chart.AlertChart"),
    ],
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "title": "Monitor",
                "items": [
                    _item("Overview", "space_dashboard", "index"),
                    _item("Live feed", "stream", "analytics_feed", permission=_may_analyse),
                    _item(
                        "Issues",
                        "bug_report",
                        _ISSUES,
                        badge="dashboards.pages.overview.critical_badge",
                        badge_variant="danger",
                        permission=_ISSUE,
                    ),
                    _item("Events", "list_alt", "events_event_changelist", permission=_may_view("events.event")),
                ],
            },
            {
                "title": "Analyse",
                "separator": True,
                "items": [
                    _item("Analytics", "analytics", "analytics", permission=_may_analyse),
                    _item("Failing endpoints", "route", "analytics_endpoints", permission=_may_analyse),
                    _item("Top errors", "error", "analytics_errors", permission=_may_analyse),
                    _item("User impact", "personal_injury", "analytics_users", permission=_may_analyse),
                    _item("Slowest endpoints", "speed", "analytics_latency", permission=_may_analyse),
                    _item(
                        "Delivery and consistency", "mark_email_unread", "analytics_delivery", permission=_may_analyse
                    ),
                    _item("Cache", "cached", "analytics_cache", permission=_may_analyse),
                    _item("AI generation", "smart_toy", "analytics_ai", permission=_may_analyse),
                    _item("Auth & abuse", "shield_lock", "analytics_security", permission=_may_analyse),
                    _item("Feature adoption", "extension", "analytics_features", permission=_may_analyse),
                    _item("Trial conversion", "hourglass_bottom", "analytics_trials", permission=_may_analyse),
                    _item(
                        "Incident times",
                        "timer",
                        "analytics_incidents",
                        permission=lambda request: (
                            _may_analyse(request) and request.user.has_perm("alerts.view_incident")
                        ),
                    ),
                    _item("Query", "database_search", "analytics_query", permission=_may_ask),
                ],
            },
            {
                "title": "Respond",
                "separator": True,
                "items": [
                    _item(
                        "Incidents",
                        "emergency",
                        "alerts_incident_changelist",
                        badge="dashboards.pages.ongoing.ongoing_badge",
                        badge_variant="danger",
                        permission=_may_view_incidents,
                    ),
                    _item(
                        "Alerts",
                        "notifications_active",
                        "alerts_alert_changelist",
                        badge="dashboards.pages.firing.firing_badge",
                        badge_variant="danger",
                        permission=_may_look_at_alerts,
                    ),
                    _item(
                        "Silences",
                        "notifications_off",
                        "alerts_silence_changelist",
                        permission=_may_look_at_alerts,
                    ),
                    _item(
                        "Maintenance",
                        "construction",
                        "alerts_maintenancewindow_changelist",
                        permission=_may_look_at_alerts,
                    ),
                    _item("Diagnostics", "troubleshoot", "diagnostics", permission=_may_view("alerts.diagnosticrun")),
                    _item("Critical, unresolved", "emergency_home", _ISSUES, query=_CRITICAL, permission=_ISSUE),
                    _item("Came back", "history", _ISSUES, query=_REGRESSED, permission=_ISSUE),
                    _item("Assigned to me", "person", _ISSUES, query=_MINE, permission=_ISSUE),
                    _item("On call", "support_agent", "on_call", permission=_may_view("alerts.oncallschedule")),
                    _item(
                        "Escalation",
                        "stairs",
                        "alerts_escalationpolicy_changelist",
                        permission=_may_view("alerts.escalationpolicy"),
                    ),
                    _item("My contacts", "contact_phone", "my_contacts"),
                    _item(
                        "Incident reports",
                        "summarize",
                        "alerts_incidentreport_changelist",
                        permission=_may_read_reports,
                    ),
                    _item("Follow-ups", "task_alt", "alerts_followup_changelist", permission=_may_view_incidents),
                    _item("Runbooks", "checklist", "alerts_runbook_changelist", permission=_may_view("alerts.runbook")),
                    _item("Rules", "rule", "alerts_alertrule_changelist", permission=_may_view("alerts.alertrule")),
                    _item("Routes", "alt_route", "alerts_route_changelist", permission=_may_view("alerts.route")),
                    _item("Channels", "campaign", "alerts_channel_changelist", permission=_may_view("alerts.channel")),
                    _item(
                        "Notifications",
                        "outbox",
                        "alerts_notification_changelist",
                        permission=_may_view("alerts.notification"),
                    ),
                ],
            },
            {
                "title": "Status page",
                "separator": True,
                "items": [
                    _item(
                        "Updates",
                        "campaign",
                        "alerts_statusupdate_changelist",
                        permission=_may_view("alerts.statusupdate"),
                    ),
                    _item(
                        "Components",
                        "widgets",
                        "alerts_component_changelist",
                        permission=_may_view("alerts.component"),
                    ),
                    _item(
                        "Subscribers",
                        "mail",
                        "alerts_subscriber_changelist",
                        permission=_may_view("alerts.subscriber"),
                    ),
                    _item("Letters", "drafts", "alerts_letter_changelist", permission=_may_view("alerts.letter")),
                ],
            },
            {
                "title": "Review",
                "separator": True,
                "items": [
                    _item("Daily review", "today", "review_daily", permission=_may_analyse),
                    _item("Weekly review", "date_range", "review_weekly", permission=_may_analyse),
                    _item("Digests", "forward_to_inbox", "dashboards_digest_changelist", permission=_may_read_digests),
                    _item(
                        "Subscriptions",
                        "subscriptions",
                        "dashboards_digestsubscription_changelist",
                        permission=_may_subscribe,
                    ),
                    _item(
                        "Catalogue",
                        "menu_book",
                        "events_eventtype_changelist",
                        permission=_may_view("events.eventtype"),
                    ),
                ],
            },
            {
                "title": "Set up",
                "separator": True,
                "items": [
                    _item("Services", "dns", "events_service_changelist", permission=_may_view("events.service")),
                    _item(
                        "Databases",
                        "database",
                        "alerts_monitoreddatabase_changelist",
                        permission=_may_view("alerts.monitoreddatabase"),
                    ),
                    _item(
                        "Addresses",
                        "language",
                        "alerts_httpcheck_changelist",
                        permission=_may_view("alerts.httpcheck"),
                    ),
                    _item("API tokens", "key", "events_apitoken_changelist"),
                    _item(
                        "Rejections",
                        "block",
                        "events_ingestrejection_changelist",
                        permission=_may_view("events.ingestrejection"),
                    ),
                    _item(
                        "Limits reached",
                        "front_hand",
                        "events_guardhit_changelist",
                        permission=_may_view("events.guardhit"),
                    ),
                    _item(
                        "Periodic tasks",
                        "schedule",
                        "django_celery_beat_periodictask_changelist",
                        permission=_may_view("django_celery_beat.periodictask"),
                    ),
                    _item("Users", "group", "auth_user_changelist", permission=_may_view("auth.user")),
                    _item("Groups", "groups", "auth_group_changelist", permission=_may_view("auth.group")),
                ],
            },
        ],
    },
}

"""The UNFOLD dict: the admin's name, its own files, and its navigation, grouped as people think.

Everything that needs the database or the addresses is a function, called per request: this module is read with the settings.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

Permission = Callable[[HttpRequest], bool]


def _file(path: str) -> Callable[[HttpRequest], str]:
    return lambda request: static(path)


def _page(name: str, query: str = "") -> Callable[[HttpRequest], str]:
    return lambda request: reverse(f"admin:{name}") + query


def _may_view(model: str) -> Permission:
    return lambda request: request.user.has_perm(f"{model.split('.')[0]}.view_{model.split('.')[1]}")


def _assigned_to_me(request: HttpRequest) -> str:
    return reverse("admin:events_issue_changelist") + "?assignee=me"


_ISSUE, _EVENT, _SERVICE = _may_view("events.issue"), _may_view("events.event"), _may_view("events.service")

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Liftmon",
    "SITE_HEADER": "Liftmon",
    "SITE_SYMBOL": "monitor_heart",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("dashboards/favicon.svg")}],
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "dashboards.pages.overview.add_overview",
    "STYLES": [_file("dashboards/liftmon.css"), _file("events/events.css")],
    "SCRIPTS": [_file("dashboards/liftmon.js"), _file("dashboards/charts.js")],
    "COMMAND": {"search_models": False, "show_history": False},
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "title": "Monitor",
                "items": [
                    {"title": "Overview", "icon": "space_dashboard", "link": _page("index")},
                    {
                        "title": "Issues",
                        "icon": "bug_report",
                        "link": _page("events_issue_changelist"),
                        "badge": "dashboards.pages.overview.critical_badge",
                        "badge_variant": "danger",
                        "permission": _ISSUE,
                    },
                    {
                        "title": "Events",
                        "icon": "list_alt",
                        "link": _page("events_event_changelist"),
                        "permission": _EVENT,
                    },
                ],
            },
            {
                "title": "Respond",
                "separator": True,
                "items": [
                    {
                        "title": "Critical, unresolved",
                        "icon": "emergency_home",
                        "link": _page("events_issue_changelist", "?severity=critical"),
                        "permission": _ISSUE,
                    },
                    {
                        "title": "Came back",
                        "icon": "history",
                        "link": _page("events_issue_changelist", "?regressed=yes"),
                        "permission": _ISSUE,
                    },
                    {"title": "Assigned to me", "icon": "person", "link": _assigned_to_me, "permission": _ISSUE},
                ],
            },
            {
                "title": "Review",
                "separator": True,
                "items": [
                    {
                        "title": "Daily review",
                        "icon": "today",
                        "link": _page("events_issue_changelist", "?tier=daily"),
                        "permission": _ISSUE,
                    },
                    {
                        "title": "Weekly review",
                        "icon": "date_range",
                        "link": _page("events_issue_changelist", "?tier=weekly"),
                        "permission": _ISSUE,
                    },
                    {
                        "title": "Catalogue",
                        "icon": "menu_book",
                        "link": _page("events_eventtype_changelist"),
                        "permission": _may_view("events.eventtype"),
                    },
                ],
            },
            {
                "title": "Set up",
                "separator": True,
                "items": [
                    {
                        "title": "Services",
                        "icon": "dns",
                        "link": _page("events_service_changelist"),
                        "permission": _SERVICE,
                    },
                    {
                        "title": "Rejections",
                        "icon": "block",
                        "link": _page("events_ingestrejection_changelist"),
                        "permission": _may_view("events.ingestrejection"),
                    },
                    {
                        "title": "Periodic tasks",
                        "icon": "schedule",
                        "link": _page("django_celery_beat_periodictask_changelist"),
                        "permission": _may_view("django_celery_beat.periodictask"),
                    },
                    {
                        "title": "Users",
                        "icon": "group",
                        "link": _page("auth_user_changelist"),
                        "permission": _may_view("auth.user"),
                    },
                    {
                        "title": "Groups",
                        "icon": "groups",
                        "link": _page("auth_group_changelist"),
                        "permission": _may_view("auth.group"),
                    },
                ],
            },
        ],
    },
}

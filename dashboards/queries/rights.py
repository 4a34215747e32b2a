"""Who may ask in SQL: whoever may see what the views show, for a view cannot be withheld from one person. Pure."""

# The analytics themselves, and what the pages of events, issues, services and the catalogue ask for.
ASKING_RIGHTS = (
    "dashboards.view_analytics",
    "events.view_event",
    "events.view_issue",
    "events.view_service",
    "events.view_eventtype",
)

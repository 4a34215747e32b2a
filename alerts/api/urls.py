"""Routes below /api/v1/, each with and without the trailing slash."""

from django.urls import URLPattern, re_path

from alerts.api import alerts, channels, incidents, maintenance, notifications, routes, rules, silences
from events.api.v1.view import ApiView

app_name = "alerts-api-v1"


def _one(address: str, key: str, view: type[ApiView], name: str, verb: str = "") -> URLPattern:
    return re_path(rf"^{address}/(?P<{key}>[0-9]{{1,18}}){verb and f'/{verb}'}/?\Z", view.as_view(), name=name)


urlpatterns = [
    re_path(r"^alerts/?\Z", alerts.AlertListView.as_view(), name="alerts"),
    _one("alerts", "alert_id", alerts.AlertView, "alert"),
    _one("alerts", "alert_id", alerts.AcknowledgeView, "alert-acknowledge", "acknowledge"),
    _one("alerts", "alert_id", alerts.SilenceView, "alert-silence", "silence"),
    _one("alerts", "alert_id", alerts.ResolveView, "alert-resolve", "resolve"),
    _one("alerts", "alert_id", alerts.NoteView, "alert-note", "note"),
    re_path(r"^incidents/?\Z", incidents.IncidentListView.as_view(), name="incidents"),
    _one("incidents", "incident_id", incidents.IncidentView, "incident"),
    _one("incidents", "incident_id", incidents.AcknowledgeIncidentView, "incident-acknowledge", "acknowledge"),
    _one("incidents", "incident_id", incidents.MitigateIncidentView, "incident-mitigate", "mitigate"),
    _one("incidents", "incident_id", incidents.ResolveIncidentView, "incident-resolve", "resolve"),
    _one("incidents", "incident_id", incidents.CloseIncidentView, "incident-close", "close"),
    _one("incidents", "incident_id", incidents.ReopenIncidentView, "incident-reopen", "reopen"),
    _one("incidents", "incident_id", incidents.IncidentNoteView, "incident-note", "note"),
    _one("incidents", "incident_id", incidents.IncidentSeverityView, "incident-severity", "severity"),
    re_path(r"^rules/?\Z", rules.RuleListView.as_view(), name="rules"),
    _one("rules", "rule_id", rules.RuleView, "rule"),
    _one("rules", "rule_id", rules.RuleEnableView, "rule-enable", "enable"),
    _one("rules", "rule_id", rules.RuleDisableView, "rule-disable", "disable"),
    re_path(r"^silences/?\Z", silences.SilenceListView.as_view(), name="silences"),
    _one("silences", "silence_id", silences.SilenceEndView, "silence-end", "end"),
    re_path(r"^maintenance-windows/?\Z", maintenance.MaintenanceWindowListView.as_view(), name="maintenance-windows"),
    _one("maintenance-windows", "window_id", maintenance.MaintenanceWindowEndView, "maintenance-window-end", "end"),
    re_path(r"^channels/?\Z", channels.ChannelListView.as_view(), name="channels"),
    _one("channels", "channel_id", channels.ChannelView, "channel"),
    _one("channels", "channel_id", channels.ChannelTestView, "channel-test", "test"),
    re_path(r"^routes/?\Z", routes.RouteListView.as_view(), name="routes"),
    _one("routes", "route_id", routes.RouteView, "route"),
    re_path(r"^notifications/?\Z", notifications.NotificationListView.as_view(), name="notifications"),
    _one("notifications", "notification_id", notifications.NotificationView, "notification"),
    _one("notifications", "notification_id", notifications.SendAgainView, "notification-send-again", "send-again"),
]

"""What to do about what happened: rules, their alerts, where people are told, and what mutes it; one noun a module."""

from alerts.models.alert import Alert, AlertEntry, AlertState, EntryKind
from alerts.models.channel import Channel, ChannelKind, Route
from alerts.models.contact import ContactPoint, QuietHours
from alerts.models.escalation import (
    EscalationDue,
    EscalationPolicy,
    EscalationState,
    EscalationStep,
    Tells,
)
from alerts.models.notification import Notification, NotificationAttempt, NotificationKind, NotificationState
from alerts.models.on_call import OnCallSchedule, OnCallShift, RotationMember, Turns
from alerts.models.rule import AlertRule, ConditionType
from alerts.models.silence import MaintenanceWindow, Silence
from alerts.models.slack_request import SlackRequest

__all__ = [
    "Alert",
    "AlertEntry",
    "AlertRule",
    "AlertState",
    "Channel",
    "ChannelKind",
    "ConditionType",
    "ContactPoint",
    "EntryKind",
    "EscalationDue",
    "EscalationPolicy",
    "EscalationState",
    "EscalationStep",
    "MaintenanceWindow",
    "Notification",
    "NotificationAttempt",
    "NotificationKind",
    "NotificationState",
    "OnCallSchedule",
    "OnCallShift",
    "QuietHours",
    "RotationMember",
    "Route",
    "Silence",
    "SlackRequest",
    "Tells",
    "Turns",
]

"""What to do about what happened: rules, their alerts, where people are told, and what mutes it; one noun a module."""

from alerts.models.alert import Alert, AlertEntry, AlertState, EntryKind
from alerts.models.channel import Channel, ChannelKind, Route
from alerts.models.contact import ContactPoint, QuietHours
from alerts.models.diagnostic import DiagnosticRun, Finding, HttpCheck, Mitigation, MitigationKind, MonitoredDatabase
from alerts.models.escalation import (
    EscalationDue,
    EscalationPolicy,
    EscalationState,
    EscalationStep,
    Tells,
)
from alerts.models.incident import (
    ONGOING,
    Bond,
    FollowUp,
    Incident,
    IncidentAlert,
    IncidentEntry,
    IncidentEntryKind,
    IncidentEntryVersion,
    IncidentIssue,
    IncidentSeverity,
    IncidentState,
)
from alerts.models.incident_report import IncidentReport, ReportState
from alerts.models.letter import Letter, LetterAttempt
from alerts.models.notification import Notification, NotificationAttempt, NotificationKind, NotificationState
from alerts.models.on_call import OnCallSchedule, OnCallShift, RotationMember, Turns
from alerts.models.rule import AlertRule, ConditionType
from alerts.models.runbook import IncidentStep, IncidentStepState, Runbook, RunbookStep, StepKind
from alerts.models.silence import MaintenanceWindow, Silence
from alerts.models.slack_request import SlackRequest
from alerts.models.status import (
    Component,
    ComponentGroup,
    ComponentImpact,
    ImpactLevel,
    StatusUpdate,
    Subscriber,
    UpdateState,
)

__all__ = [
    "ONGOING",
    "Alert",
    "AlertEntry",
    "AlertRule",
    "AlertState",
    "Bond",
    "Channel",
    "ChannelKind",
    "Component",
    "ComponentGroup",
    "ComponentImpact",
    "ConditionType",
    "ContactPoint",
    "DiagnosticRun",
    "EntryKind",
    "EscalationDue",
    "EscalationPolicy",
    "EscalationState",
    "EscalationStep",
    "Finding",
    "FollowUp",
    "HttpCheck",
    "ImpactLevel",
    "Incident",
    "IncidentAlert",
    "IncidentEntry",
    "IncidentEntryKind",
    "IncidentEntryVersion",
    "IncidentIssue",
    "IncidentReport",
    "IncidentSeverity",
    "IncidentState",
    "IncidentStep",
    "IncidentStepState",
    "Letter",
    "LetterAttempt",
    "MaintenanceWindow",
    "Mitigation",
    "MitigationKind",
    "MonitoredDatabase",
    "Notification",
    "NotificationAttempt",
    "NotificationKind",
    "NotificationState",
    "OnCallSchedule",
    "OnCallShift",
    "QuietHours",
    "ReportState",
    "RotationMember",
    "Route",
    "Runbook",
    "RunbookStep",
    "Silence",
    "SlackRequest",
    "StatusUpdate",
    "StepKind",
    "Subscriber",
    "Tells",
    "Turns",
    "UpdateState",
]

"""The admin of alerts; one noun a module."""

from alerts.admin import alert as alert
from alerts.admin import channel as channel
from alerts.admin import component as component
from alerts.admin import diagnostic_run as diagnostic_run
from alerts.admin import escalation as escalation
from alerts.admin import follow_up as follow_up
from alerts.admin import incident as incident
from alerts.admin import incident_report as incident_report
from alerts.admin import letter as letter
from alerts.admin import maintenance as maintenance
from alerts.admin import monitored_database as monitored_database
from alerts.admin import notification as notification
from alerts.admin import on_call as on_call
from alerts.admin import quiet_hours as quiet_hours
from alerts.admin import route as route
from alerts.admin import rule as rule
from alerts.admin import runbook as runbook
from alerts.admin import silence as silence
from alerts.admin import status_update as status_update

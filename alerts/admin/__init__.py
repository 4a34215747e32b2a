"""The admin of alerts; one noun a module."""

from alerts.admin import alert as alert
from alerts.admin import rule as rule

"""The admin of alerts; one noun a module."""

from alerts.admin import alert as alert

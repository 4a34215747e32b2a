"""The right to see the analytics pages. It has no table: the pages read what events and alerts keep."""

from django.db import models


class Analytics(models.Model):
    """Carries the permission ``dashboards.view_analytics``."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [("view_analytics", "Can see the analytics pages")]
        verbose_name_plural = "analytics"

"""Requests of Slack that were answered, so that one that is sent again does nothing."""

from django.db import models


class SlackRequest(models.Model):
    """A signature, kept for as long as its timestamp would be taken."""

    signature = models.CharField(max_length=80, unique=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

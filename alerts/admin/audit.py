"""The admin's log of what people did, for what is done outside of its forms."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest


def actor(request: HttpRequest) -> User:
    """Who is at the keyboard; the admin lets nobody else in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def note(request: HttpRequest, what: Model, said: str) -> None:
    LogEntry.objects.log_actions(actor(request).pk, [what], CHANGE, said, single_object=True)

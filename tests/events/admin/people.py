"""Staff with just the rights that a test is about."""

from django.contrib.auth.models import Permission, User
from django.test import Client


def make_person(name: str, *rights: str) -> User:
    """A staff user with those permissions of our apps."""
    person = User.objects.create_user(name, is_staff=True)
    person.user_permissions.set(
        Permission.objects.filter(content_type__app_label__in=("events", "dashboards", "alerts"), codename__in=rights)
    )
    return person


def client_of(person: User, *, enforce_csrf_checks: bool = False) -> Client:
    client = Client(enforce_csrf_checks=enforce_csrf_checks)
    client.force_login(person)
    return client


def triager(name: str = "ada") -> User:
    return make_person(name, "view_issue", "triage_issue", "view_event")


def reader(name: str = "eve") -> User:
    return make_person(name, "view_issue", "view_event", "view_analytics")

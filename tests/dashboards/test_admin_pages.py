"""Every registered list and form answers, only to those who may, and without scripts that our security policy refuses."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
MODELS = sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry)
INLINE = re.compile(r"<script(?![^>]*\b(?:src=|type=\"application/json\"))[^>]*>")


def test_all_of_ours_and_of_the_packages_are_there() -> None:
    assert {"events_issue", "events_event", "events_service", "events_eventtype", "events_ingestrejection"} <= set(
        MODELS
    )
    assert {"auth_user", "auth_group", "django_celery_beat_periodictask"} <= set(MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_the_list_and_the_form_answer_a_superuser(admin_client: Client, model: str) -> None:
    listed = admin_client.get(reverse(f"admin:{model}_changelist"))
    added = admin_client.get(reverse(f"admin:{model}_add"))

    assert listed.status_code == 200
    assert added.status_code in (200, 403)
    assert INLINE.findall(listed.content.decode()) == []
    assert INLINE.findall(added.content.decode()) == []


# Everybody on the staff has tokens of their own.
@pytest.mark.parametrize("model", [model for model in MODELS if model != "events_apitoken"])
def test_staff_without_permission_are_refused(model: str) -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))

    assert client.get(reverse(f"admin:{model}_changelist")).status_code == 403
    assert client.get(reverse(f"admin:{model}_add")).status_code == 403


def test_pages_carry_the_security_headers(admin_client: Client) -> None:
    response = admin_client.get("/admin/")

    assert "script-src 'self' 'unsafe-eval';" in response["Content-Security-Policy"]
    assert "'unsafe-inline'" not in response["Content-Security-Policy"].split("style-src")[0]
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_person_is_made_and_changes_a_password(admin_client: Client) -> None:
    admin_client.post(
        "/admin/auth/user/add/",
        {
            "username": "ada",
            "password1": "long-enough-words",
            "password2": "long-enough-words",
            "usable_password": "true",
        },
    )

    assert User.objects.get(username="ada").check_password("long-enough-words")

"""Who may ask: tokens, sessions, and how everybody else is refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from events.models import ApiToken, Issue, IssueStatus, TokenScope
from tests.events.admin.people import client_of, make_person
from tests.events.api.v1.conftest import Caller
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
EVERY_LIST = ["services", "events", "issues"]


def ask(address: str = "services", **headers: str) -> Any:
    return Client().get(f"/api/v1/{address}", headers=headers)


def assert_problem(response: Any, status: int, code: str) -> None:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:liftmon:problem:{code}"
    assert problem["detail"]


@pytest.mark.parametrize("address", [*EVERY_LIST, "issues/1", "issues/1/events", "services/1"])
def test_nobody_learns_anything_without_signing_in(address: str) -> None:
    response = ask(address)

    assert_problem(response, 401, "not_signed_in")
    assert response["WWW-Authenticate"].startswith("Bearer ")
    assert "API tokens" in response.json()["detail"]


def test_a_token_opens_what_its_person_may_see(reader: Caller) -> None:
    for address in EVERY_LIST:
        response = reader.get(address)
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_written_in_any_case(reader: Caller, scheme: str) -> None:
    assert ask(Authorization=f"{scheme} {reader.text}").status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "lmt_",
        "lmt_" + "0" * 64,
        "lmt_" + "0" * 63,
        "lmt_" + "é" * 64,
        "Lmt_" + "0" * 64,
        "\x00",
        "a b c",
        "0" * 9999,
    ],
)
def test_a_token_that_is_none_is_401(reader: Caller, text: str) -> None:
    response = ask(Authorization=f"Bearer {text}")

    assert_problem(response, 401, "unknown_token")
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


def test_an_ingest_key_only_sends(sender: Sender) -> None:
    response = ask(Authorization=f"Bearer {sender.keys.secret}")

    assert_problem(response, 401, "unknown_token")
    assert "ingest keys only send" in response.json()["detail"]


def test_an_api_token_sends_nothing(sender: Sender, reader: Caller) -> None:
    assert sender.post({"event": "a"}, key=reader.text).status_code == 403


def test_a_revoked_token_is_401(reader: Caller) -> None:
    reader.token.revoke(at=timezone.now())

    assert_problem(reader.get("services"), 401, "revoked_token")


def test_an_expired_token_is_401(reader: Caller) -> None:
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert_problem(reader.get("services"), 401, "expired_token")

    ApiToken.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert reader.get("services").status_code == 200


def test_the_token_of_somebody_who_left_is_401(reader: Caller) -> None:
    User.objects.filter(pk=reader.person.pk).update(is_active=False)

    assert_problem(reader.get("services"), 401, "inactive_user")


def test_whoever_is_no_longer_on_the_staff_is_403(reader: Caller) -> None:
    User.objects.filter(pk=reader.person.pk).update(is_staff=False)

    assert_problem(reader.get("services"), 403, "not_staff")


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("services", "view_service"),
        ("services/1", "view_service"),
        ("events", "view_event"),
        ("events/019cb8ad-22d2-7f3a-9c51-6d1f0b8e4a77", "view_event"),
        ("issues", "view_issue"),
        ("issues/1", "view_issue"),
        ("issues/1/events", "view_issue"),
        ("issues/1/events", "view_event"),
    ],
)
def test_each_address_needs_its_permission_and_names_it(
    make_caller: Callable[..., Caller], address: str, right: str
) -> None:
    others = {"view_service", "view_event", "view_issue"} - {right}

    response = make_caller(*others).get(address)

    assert_problem(response, 403, "permission_missing")
    assert f"events.{right}" in response.json()["detail"]


def test_a_session_of_the_admin_does_as_well(sender: Sender) -> None:
    client = client_of(make_person("ada", "view_service"))

    assert client.get("/api/v1/services").json()["results"][0]["name"] == "lift api"
    assert_problem(client.get("/api/v1/events"), 403, "permission_missing")


def test_the_token_counts_when_there_is_a_session_too(reader: Caller) -> None:
    client = client_of(make_person("nobody"))

    assert client.get("/api/v1/services", headers=reader.headers).status_code == 200
    assert_problem(client.get("/api/v1/services", headers={"Authorization": "Bearer x"}), 401, "unknown_token")


def test_a_session_changes_nothing_without_the_csrf_token(sender: Sender) -> None:
    sender.store({"event": "api_timeout", "level": "error"})
    address = f"/api/v1/issues/{Issue.objects.get().pk}"
    client = client_of(make_person("ada", "view_issue", "triage_issue"), enforce_csrf_checks=True)

    refused: Any = client.patch(address, {"status": "resolved"}, content_type="application/json")
    assert_problem(refused, 403, "csrf_failed")
    assert Issue.objects.get().status == IssueStatus.UNRESOLVED

    client.get("/admin/")
    csrf_token = client.cookies["csrftoken"].value
    changed: Any = client.patch(
        address, {"status": "resolved"}, content_type="application/json", headers={"X-CSRFToken": csrf_token}
    )
    assert changed.status_code == 200
    assert Issue.objects.get().status == IssueStatus.RESOLVED


def test_a_token_that_only_reads_changes_nothing(sender: Sender, make_caller: Callable[..., Caller]) -> None:
    sender.store({"event": "api_timeout", "level": "error"})
    address = f"issues/{Issue.objects.get().pk}"
    rights = ("view_issue", "triage_issue")

    refused = make_caller(*rights, name="ada").patch(address, {"status": "resolved"})
    assert_problem(refused, 403, "insufficient_scope")

    assert (
        make_caller(*rights, name="eve", scope=TokenScope.WRITE).patch(address, {"status": "resolved"}).status_code
        == 200
    )


def test_its_use_is_written_down_to_five_minutes(reader: Caller, django_assert_num_queries: Any) -> None:
    reader.get("services")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    assert timezone.now() - first < timedelta(minutes=1)

    reader.get("services")
    assert ApiToken.objects.get().last_used_at == first

    ApiToken.objects.update(last_used_at=first - timedelta(minutes=6))
    reader.get("services")
    assert ApiToken.objects.get().last_used_at > first  # type: ignore[operator]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace"])
def test_another_method_is_405_and_names_those_that_are_there(reader: Caller, method: str) -> None:
    response = getattr(Client(), method)("/api/v1/events", headers=reader.headers)

    assert_problem(response, 405, "method_not_allowed")
    assert response["Allow"] == "GET, HEAD"
    assert "Send a GET." in response.json()["detail"]


def test_an_issue_can_be_read_and_changed(triager: Caller) -> None:
    response = Client().delete("/api/v1/issues/1", headers=triager.headers)

    assert_problem(response, 405, "method_not_allowed")
    assert "Send a GET or PATCH." in response.json()["detail"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nothing",
        "events/1",
        "events/not-a-uuid",
        "issues/x",
        "issues/-1",
        f"issues/{'9' * 30}",
        "issues/1/x",
        "services/1/2",
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_address_where_nothing_is_is_404_for_programs_too(method: str, address: str) -> None:
    response = getattr(Client(), method)(f"/api/v1/{address}")

    assert_problem(response, 404, "unknown_address")


@pytest.mark.parametrize("address", EVERY_LIST)
def test_the_slash_at_the_end_does_not_matter(reader: Caller, address: str) -> None:
    assert reader.get(f"{address}/").status_code == 200


def test_it_says_so_when_the_database_is_away(reader: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def away(*_: object, **__: object) -> None:
        raise OperationalError("connection refused: secret-host")

    monkeypatch.setattr("events.api.v1.issues.search_issues", away)

    response = reader.get("issues")

    assert_problem(response, 503, "database_unavailable")
    assert response["Retry-After"] == "5"
    assert b"secret-host" not in response.content


def test_more_parameters_than_django_reads_are_400(reader: Caller) -> None:
    response = Client().get("/api/v1/events?" + "&".join(["severity=error"] * 2000), headers=reader.headers)

    assert_problem(response, 400, "bad_request")

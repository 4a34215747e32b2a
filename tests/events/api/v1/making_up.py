"""Requests made up from the API's own description."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks

from liftmon.wsgi import application


def within_the_test(environ: Any, start_response: Any) -> list[bytes]:
    """The application on the test's own connection and in its transaction, as Django's test client calls it."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        response = application(environ, start_response)
        content = list(response)
        response.close()
    finally:
        for signal in signals:
            signal.connect(close_old_connections)
    return content


@schemathesis.serializer("application/x-ndjson")
def lines(_: Any, value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


load_all_checks()
POSITIVE, NEGATIVE, AUTH = CHECKS.get_by_names(["positive_data_acceptance", "negative_data_rejection", "ignored_auth"])
ADDRESS = "/api/schema/?format=json"
everything = schemathesis.openapi.from_wsgi(ADDRESS, within_the_test)
# Only what the description allows; that NUL is refused it cannot say.
allowed = schemathesis.openapi.from_wsgi(
    ADDRESS,
    within_the_test,
    config=schemathesis.Config.from_dict({"generation": {"mode": "positive", "allow-x00": False}}),
)
made_up = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def asked(described: Any, operation: str, check: Callable[..., None]) -> Any:
    """A test of its own name for one operation: as parameters of one test they would all have the same, and several processes
    would share them out as one.
    """

    def test(*arguments: Any, **named: Any) -> None:
        check(*arguments, **named)

    one = wraps(check)(test)
    one.__name__ = one.__qualname__ = f"test_{operation}_{check.__name__}"
    return described.include(operation_id=operation).parametrize()(made_up(one))


# What belongs to alerts is filled and asked by a module of its own (tests/alerts/api).
OF_ALERTS = {"alerts", "incidents", "rules", "silences", "maintenance windows", "channels", "routes", "notifications"}


def operations(*, of_alerts: bool) -> list[str]:
    """Their ids."""
    described = [operation.ok().definition.raw for operation in everything.get_all_operations()]
    return [one["operationId"] for one in described if bool(OF_ALERTS & set(one["tags"])) is of_alerts]

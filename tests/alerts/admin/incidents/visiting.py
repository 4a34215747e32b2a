"""How tests read the pages of incidents, and act there."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User

from alerts.models import Incident
from tests.events.admin.people import client_of

LIST = "/admin/alerts/incident/"
MINUTE = timedelta(minutes=1)
type Budget = Callable[[int], AbstractContextManager[Any]]


def told(html: str) -> str:
    """As text, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def get(person: User, address: str, **headers: str) -> str:
    answer = client_of(person).get(address, headers=headers)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.content.decode()


def page(person: User, incident: Incident) -> str:
    return get(person, f"{LIST}{incident.pk}/change/")


def act(who: User, incident: Incident, verb: str, **fields: Any) -> str:
    """The messages that the next page shows."""
    client = client_of(who)
    answer = client.post(f"{LIST}{incident.pk}/{verb}/", fields)
    assert answer.status_code == 302, (verb, answer.status_code, answer.content[:200])
    next_page: Any = client.get(answer["Location"].partition("#")[0])
    incident.refresh_from_db()
    return " ".join(str(message) for message in next_page.context["messages"])

"""How tests read the pages about who is told."""

import re
from zoneinfo import ZoneInfo

from django.test import Client

ON_CALL, CONTACTS = "/admin/on-call/", "/admin/my-contacts/"
BERLIN = ZoneInfo("Europe/Berlin")


def page(client: Client, address: str = ON_CALL) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def in_berlin(client: Client) -> Client:
    client.cookies["lm_tz"] = "Europe/Berlin"
    return client

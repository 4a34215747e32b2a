"""How tests ask on the page of questions in SQL, and read its answer."""

import re
from html import unescape
from typing import Any

from django.test import Client

from dashboards.models import SavedQuery

QUERY = "/admin/analytics/query/"
SEEING = ("view_analytics", "view_event", "view_issue", "view_service", "view_eventtype")
EDITING = (*SEEING, "add_savedquery", "change_savedquery", "delete_savedquery")


def address(saved: SavedQuery) -> str:
    return f"{QUERY}{saved.pk}/"


def run(client: Client, statement: str, *, path: str = QUERY, **fields: str) -> str:
    """The page after the question was asked."""
    answer: Any = client.post(path, {"statement": statement, "action": "run", **fields})
    assert answer.status_code == 200
    return str(answer.content.decode())


def form_of(saved: SavedQuery, **changes: str) -> dict[str, str]:
    """The form as the page fills it."""
    return {
        "action": "save",
        "seen_at": saved.updated_at.isoformat(),
        "name": saved.name,
        "description": saved.description,
        "statement": saved.statement,
        "chart_kind": "",
        "chart_x": "",
        "chart_y": "",
        **changes,
    }


def cells(page: str) -> list[list[str]]:
    """The table of the answer."""
    table = page.split('aria-label="The answer"')[1].split("</table>")[0]
    return [
        [unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    ]

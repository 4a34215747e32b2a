"""Reading a page as a person does: its tables, its links, and what is behind them."""

import re
from html import unescape
from typing import Any

from django.test import Client


def shown(client: Client, address: str) -> str:
    """The page as text; it must be there."""
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def rows(html: str, region: str) -> list[list[str]]:
    """The cells of a table as texts."""
    table = html.split(f'aria-label="{region}"')[1].split("</table>")[0]
    body = table.split("<tbody>")[1]
    return [
        [
            " ".join(unescape(re.sub(r"<[^>]+>", " ", cell.replace("<wbr>", ""))).split())
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]


def links(html: str, region: str) -> dict[str, str]:
    """Every linked number of a table: (text of the link) by address."""
    table = html.split(f'aria-label="{region}"')[1].split("</table>")[0]
    return {
        unescape(address): unescape(re.sub(r"<[^>]+>", "", text)).strip()
        for address, text in re.findall(r'<a href="([^"]+)"[^>]*>(.*?)</a>', table, re.DOTALL)
    }


def behind(client: Client, address: str) -> int:
    """How many events a link leads to."""
    response: Any = client.get(address)
    return len(response.context_data["page"].events)

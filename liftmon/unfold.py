"""The UNFOLD dict: the admin's name, colours and navigation, grouped as people think."""

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Liftmon",
    "SITE_HEADER": "Liftmon",
    "SITE_SYMBOL": "monitor_heart",
}

"""Which browser or tool a User-Agent text names: family and major version, enough to see "only Safari 17 fails"."""

import re
from typing import Final

# The order matters: every browser also claims to be the ones below it.
_FAMILIES: Final = tuple(
    (family, re.compile(pattern))
    for family, pattern in (
        ("Bot", r"(?i)\b(?:\w*bot|crawler|spider)\b(?:/(\d+))?"),
        ("Edge", r"\bEdg(?:e|A|iOS)?/(\d+)"),
        ("Opera", r"\b(?:OPR|Opera)/(\d+)"),
        ("Samsung Internet", r"\bSamsungBrowser/(\d+)"),
        ("Firefox", r"\b(?:Firefox|FxiOS)/(\d+)"),
        ("Chrome", r"\b(?:Chrome|CriOS|HeadlessChrome)/(\d+)"),
        ("Safari", r"\bVersion/(\d+)[\d.]* (?:Mobile/\w+ )?Safari/"),
        ("curl", r"\Acurl/(\d+)"),
        ("Python", r"\A(?:python-requests|python-httpx|Python-urllib)/(\d+)"),
        ("Node", r"\A(?:node|undici|axios|node-fetch)(?:/(\d+))?"),
    )
)
_MAX_SCANNED: Final = 400


def browser_of(user_agent: str) -> str:
    """``Chrome 126``; empty when it names none that is known."""
    for family, pattern in _FAMILIES:
        if found := pattern.search(user_agent[:_MAX_SCANNED]):
            return f"{family} {found.group(1)}" if found.group(1) else family
    return ""

"""Where long names may be broken."""

import re

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_PARTS = re.compile(r"(?<=[^/\s])(?=/)|(?<=[_:-])(?=[^/_\s:-])")


@register.filter
def breakable(text: str) -> SafeString:
    """Endpoints and names of events can be broken at the signs that divide them, and are not in the middle of a word."""
    return mark_safe("<wbr>".join(conditional_escape(part) for part in _PARTS.split(text)))  # noqa: S308 - parts are escaped

"""What Unfold's layouts leave out: where the content of a page is, for those who jump to it."""

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def as_main(html: SafeString, name: str) -> SafeString:
    """The same with the element of that id as the page's main landmark.

    Unfold has no block around it, and a copy of its layout would grow old.
    """
    start = f'<div id="{name}"'
    return mark_safe(html.replace(start, f'{start} role="main"', 1))  # noqa: S308 - what Unfold has rendered

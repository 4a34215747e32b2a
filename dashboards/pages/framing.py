"""A whole document inside a page: in a frame that runs nothing and whose links open outside of it."""

from django.utils.html import format_html
from django.utils.safestring import SafeString


def framed(document: str, title: str = "The digest") -> SafeString:
    """The frame takes what the page's own policy lets it: styles in place and pictures in the document."""
    inside = document.replace("<head>", '<head><base target="_top">', 1)
    return format_html(
        '<iframe class="lm-framed" title="{}" sandbox="allow-top-navigation-by-user-activation" srcdoc="{}"></iframe>',
        title,
        inside,
    )

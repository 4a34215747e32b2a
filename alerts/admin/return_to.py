"""Back to where a button was pressed."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


def back_to_list(request: HttpRequest, page: str) -> HttpResponseRedirect:
    """To the list with its search and filters when that is where somebody came from."""
    address = reverse(page)
    came_from = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    if is_ours and (parts := urlsplit(came_from)).path == address and parts.query:
        return HttpResponseRedirect(f"{address}?{parts.query}")
    return HttpResponseRedirect(address)

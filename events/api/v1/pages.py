"""Pages as answers: the rows, and the addresses of what comes before and after them."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Model
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from events.api.v1.cursors import Cursors
from events.keyset import Page, Place


def place_of(asked: Mapping[str, Any], cursors: Cursors) -> Place | None:
    """Where the page that was asked for begins; None at the beginning. Raises Problem 400."""
    return cursors.read(asked["cursor"]) if "cursor" in asked else None


def page_answer[Row: Model](
    request: Request,
    page: Page[Row],
    *,
    shape: type[serializers.Serializer[Any]],
    cursors: Cursors,
    pinned: Mapping[str, str] | None = None,
) -> Response:
    """``pinned`` are parameters that the next pages must keep although this one took them by default."""

    def address(place: Place | None) -> str | None:
        if place is None:
            return None
        query = request.GET.copy()
        for name, value in (pinned or {}).items():
            query.setdefault(name, value)
        query["cursor"] = cursors.write(place)
        return f"{settings.BASE_URL}{request.path}?{query.urlencode()}"

    return Response(
        {
            "results": shape(page.rows, many=True).data,
            "next": address(page.following),
            "previous": address(page.preceding),
        }
    )


def page_shape(name: str, shape: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """What `page_answer` answers, for the description of the API."""
    about = "The address of the page {}; null where there is none."
    return inline_serializer(
        name,
        {
            "results": shape(many=True),
            "next": serializers.URLField(allow_null=True, help_text=about.format("after this one")),
            "previous": serializers.URLField(allow_null=True, help_text=about.format("before this one")),
        },
    )

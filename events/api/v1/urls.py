"""Routes below /api/v1/, each with and without the trailing slash."""

from django.urls import re_path

from events.api.v1.events import EventListView, EventView
from events.api.v1.issues import IssueEventListView, IssueListView, IssueView
from events.api.v1.services import ServiceListView, ServiceView

app_name = "events-api-v1"
_NUMBER = r"[0-9]{1,18}"
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

urlpatterns = [
    re_path(r"^services/?\Z", ServiceListView.as_view(), name="services"),
    re_path(rf"^services/(?P<service_id>{_NUMBER})/?\Z", ServiceView.as_view(), name="service"),
    re_path(r"^events/?\Z", EventListView.as_view(), name="events"),
    re_path(rf"^events/(?P<event_id>{_UUID})/?\Z", EventView.as_view(), name="event"),
    re_path(r"^issues/?\Z", IssueListView.as_view(), name="issues"),
    re_path(rf"^issues/(?P<issue_id>{_NUMBER})/?\Z", IssueView.as_view(), name="issue"),
    re_path(rf"^issues/(?P<issue_id>{_NUMBER})/events/?\Z", IssueEventListView.as_view(), name="issue-events"),
]

"""Routes below /api/v1/reports."""

from django.urls import re_path

from dashboards.api.reports import ReportListView, view_of
from dashboards.reports.catalogue import REPORTS

app_name = "reports-api-v1"
urlpatterns = [
    re_path(r"^reports/?\Z", ReportListView.as_view(), name="list"),
    *(re_path(rf"^reports/{name}/?\Z", view_of(report).as_view(), name=name) for name, report in REPORTS.items()),
]

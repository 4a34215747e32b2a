"""The digest that is being gathered, of any kind and scope, as it would look if it were sent now; and to oneself by mail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from dashboards.admin.digest import send_to_me
from dashboards.admin.subscription import subscription_shown
from dashboards.digests import building, periods, sending
from dashboards.digests.building import Scope
from dashboards.digests.copies import about_of, words_of
from dashboards.digests.due import formats_of, scope_of
from dashboards.digests.periods import Kind, Schedule
from dashboards.digests.rendering import mail_of, page_of
from dashboards.models import Digest
from dashboards.models.digest import production, work_days
from dashboards.pages.framing import framed
from events.models import Dimension, KnownValue, Service

_MOST_ENVIRONMENTS = 50


@dataclass(frozen=True, slots=True)
class _Asked:
    kind: Kind
    scope: Scope
    start: datetime
    end: datetime
    # The subscription that was named; "" for none.
    subscription: str


class PreviewPage(UnfoldSiteViewMixin, TemplateView):
    """GET shows it and writes nothing; POST sends it to who is at the keyboard."""

    title = "Preview of a digest"
    permission_required = "dashboards.view_analytics"
    template_name = "admin/review/preview.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now = timezone.now()
        asked = _read(request, request.GET, now)
        words = words_of(asked.scope)
        digest = Digest(
            kind=asked.kind,
            scope=asked.scope.key,
            start_at=asked.start,
            end_at=asked.end,
            built_at=now,
            is_changed=False,
        )
        question = building.question_of(asked.scope, start=asked.start, end=asked.end, now=now)
        content = building.content(asked.kind, question, written_for=asked.scope.formats)
        about = about_of(digest, words, is_sent=False)
        mail = mail_of(content, about)
        context = self.get_context_data(
            asked=asked, kinds=[(one.value, one.value.capitalize()) for one in Kind], scope_words=words,
            services=list(Service.objects.order_by("name", "pk").values_list("pk", "name")),
            environments=_environments(asked.scope), framed=framed(page_of(content, about)), text=mail.text,
            subject=mail.subject, start=asked.start, end=asked.end, query=request.GET.urlencode(),
        )  # fmt: skip
        return self.render_to_response(context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now = timezone.now()
        asked = _read(request, request.GET, now)
        send_to_me(
            request,
            lambda me: sending.send_to(me, asked.kind, asked.scope, start=asked.start, end=asked.end, now=now),
        )
        query = request.GET.urlencode()
        return HttpResponseRedirect(f"{reverse('admin:review_preview')}{query and '?'}{query}")


def _read(request: HttpRequest, query: QueryDict, now: datetime) -> _Asked:
    """Of an address; what cannot be read of it is left out. Nothing chosen: production, as subscriptions begin with."""
    kind = next((one for one in Kind if one.value == query.get("kind")), Kind.DAILY)
    subscription = subscription_shown(request, query.get("subscription", ""))
    if subscription is not None:
        scope, schedule, number = scope_of(subscription), subscription.schedule(), str(subscription.pk)
    else:
        numbers = (one for one in query.getlist("service") if one.isascii() and one.isdecimal() and len(one) < 10)
        environments = query.getlist("environment") if "asked" in query else production()
        zone, number = timezone.get_current_timezone(), ""
        scope = Scope(
            tuple(sorted({int(one) for one in numbers})),
            tuple(sorted({one for one in environments if 0 < len(one) <= 64 and "\x00" not in one})), str(zone),
            formats_of(request.user),
        )  # fmt: skip
        schedule = Schedule(8, tuple(work_days()), zone)
    period = periods.current(kind, schedule, now=now)
    # What begins only now has nothing to say yet.
    start = period.start if period.start < period.end else periods.latest(kind, schedule, now=now).start
    return _Asked(kind, scope, start, period.end, number)


def _environments(scope: Scope) -> list[str]:
    known = KnownValue.objects.filter(dimension=Dimension.ENVIRONMENT).order_by("value")
    seen = known.values_list("value", flat=True).distinct()[:_MOST_ENVIRONMENTS]
    return sorted({*seen, *scope.environments, *production()})

"""What a person does to an issue from its page: each a POST that makes one domain call and goes back."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from events.merging import MergeError, merge_all, unmerge
from events.models import Issue

MAX_MERGED = 50
_MAX_CANDIDATES = 20


class TriageError(Exception):
    """What was asked for cannot be done; the text says why, for people."""


def may_triage(request: HttpRequest) -> bool:
    return request.user.has_perm("events.triage_issue") and request.user.has_perm("events.view_issue")


def actor(request: HttpRequest) -> User:
    """Who is at the keyboard; the admin lets nobody else in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def page_of(issue: Issue) -> str:
    return reverse("admin:events_issue_change", args=[issue.pk])


def assignable() -> list[User]:
    """Whom an issue can be given to: active staff by name."""
    return list(User.objects.filter(is_active=True, is_staff=True).order_by("username"))


def _triage(verb: Callable[[HttpRequest, Issue], str]) -> Callable[..., HttpResponse]:
    """POST only, for those who may triage; the text that ``verb`` answers is told, and the issue's page comes next."""

    @wraps(verb)
    def view(request: HttpRequest, issue_id: int, **_: object) -> HttpResponse:
        if not may_triage(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        issue = get_object_or_404(Issue, pk=issue_id)
        try:
            messages.success(request, verb(request, issue))
        except (MergeError, TriageError) as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(page_of(issue))

    return view


@_triage
def resolve_view(request: HttpRequest, issue: Issue) -> str:
    if issue.resolve(by=actor(request), at=timezone.now()):
        return "Resolved. If it happens again, it opens again and says that it came back."
    return "It was resolved already."


@_triage
def mute_view(request: HttpRequest, issue: Issue) -> str:
    if issue.mute(by=actor(request), at=timezone.now()):
        return "Muted. It goes on counting and asks for no attention."
    return "It was muted already."


@_triage
def reopen_view(request: HttpRequest, issue: Issue) -> str:
    return "Reopened." if issue.reopen(by=actor(request), at=timezone.now()) else "It was unresolved already."


@_triage
def assign_view(request: HttpRequest, issue: Issue) -> str:
    """``assignee`` is a user's id, ``me``, or empty for nobody."""
    wanted = request.POST.get("assignee", "")
    me = actor(request)
    assignee: User | None = None
    if wanted == "me":
        assignee = me
    elif wanted:
        assignee = next((person for person in assignable() if str(person.pk) == wanted), None)
        if assignee is None:
            raise TriageError("That person is no longer active. Choose another one.")
    issue.assign(assignee, by=me, at=timezone.now())
    return f"Assigned to {assignee}." if assignee else "Assigned to nobody."


@_triage
def unmerge_view(request: HttpRequest, issue: Issue) -> str:
    unmerge(issue, by=actor(request), at=timezone.now())
    return "Un-merged. Its events and users are its own again."


# --- Merging -----------------------------------------------------------------------------------------------------


def merge_with_view(request: HttpRequest, issue_id: int, *, model_admin: "ModelAdmin[Issue]") -> HttpResponse:
    """Find the issues of the same service that have the same cause."""
    if not may_triage(request):
        raise PermissionDenied
    issue = get_object_or_404(Issue.objects.visible().select_related("service"), pk=issue_id)
    query = request.GET.get("q", "").strip()
    candidates = Issue.objects.visible().filter(service=issue.service_id).exclude(pk=issue.pk)
    if query:
        candidates = candidates.filter(
            Q(title__icontains=query) | Q(culprit__icontains=query) | Q(name__icontains=query)
        )
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": Issue._meta,  # noqa: SLF001  (Django's documented API)
        "original": issue,
        "title": "Merge with…",
        "issue": issue,
        "query": query,
        "candidates": candidates.order_by("-last_seen_at", "-pk")[:_MAX_CANDIDATES],
        "limit": _MAX_CANDIDATES,
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/events/issue/merge_with.html", context)


def merge_view(request: HttpRequest, *, model_admin: "ModelAdmin[Issue]") -> HttpResponse:
    """Confirm which issue stays, then merge the others into it. ``issue`` (repeated) are ids, ``stays`` is one of them."""
    if not may_triage(request):
        raise PermissionDenied
    asked = (request.POST if request.method == "POST" else request.GET).getlist("issue")
    issues = _issues_to_merge(asked)
    if refusal := _why_not(issues, asked):
        messages.error(request, refusal)
        return HttpResponseRedirect(reverse("admin:events_issue_changelist"))
    stays = next((issue for issue in issues if str(issue.pk) == request.POST.get("stays")), None)
    if stays is None:
        return _confirmation(request, issues, model_admin)
    sources = [issue for issue in issues if issue != stays]
    try:
        kept = merge_all(sources, stays, by=actor(request), at=timezone.now())
    except MergeError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(page_of(stays))
    messages.success(request, f"Merged {len(sources)} into this one. Un-merging gives each back what it brought.")
    return HttpResponseRedirect(page_of(kept))


def _issues_to_merge(asked: list[str]) -> list[Issue]:
    ids = {int(text) for text in asked if text.isascii() and text.isdigit() and len(text) < 19}
    return list(
        Issue.objects.visible()
        .filter(pk__in=ids)
        .select_related("service")
        .order_by("-event_count", "pk")[: MAX_MERGED + 1]
    )


def _why_not(issues: list[Issue], asked: list[str]) -> str:
    if len(issues) > MAX_MERGED or len(asked) > MAX_MERGED:
        return f"At most {MAX_MERGED} issues can be merged at once. Choose fewer."
    if len(issues) < 2:
        return "Merging needs at least two issues. Choose another one as well."
    if len({issue.service_id for issue in issues}) > 1:
        return "Only issues of one service can be merged. Narrow the list to one service first."
    return ""


def _confirmation(request: HttpRequest, issues: list[Issue], model_admin: "ModelAdmin[Issue]") -> HttpResponse:
    preferred = request.GET.get("stays", "")
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": Issue._meta,  # noqa: SLF001  (Django's documented API)
        "title": "Merge issues",
        "issues": issues,
        "stays": next((issue.pk for issue in issues if str(issue.pk) == preferred), issues[0].pk),
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/events/issue/merge.html", context)

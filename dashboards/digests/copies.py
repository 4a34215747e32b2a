"""Digests as they are sent: written once for all readers alike, with places for the addresses that are each reader's own."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse

from dashboards.digests import links, wording
from dashboards.digests.building import Scope
from dashboards.digests.content import read
from dashboards.digests.periods import Kind
from dashboards.digests.rendering import About, mail_of, slack_of
from dashboards.models import Digest, DigestCopy, DigestSubscription
from events.models import Service

# Stand for a reader's own addresses in what is written for all of them, and for nothing in any text.
DIGEST, UNSUBSCRIBE = "https://liftmon.invalid/5e1d/digest", "https://liftmon.invalid/5e1d/unsubscribe"


@dataclass(frozen=True, slots=True)
class Own:
    """A reader's own addresses; "" for one that they have not."""

    digest: str
    unsubscribe: str


def copy_of(digest: Digest, scope_words: str, *, is_late: bool, has_links: bool) -> DigestCopy:
    """The one that is sent, written when nobody did before. ``scope_words``: of `words_of`."""
    key = {"digest": digest, "is_late": is_late, "has_links": has_links}
    found = DigestCopy.objects.filter(**key).first()
    if found is not None:
        return found
    content = read(digest.content)
    about = about_of(digest, scope_words, is_late=is_late, has_links=has_links)
    mail = mail_of(content, about)
    slack = slack_of(content, about)
    made = DigestCopy(
        **key, scope_words=scope_words, subject=mail.subject[:300], text=mail.text, html=mail.html,
        images={name: base64.b64encode(picture).decode() for name, picture in mail.images.items()},
        slack={"text": slack["text"], "blocks": slack["blocks"]},
    )  # fmt: skip
    DigestCopy.objects.bulk_create([made], ignore_conflicts=True)  # somebody else may have written it meanwhile
    return DigestCopy.objects.get(**key)


def words_of(scope: Scope) -> str:
    """What a digest of that scope says that it is about; a query where it names services."""
    names = dict(Service.objects.filter(pk__in=scope.services).values_list("pk", "name")) if scope.services else {}
    return wording.scope_words([names.get(pk, f"service {pk}") for pk in scope.services], scope.environments)


def about_of(
    digest: Digest, scope_words: str, *, is_late: bool = False, has_links: bool = True, is_sent: bool = True
) -> About:
    """``is_sent``: with places for the reader's own addresses."""
    return About(
        kind=Kind(digest.kind), start=digest.start_at, end=digest.end_at, zone=ZoneInfo(digest.zone), is_late=is_late,
        base_url=settings.BASE_URL if has_links else "", digest_url=DIGEST if is_sent else "",
        settings_url=settings_url() if has_links else "", unsubscribe_url=UNSUBSCRIBE if is_sent else "",
        scope_words=scope_words, formats=digest.formats,
    )  # fmt: skip


def settings_url() -> str:
    """Where readers who may sign in change what they get."""
    return f"{settings.BASE_URL}{reverse('admin:dashboards_digestsubscription_changelist')}"


def own_of(subscription: DigestSubscription, digest: Digest) -> Own:
    """A channel has many readers, none of whom may end it for the others by a button."""
    ends = "" if subscription.channel_id else links.unsubscribe_url(subscription)
    return Own(links.digest_url(digest.pk, subscription.pk), ends or settings_url())


def personal(text: str, own: Own) -> str:
    return text.replace(DIGEST, own.digest).replace(UNSUBSCRIBE, own.unsubscribe)


def personal_html(html: str, own: Own) -> str:
    return html.replace(DIGEST, escape(own.digest)).replace(UNSUBSCRIBE, escape(own.unsubscribe))


def personal_blocks(blocks: Sequence[Mapping[str, Any]], own: Own) -> list[Any]:
    """Addresses need no escaping within JSON: there is no quotation mark in one."""
    found: list[Any] = json.loads(personal(json.dumps(blocks), own))
    return found


def archived(copy: DigestCopy) -> tuple[str, str]:
    """Its HTML, with its pictures in it, and its text: addresses that act for a reader lead nowhere."""
    html = personal_html(copy.html, Own("#", "#"))
    for name, picture in copy.images.items():
        html = html.replace(f"cid:{name}", f"data:image/png;base64,{picture}")
    own = "(the reader’s own link)"
    return html, personal(copy.text, Own(own, own))

"""What is to be mended at the senders, and what Liftmon itself cost and dropped."""

from django.urls import reverse
from django.utils.http import urlencode

from dashboards.digests.content import MOST_ROWS, Action, Bar, Row, Section
from dashboards.digests.sections.asking import Asked
from dashboards.digests.sections.comparing import compared
from dashboards.pages.links import events_link
from dashboards.pages.words import counted, first_of
from dashboards.reports.secrets_sent import SecretSent, secrets_sent
from dashboards.reports.upkeep import Upkeep, upkeep
from dashboards.statistics import is_more
from events import formats
from events.patience import SearchTooSlowError

_NEXT_UNIT = 1024
_RULES = {
    "password": "passwords", "secret": "API keys or other secrets", "token": "tokens", "cookie": "cookies",
    "one_time_code": "one-time codes", "card_number": "card numbers", "iban": "bank account numbers",
    "pem": "private keys or certificates", "url_userinfo": "passwords in URLs", "national_id": "national numbers",
    "email": "e-mail addresses", "phone": "phone numbers", "address": "postal addresses", "person_name": "names of people",
    "birth_date": "dates of birth",
}  # fmt: skip


def secrets(asked: Asked) -> Section:
    """Which services send secrets: what was scrubbed, and where to fix it."""
    link = reverse("admin:events_service_changelist")
    title, question = "Secrets that services send", "Which services send secrets, and where is that to be fixed?"
    try:
        answer = asked.answer(secrets_sent)
    except SearchTooSlowError:
        return Section(
            "secrets", title, question, link, sentence="It took too long to look; nothing is known this time."
        )
    secret = [one for one in answer.sent if one.is_secret]
    looked = sum(answer.looked_at.values())
    return Section(
        "secrets", title, question, events_link(asked.question) if answer.sent else link,
        sentence=_in_words(asked, answer.sent, looked) if answer.sent else "", is_changed=bool(secret),
        rows=tuple(
            Row(
                f"{asked.service_name(one.service_id)}: {_RULES[one.rule]} in {one.path} of {one.name}",
                f"{formats.number(one.event_count)} of {formats.number(answer.looked_at[one.service_id])} looked at",
                events_link(asked.question, service=one.service_id, name=one.name),
            )
            for one in answer.sent[:MOST_ROWS]
        ),
        actions=tuple(_stop(asked, one) for one in secret[:1]),
    )  # fmt: skip


def _in_words(asked: Asked, sent: list[SecretSent], looked: int) -> str:
    """“lift api sends passwords, such as data.password of login_failed; … It was removed before it was stored; found among …”"""
    parts = []
    for service_id in dict.fromkeys(one.service_id for one in sent):
        of_service = [one for one in sent if one.service_id == service_id]
        what = first_of(list(dict.fromkeys(_RULES[one.rule] for one in of_service)))
        worst = of_service[0]
        parts.append(f"{asked.service_name(service_id)} sends {what}, such as {worst.path} of {worst.name}")
    more = f"; {counted(len(parts) - MOST_ROWS, 'other service')} too" if len(parts) > MOST_ROWS else ""
    return (
        f"{'; '.join(parts[:MOST_ROWS])}{more}. It was removed before it was stored; found among {counted(looked, 'event')} "
        "that were looked at."
    )


def _stop(asked: Asked, one: SecretSent) -> Action:
    return Action(
        f"Stop {asked.service_name(one.service_id)} from sending {_RULES[one.rule]}",
        f"{one.path} of {one.name}, in {counted(one.event_count, 'event')} of those looked at",
        events_link(asked.question, service=one.service_id, name=one.name),
    )  # fmt: skip


def liftmon_itself(asked: Asked) -> Section:
    """What Liftmon itself cost and dropped."""
    answer = asked.answer(upkeep)
    is_changed = is_more(int(answer.refused.now), int(answer.refused.before))
    rejections = reverse("admin:events_ingestrejection_changelist")
    return Section(
        "liftmon", "Liftmon itself", "What did Liftmon itself cost, and what did it drop?", rejections,
        sentence=_upkeep_in_words(answer, asked.before),
        is_changed=is_changed,
        rows=tuple(
            [
                Row(f"Refused of {asked.service_name(one.service_id)}: {one.code}", counted(one.times, "time"), rejections)
                for one in answer.refusals
            ] + [
                Row(
                    f"Folded of {asked.service_name(one.service_id)}: {one.guard.lower()}", counted(one.events, "event"),
                    reverse("admin:events_guardhit_changelist"),
                )
                for one in answer.foldings
            ]
        )[:MOST_ROWS],
        bars=tuple(Bar(label, size, size_of(size)) for label, size in _parts(answer)), bars_caption="Storage",
        actions=tuple(
            Action(
                f"Mend what {asked.service_name(one.service_id)} sends: {one.code}", f"refused {counted(one.times, 'time')}: "
                f"{one.detail}", f"{rejections}?{urlencode({'code': one.code})}",
            )
            for one in answer.refusals[:1] if is_changed
        ),
    )  # fmt: skip


def _parts(answer: Upkeep) -> list[tuple[str, int]]:
    rest = answer.database_bytes - answer.events_bytes - answer.counters_bytes
    return [("Events", answer.events_bytes), ("Counters", answer.counters_bytes), ("The rest", max(rest, 0))]


def _upkeep_in_words(answer: Upkeep, before: str) -> str:
    """“It stores 14.2 GB. It refused 12 documents, 3 × the week before (4), and folded 0; nothing waits on disk.”"""
    refused, folded = answer.refused, answer.folded
    said = f"It stores {size_of(answer.database_bytes)}, {size_of(answer.events_bytes)} of it events. "
    if refused.now or refused.before:
        said += f"It refused {counted(int(refused.now), 'document')}{compared(refused.now, refused.before, before)}"
    else:
        said += "It refused nothing"
    said += f", and folded values of {counted(int(folded.now), 'event')}; " if folded.now else "; "
    if answer.waiting.bytes:
        return f"{said}{size_of(answer.waiting.bytes)} wait on disk for the database."
    return f"{said}nothing waits on disk."


def size_of(size: int) -> str:
    """``1.2 GB``, of 1,024 MB each, as pages say it."""
    value, unit = float(size), "bytes"
    for larger in ("KB", "MB", "GB", "TB", "PB"):
        if value < _NEXT_UNIT:
            break
        value, unit = value / _NEXT_UNIT, larger
    return counted(size, "byte") if unit == "bytes" else f"{formats.number(value, 1)} {unit}"

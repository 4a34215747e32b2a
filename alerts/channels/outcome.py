"""What became of one attempt to send, and what is wrong with a channel's settings. Pure."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# A receiver that asks for more patience than this is asked again all the same: an alert of yesterday helps nobody.
LONGEST_RETRY_AFTER_SECONDS = 86_400.0
# Shorter texts are no secrets, and hiding them would blot out the words of the answer.
_SHORTEST_SECRET = 6


class SettingsError(ValueError):
    """Settings that cannot work. ``field`` names the one to mend; the text says how, and never quotes a value."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


@dataclass(frozen=True, slots=True)
class Outcome:
    """``is_permanent``: sending again cannot help, because the other side no longer has this address or does not take this message.

    ``status``: of HTTP or SMTP, None when nobody answered. ``answer``: what the other side said, or why it did not, without
    secrets. ``retry_after_seconds``: how long the other side asks us to wait. ``receipt``: what the other side calls the message,
    by which it can be changed later; empty where it cannot.
    """

    is_accepted: bool
    is_permanent: bool = False
    status: int | None = None
    answer: str = ""
    retry_after_seconds: float | None = None
    receipt: Mapping[str, str] = field(default_factory=dict)

    def without(self, secrets: Iterable[str]) -> "Outcome":
        return replace(self, answer=hidden(self.answer, secrets))


def judged(status: int, answer: str, *, permanent: Container[int], retry_after: str = "", now: datetime) -> Outcome:
    """The outcome of an answer of HTTP: 2xx is accepted, ``permanent`` says which statuses never will be."""
    if 200 <= status < 300:
        return Outcome(is_accepted=True, status=status, answer=answer)
    if 300 <= status < 400:
        answer = (
            f"Answered with a redirect, which is not followed: enter the address that it leads to. {answer}".strip()
        )
    return Outcome(
        is_accepted=False,
        is_permanent=status in permanent,
        status=status,
        answer=answer,
        retry_after_seconds=seconds_of(retry_after, now=now) if status in (429, 503) else None,
    )


def seconds_of(retry_after: str, *, now: datetime) -> float | None:
    """Of a Retry-After header, as seconds or as a date; None for one that says nothing."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:12])
    else:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets and what would not survive being stored: servers like to repeat what they were sent."""
    for secret in sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True):
        text = text.replace(secret, "…")
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text).strip()


def only_known(settings: Mapping[str, str], known: Container[str]) -> None:
    """Raises SettingsError for a field that the kind does not have."""
    for name in settings:
        if name not in known:
            raise SettingsError(name, f"There is no field {name!r} for this kind of channel: leave it out.")


def needed(settings: Mapping[str, str], field: str, fix: str) -> str:
    """The value of a field without the space around it. Raises SettingsError with the fix when it is empty."""
    value = settings.get(field, "").strip()
    if not value:
        raise SettingsError(field, fix)
    return value

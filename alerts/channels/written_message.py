"""What was put into words before it came here, such as a digest: no alert and no incident is behind it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class WrittenMessage:
    """``subject`` is one line. ``html`` and ``blocks`` (Slack's Block Kit) may be empty: then there is the text.

    ``images`` are PNGs in base64 by the names that the HTML has for them (``cid:NAME``). ``headers`` are further ones of mails,
    with ``From-Name`` for the sender's name.
    """

    subject: str
    text: str
    html: str = ""
    blocks: Sequence[Mapping[str, Any]] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def read(kept: Mapping[str, Any]) -> WrittenMessage:
    """Of a notification's content, which need have no more than a text."""
    return WrittenMessage(
        subject=str(kept.get("subject", "")), text=str(kept.get("text", "")), html=str(kept.get("html", "")),
        blocks=tuple(kept.get("blocks", ())), images=dict(kept.get("images", {})), headers=dict(kept.get("headers", {})),
    )  # fmt: skip

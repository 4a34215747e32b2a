"""The words that are offered to whoever tells users: the guide's, and plain ones for the states before. Pure."""

from collections.abc import Mapping, Sequence

# By state of the update. The one of a resolved incident is the guide's own, step 4 of its runbook.
_TEXTS: Mapping[str, str] = {
    "investigating": "We are experiencing problems{with_names} and are looking into it. The next update follows within 30 minutes.",
    "identified": "We know what causes the problems{with_names} and are working on it. The next update follows within 30 minutes.",
    "monitoring": "It works again. We keep watching{names} and will tell you when it is over for good.",
    "resolved": "We experienced brief downtime, now resolved.",
    "planned": "We are going to do maintenance{on_names}. You may not be able to use everything meanwhile.",
    "under_way": "The maintenance{on_names} has begun.",
    "completed": "The maintenance{on_names} is completed. Everything works as before.",
}
_TITLES: Mapping[str, str] = {"maintenance": "Maintenance{on_names}", "incident": "Problems{with_names}"}


def text_for(state: str, names: Sequence[str]) -> str:
    """``names``: of the affected components; may be empty."""
    return _filled(_TEXTS[state], names)


def title_for(kind: str, names: Sequence[str]) -> str:
    """``kind``: ``incident`` or ``maintenance``. Of the first update; those that follow keep their title."""
    return _filled(_TITLES[kind], names)


def _filled(text: str, names: Sequence[str]) -> str:
    joined = _joined(names)
    return text.format(
        names=f" {joined}" if joined else "",
        with_names=f" with {joined}" if joined else "",
        on_names=f" of {joined}" if joined else "",
    )


def _joined(names: Sequence[str]) -> str:
    """“A”, “A and B”, “A, B and C”; of many, that there are."""
    if len(names) > 4:
        return "several systems"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))

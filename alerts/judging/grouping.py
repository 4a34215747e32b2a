"""Which series a rule is about, which group each belongs to, and what is counted of a group. Pure.

Live judging and replays add up the same way: both turn rows of series into a `Tally` a group, and conditions judge those.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from alerts.conditions import Counted
from alerts.matching import Match, Words


def labels_of(group_by: Sequence[str], words: Words) -> dict[str, str]:
    """The words of the group that an event belongs to."""
    return {word: words.label(word) for word in group_by}


def key_of(labels: Mapping[str, str]) -> str:
    """64 hex digits, the same for the same labels in any order."""
    written = "\x00".join(f"{word}\x01{labels[word]}" for word in sorted(labels))
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()


class Member(NamedTuple):
    """How a series counts for a rule: in the group of that key, and as what."""

    key: str
    is_tagged: bool
    is_error: bool
    is_bad_answer: bool
    is_request: bool


@dataclass(slots=True)
class Tally:
    """Events of one group in one window. What is added can be taken away again with a negative count."""

    events: int = 0
    errors: int = 0
    bad_answers: int = 0
    requests: int = 0
    volume: int = 0

    def add(self, member: Member, count: int) -> None:
        self.volume += count
        if member.is_tagged:
            self.events += count
        if member.is_error:
            self.errors += count
        if member.is_request:
            self.requests += count
            if member.is_bad_answer:
                self.bad_answers += count

    def counted(self, *, users: int = 0) -> Counted:
        # Services often tell the same failure both ways.
        failures = max(self.errors, self.bad_answers)
        return Counted(self.events, failures, self.requests, users=users, volume=self.volume)


class Catalogue:
    """The words of series by number, and an index of them by name and by endpoint. It only grows."""

    def __init__(self) -> None:
        self.words: dict[int, Words] = {}
        self.by_name: dict[str, list[int]] = defaultdict(list)
        self.by_endpoint: dict[str, list[int]] = defaultdict(list)

    def add(self, number: int, words: Words) -> None:
        self.words[number] = words
        self.by_name[words.name].append(number)
        self.by_endpoint[words.endpoint].append(number)


class Members:
    """The series of a catalogue that a rule is about: of each its `Member`, found once, and of each group its labels.

    Without grouping there is one group, whether anything belongs to it or not (``standing``).
    """

    def __init__(self, match: Match, group_by: Sequence[str], catalogue: Catalogue) -> None:
        self._match, self._group_by, self._catalogue = match, tuple(group_by), catalogue
        self._looked: dict[str, int] = {}
        self._taken: dict[str, bool] = {}
        self._size = 0
        self._keys: dict[tuple[str, ...], str] = {}
        self._found: dict[int, Member] = {}
        self.labels: dict[str, dict[str, str]] = {}
        self.standing: tuple[str, ...] = ()
        if not group_by:
            key = key_of({})
            self.labels[key], self.standing = {}, (key,)

    def found(self) -> dict[int, Member]:
        """By the number of the series."""
        if self._size != len(self._catalogue.words):
            for number in self._new_ones():
                words = self._catalogue.words[number]
                if self._match.takes(words):
                    self._found[number] = self._member(words)
            self._size = len(self._catalogue.words)
        return self._found

    def _new_ones(self) -> Iterable[int]:
        """Series that may be meant and were not looked at yet: an index leaves out most of the others."""
        match = self._match
        index, takes = (
            (self._catalogue.by_endpoint, match.takes_endpoint)
            if match.endpoints and not match.names
            else (self._catalogue.by_name, match.takes_name)
        )
        for word, numbers in index.items():
            looked = self._looked.get(word, 0)
            if looked < len(numbers):
                self._looked[word] = len(numbers)
                if word not in self._taken:
                    self._taken[word] = takes(word)
                if self._taken[word]:
                    yield from numbers[looked:]

    def _member(self, words: Words) -> Member:
        values = tuple(words.label(word) for word in self._group_by)
        key = self._keys.get(values)
        if key is None:
            labels = dict(zip(self._group_by, values, strict=True))
            key = self._keys[values] = key_of(labels)
            self.labels[key] = labels
        is_request = words.name == "api_response_time"
        return Member(
            key,
            is_tagged=self._match.takes_tags(words.labels),
            is_error=not is_request and words.severity in ("critical", "error"),
            is_bad_answer=is_request and words.labels.get("status") == "5xx",
            is_request=is_request,
        )

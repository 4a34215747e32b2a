"""What was counted of endpoints by the minute, for rules of cascades. Pure.

What fails is what `dashboards/reports/` call a failed request: an event that names its endpoint, or an answer of the server.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from alerts.judging.falling import Endpoint, Minute
from alerts.judging.grouping import Catalogue
from alerts.judging.usual_failures import Usual
from alerts.matching import Match, Words, is_like

type Place = tuple[int, str, str]
"""Service, environment, endpoint."""


class Told(NamedTuple):
    """What events of a series tell of their place. ``release`` and ``dependency`` are those of failures alone."""

    place: Place
    is_error: bool
    is_bad_answer: bool
    is_request: bool
    release: str = ""
    dependency: str = ""


def told_of(words: Words) -> Told | None:
    """None: nothing, as it names no endpoint, or neither failed nor was a request."""
    is_request = words.name == "api_response_time"
    is_bad_answer = is_request and words.labels.get("status") == "5xx"
    is_error = not is_request and words.severity in ("critical", "error")
    if not words.endpoint or not (is_request or is_error):
        return None
    place = (words.service_id, words.environment, words.endpoint)
    if is_error or is_bad_answer:
        return Told(place, is_error, is_bad_answer, is_request, words.release, words.label("ai_provider"))
    return Told(place, is_error, is_bad_answer, is_request)


def takes_place(match: Match, place: Place) -> bool:
    """A rule of cascades looks at the service, environment and endpoint of events, whatever they are called."""
    service_id, environment, endpoint = place
    return (
        (match.service_id is None or match.service_id == service_id)
        and (not match.environments or environment in match.environments)
        and (not match.endpoints or any(is_like(endpoint, one) for one in match.endpoints))
    )


class Telling:
    """What the series of a catalogue tell of the places that a rule is about: the `Belonging` of rules of cascades."""

    def __init__(self, match: Match, catalogue: Catalogue) -> None:
        self._match, self._catalogue = match, catalogue
        self._looked: set[int] = set()
        self._found: dict[int, Told] = {}

    def found(self) -> dict[int, Told]:
        """By the number of the series."""
        words = self._catalogue.words
        if len(self._looked) != len(words):
            for number in words.keys() - self._looked:
                told = told_of(words[number])
                if told is not None and takes_place(self._match, told.place):
                    self._found[number] = told
            self._looked.update(words)
        return self._found


class Details:
    """When a place first and last failed, to the second, and what its failures have in common."""

    def __init__(self) -> None:
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None
        self.words: dict[str, Counter[str]] = defaultdict(Counter)


class Counted:
    """Of one place by the minute: failed requests told by errors and by answers, requests, and the words of its failures."""

    def __init__(self) -> None:
        self.minutes: dict[datetime, list[int]] = {}
        self._words: dict[datetime, Counter[tuple[str, str]]] = {}

    def add(self, told: Told, minute: datetime, count: int) -> None:
        counted = self.minutes.setdefault(minute, [0, 0, 0])
        counted[0] += count * told.is_error
        counted[1] += count * told.is_bad_answer
        counted[2] += count * told.is_request
        if told.is_error or told.is_bad_answer:
            words = self._words.setdefault(minute, Counter())
            told_words = (("release", told.release), ("environment", told.place[1]), ("dependency", told.dependency))
            for word in told_words:
                if word[1]:
                    words[word] += count

    def forget(self, minute: datetime) -> None:
        del self.minutes[minute]
        self._words.pop(minute, None)

    def endpoint(self, place: Place, usual: Usual | None, details: Details | None = None) -> Endpoint:
        minutes = [Minute(minute, max(one[0], one[1]), one[2]) for minute, one in sorted(self.minutes.items())]
        words: dict[str, Mapping[str, int]] = {word: dict(values) for word, values in self._by_word().items()}
        if details is not None:
            words |= {word: dict(values) for word, values in details.words.items() if values}
        return Endpoint(
            place[0], place[2], minutes, usual, words,
            first_failed_at=details.first_at if details else None, last_failed_at=details.last_at if details else None,
        )  # fmt: skip

    def _by_word(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for of_minute in self._words.values():
            for (word, value), count in of_minute.items():
                found[word][value] += count
        return found


class Places:
    """Of one group. What was added can be forgotten again, minute by minute, so that a replay can move on."""

    def __init__(self) -> None:
        self.counted: dict[Place, Counted] = {}
        self._told: dict[datetime, set[Place]] = defaultdict(set)
        self._failed: dict[datetime, set[Place]] = defaultdict(set)

    def add(self, told: Told, minute: datetime, count: int) -> None:
        if told.place not in self.counted:
            self.counted[told.place] = Counted()
        self.counted[told.place].add(told, minute, count)
        self._told[minute].add(told.place)
        if told.is_error or told.is_bad_answer:
            self._failed[minute].add(told.place)

    def forget_before(self, start: datetime) -> None:
        """Costs what it forgets, when minutes were added in their order."""
        for minute in list(self._told):
            if minute >= start:
                return
            for place in self._told.pop(minute):
                counted = self.counted[place]
                counted.forget(minute)
                if not counted.minutes:
                    del self.counted[place]
            self._failed.pop(minute, None)

    def failed_since(self, start: datetime) -> Counter[Place]:
        """Failures of the places that failed at all."""
        found: Counter[Place] = Counter()
        for minute, places in self._failed.items():
            if minute >= start:
                for place in places:
                    counted = self.counted[place].minutes[minute]
                    found[place] += max(counted[0], counted[1])
        return found

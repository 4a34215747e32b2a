"""`manage.py seeddemo [--events N] [--days N] [--seed N] [--url URL --key KEY] [--trickle] [--rate R]`."""

import signal
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Event as Flag
from typing import Any, Final, Protocol

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.utils import timezone

from alerts import holding
from alerts.demo import fortnight, people
from events.demo import loading
from events.demo.delivery import Answer, Door, RefusedError, deliver
from events.demo.documents import Source, milliseconds
from events.demo.generator import USUAL_SIZE, Generator
from events.demo.progress import LoadProgress
from events.demo.trickle import trickle

# A round of judging takes as long as a thousand events: somebody waits for the demo.
_PAUSE: Final = timedelta(hours=8)


class Load(Protocol):
    def __call__(
        self, generator: Generator, doors: Mapping[Source, Door], *, advance: Callable[[int], object]
    ) -> Answer: ...


class Command(BaseCommand):
    help = (
        "Send a believable fortnight of “lift”, a student career service, through the ingest API of a running Liftmon: "
        "every event of the tracking guide, days and weeks as they are, and a few incidents to find. "
        "A Liftmon that holds nothing yet notices them when they happen, and has two people who look after them. "
        "Running it again loads nothing twice; another --seed is another fortnight."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--events", type=_whole(1, 5_000_000), default=USUAL_SIZE, help="about how many")
        parser.add_argument("--days", type=_whole(1, 29), default=14, help="how far back they begin (1 to 29)")
        parser.add_argument("--seed", type=int, default=1, help="which fortnight: equal seeds are equal")
        parser.add_argument("--url", help="another Liftmon's address; then --key is needed and all events go there")
        parser.add_argument("--key", help="an ingest key of that Liftmon")
        parser.add_argument("--trickle", action="store_true", help="then keep sending as time goes by, until stopped")
        parser.add_argument("--rate", type=_rate, default=1.0, help="of the trickle: events a second on average")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["url"]) != bool(options["key"]):
            raise CommandError("--url and --key belong together: give both or neither.")
        try:
            if options["url"]:
                self._send_elsewhere(Door(options["url"], options["key"]), options)
            else:
                self._load_here(options)
        except (RefusedError, loading.BusyError) as error:
            raise CommandError(str(error)) from None
        except OperationalError:
            raise CommandError(
                "PostgreSQL cannot be reached. Start Liftmon with `manage.py up` first, or set DATABASE_URL."
            ) from None

    def _load_here(self, options: dict[str, Any]) -> None:
        seed, now = options["seed"], timezone.now()
        found = loading.find(seed=seed, now=now)
        if found.state is loading.State.LOADED:
            self._say(f"The demo (seed {seed}) is already loaded; it ends on {found.until:%-d %B %Y, %H:%M} UTC.")
        else:
            if found.state is loading.State.CUT_SHORT:
                self._say("An earlier load was cut short; taking it up again.")
            with loading.opened(seed=seed) as doors:
                # The key that was made just now may be the first of this seed: then the fortnight ends with it.
                found = loading.find(seed=seed, now=now)
                load = _load_and_judge if fortnight.is_untouched() else loading.load
                self._load(load, self._generator(options, found.until), doors, settings.BASE_URL)
        if options["trickle"]:
            self._trickle(self._generator(options, found.until), loading.trickle_doors(), options["rate"])

    def _send_elsewhere(self, door: Door, options: dict[str, Any]) -> None:
        doors = dict.fromkeys(Source, door)
        generator = self._generator(options, timezone.now())
        self._load(send_all, generator, doors, door.ingest_url)
        if options["trickle"]:
            self._trickle(generator, doors, options["rate"])

    def _load(self, load: Load, generator: Generator, doors: dict[Source, Door], place: str) -> None:
        self._say(f"Sending a fortnight of lift, about {generator.size:,} events, to {place}")
        started = time.monotonic()
        with LoadProgress(self._say, total=generator.size) as progress:
            answer = load(generator, doors, advance=progress.advance)
        if answer.rejected:
            raise CommandError(f"{len(answer.rejected):,} events were rejected; the first: {answer.rejected[0]}")
        self._say(f"{answer.accepted:,} events are stored, in {time.monotonic() - started:.0f} s.")

    def _trickle(self, generator: Generator, doors: dict[Source, Door], rate: float) -> None:
        stop = Flag()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self._say(f"The demo goes on with about {rate:g} events a second, until it is stopped.")
        trickle(generator=generator, doors=doors, rate=rate, stop=stop, say=self._say)

    def _generator(self, options: dict[str, Any], until: datetime | None) -> Generator:
        return Generator(
            seed=options["seed"], until=until or timezone.now(), days=options["days"], size=options["events"]
        )

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.001 <= rate <= 1_000:
        raise ArgumentTypeError(f"{text!r} is not a rate from 0.001 to 1000 events a second")
    return rate


def _load_and_judge(generator: Generator, doors: Mapping[Source, Door], *, advance: Callable[[int], object]) -> Answer:
    """As time goes by in the fortnight."""
    with holding.held():
        lived = fortnight.Fortnight(
            since=generator.since, until=generator.until, acts=people.acts(until=generator.until), deliver=deliver,
            is_troubled=lambda at: generator.stories.is_troubled(milliseconds(at)), pause=_PAUSE,
        )  # fmt: skip
        answer = loading.load(generator, doors, advance=advance, deliver=lived.deliver)
        lived.end()
    return answer


def send_all(generator: Generator, doors: Mapping[Source, Door], *, advance: Callable[[int], object]) -> Answer:
    """Send the fortnight to a Liftmon whose database is not ours."""
    return deliver(generator.events(), doors, advance=advance)

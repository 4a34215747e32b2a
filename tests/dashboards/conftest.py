"""The fixtures of events: what the overview shows came in through the same door."""

from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import make_sender as make_sender
from tests.events.conftest import sender as sender

"""From what clients call a stack to the one shape Liftmon stores: a chain of exceptions with frames.

``parse_stack`` reads the text a language prints; ``read_exception`` reads the structured form of Sentry's clients.
Both give the oldest cause first, frames caller first and the crash last, at most 10 exceptions of at most 100 frames.
"""

from events.ingest.stacktrace.frames import is_in_app
from events.ingest.stacktrace.payload import read_exception
from events.ingest.stacktrace.text import parse_stack

__all__ = ["is_in_app", "parse_stack", "read_exception"]

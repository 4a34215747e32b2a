"""The end of waiting for PostgreSQL, kept on our side: some of its functions do not hear that their time is up."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg


@contextmanager
def hung_up_after(connection: psycopg.Connection[Any], seconds: float) -> Iterator[threading.Event]:
    """While it lasts, the connection is closed from our side after that time, and the event tells.

    Whoever waits for it then gets an error at once, in whichever thread and function of libpq they wait. What runs on the server
    goes on until it hears of it, and ends there.
    """
    # The line itself under a number of our own: the connection's is given to others once it is closed.
    line = socket.socket(fileno=os.dup(connection.fileno()))
    is_over = threading.Event()

    def hang_up() -> None:
        is_over.set()
        with suppress(OSError):  # the server was quicker
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield is_over
    finally:
        timer.cancel()
        timer.join()
        line.close()

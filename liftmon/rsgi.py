"""The entry that granian serves: an event loop in front of Django's own handler.

Why not WSGI: there a request holds a thread while its body arrives and while its events are being committed, so a hundred slow
clients stop everybody, and threads that wake one another cost more than the work. Here bodies arrive on the loop, with limits
on their size, pace and sum; an event that is small is read and scrubbed right there; large batches, unknown keys and the admin
go to threads. Nothing waits for PostgreSQL but the one thread that commits groups (`events.ingest.group_commit`).
"""

import asyncio
import gc
import io
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import close_old_connections
from django.http import JsonResponse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftmon.settings")
django.setup(set_prefix=False)

import structlog  # noqa: E402
from django.conf import settings  # noqa: E402

from events.api.pending import BODY, DEFER, NEEDS_THREAD, PENDING, TOO_SLOW, Pending  # noqa: E402
from events.api.urls import ingest_view  # noqa: E402
from events.ingest.group_commit import Ticket  # noqa: E402
from events.ingest.keeper import keep  # noqa: E402
from events.ingest.storing import committer  # noqa: E402
from liftmon.bodies import Bodies, TooSlowError  # noqa: E402

logger = structlog.get_logger(__name__)
# What is read on the loop itself; more than this, or anything compressed beyond a kilobyte, goes to a thread.
_INLINE_BYTES = 32 * 1024
_INLINE_ENCODED_BYTES = 1024
# Of requests that are not ingest (forms of the admin).
_FORM_BYTES = 20 * 1024 * 1024

View = Callable[..., Any]


class Application:
    """One a process."""

    def __init__(self) -> None:
        self.django = WSGIHandler()
        self.django_threads = ThreadPoolExecutor(8, thread_name_prefix="django")
        # Reading a batch is work for the processor alone: two at once share one interpreter and double the memory.
        self.batch_threads = ThreadPoolExecutor(1, thread_name_prefix="batch")
        # One batch being read and two being committed; the others wait as bytes, which are a tenth of what they become.
        self.batches = asyncio.Semaphore(3)
        self.key_threads = ThreadPoolExecutor(2, thread_name_prefix="key")
        self.bodies = Bodies(settings.INGEST_BUFFERED_BYTES)
        self.ingest_limit: int = settings.INGEST_MAX_BODY_BYTES
        self.settled: list[Ticket] = []
        self.settled_lock = threading.Lock()
        self.loop: asyncio.AbstractEventLoop | None = None

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        # A thread that has waited for PostgreSQL gets the interpreter back sooner than after the usual 5 ms.
        sys.setswitchinterval(0.001)
        # What the application consists of is not garbage: without it, and asked less often, the collector takes 3 % and not 20 %
        # of the time that batches need.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        committer.lead_in_thread()
        keep()
        self.watch = loop.create_task(self.bodies.watch())

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        method = scope.method
        view = ingest_view(scope.path) if method == "POST" else None
        environ = environ_of(scope)
        body, held = b"", 0
        if method not in ("GET", "HEAD"):
            limit = self.ingest_limit if view else _FORM_BYTES
            try:
                body, held = await self.bodies.read(protocol, environ.get("CONTENT_LENGTH"), limit)
            except TooSlowError:
                environ[TOO_SLOW] = True
            except (ConnectionError, RuntimeError):
                return  # the client has gone
            if "CONTENT_LENGTH" not in environ:
                environ["CONTENT_LENGTH"] = str(len(body))
        try:
            if view is not None:
                await self._ingest(view, environ, body, protocol)
            else:
                environ["wsgi.input"] = io.BytesIO(body)
                answer = await asyncio.get_running_loop().run_in_executor(self.django_threads, self.handle, environ)
                protocol.response_bytes(*answer)
        finally:
            environ.pop(BODY, None)
            if held:
                self.bodies.release(held)

    def handle(self, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
        """The whole of Django, as under any WSGI server."""
        told: list[Any] = []
        response: Any = self.django(environ, lambda status, headers, *_: told.extend((int(status[:3]), headers)))  # type: ignore[arg-type]
        try:
            return told[0], told[1], b"".join(response)
        finally:
            response.close()

    # --- ingest --------------------------------------------------------------------------------------------------

    async def _ingest(self, view: View, environ: dict[str, Any], body: bytes, protocol: Any) -> None:
        environ[DEFER] = True
        environ[BODY] = body
        most = _INLINE_ENCODED_BYTES if "HTTP_CONTENT_ENCODING" in environ else _INLINE_BYTES
        if len(body) > most:
            async with self.batches:
                response = await self._call_in(self.batch_threads, view, environ)
                response = await self._when_durable(response, environ)
        else:
            response = _call(view, environ)
            if NEEDS_THREAD in environ:
                environ[BODY] = body
                response = await self._call_in(self.key_threads, view, environ)
            response = await self._when_durable(response, environ)
        protocol.response_bytes(response.status_code, list(response.items()), response.content)

    async def _when_durable(self, response: Any, environ: dict[str, Any]) -> Any:
        # Taken out: views, requests and responses refer to one another, and what they hold lives until a garbage collection.
        pending: Pending | None = environ.pop(PENDING, None)
        if pending is None:
            return response
        ticket = await self._commit(pending)
        return pending.settle(ticket) or response

    async def _call_in(self, threads: ThreadPoolExecutor, view: View, environ: dict[str, Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(threads, _call_with_database, view, environ)

    # --- commits -------------------------------------------------------------------------------------------------

    async def _commit(self, pending: Pending) -> Ticket:
        future: asyncio.Future[Ticket] = asyncio.get_running_loop().create_future()
        ticket = committer.submit(pending.submission, notify=self._settled)
        # The notice comes through this loop, so not before the next line.
        ticket.waiter = future
        return await future

    def _settled(self, ticket: Ticket) -> None:
        """Called by the committing thread; the loop is woken once for many tickets."""
        with self.settled_lock:
            self.settled.append(ticket)
            is_first = len(self.settled) == 1
        if is_first and self.loop is not None:
            self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        with self.settled_lock:
            settled, self.settled = self.settled, []
        for ticket in settled:
            if ticket.waiter is not None and not ticket.waiter.done():
                ticket.waiter.set_result(ticket)


def _call(view: View, environ: dict[str, Any]) -> Any:
    """The rendered answer of an ingest view. What it does not foresee is logged, and answered as Django would."""
    try:
        response = view(WSGIRequest(environ))
        return response.render() if hasattr(response, "render") else response
    except Exception:
        logger.exception("ingest_failed", path=environ["PATH_INFO"])
        return JsonResponse(
            {"type": "about:blank", "title": "Internal error", "status": 500},
            status=500,
            content_type="application/problem+json",
        )


def _call_with_database(view: View, environ: dict[str, Any]) -> Any:
    try:
        return _call(view, environ)
    finally:
        close_old_connections()


def environ_of(scope: Any) -> dict[str, Any]:
    """The WSGI environment (PEP 3333) of an RSGI scope."""
    client, _, _ = scope.client.rpartition(":")
    server = urlsplit(f"//{scope.server}")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope.path).decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server.hostname or "",
        "SERVER_PORT": str(server.port or 80),
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client.strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(b""),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


application = Application()

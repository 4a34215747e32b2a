"""Requests to a URL that a person typed, so that it cannot be used to reach what only this server may reach.

Names are resolved once, by us, and the connection goes to an address that was looked at: a name that answers otherwise the next
time gains nothing. Redirects are not followed, proxies of the environment are not asked, and the whole exchange has one deadline,
so that nobody keeps a worker by answering slowly. Neither errors nor answers hold the URL: for Slack it is the secret.
"""

import socket
import ssl
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from queue import Empty, SimpleQueue
from typing import Any

import certifi
from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.response import HTTPResponse
from urllib3.util import Url, parse_url

from alerts.addresses import why_refused

TIMEOUT_SECONDS = 15.0
# One address that does not answer must leave time for the next.
CONNECT_SECONDS = 5.0
KEPT_BYTES = 2048
USER_AGENT = "Liftmon (alerts)"
_PORTS = {"http": 80, "https": 443}


class OutboundError(Exception):
    """There was no answer; the text says why to a person, and names the host at most."""


class UrlError(OutboundError):
    """The URL itself cannot be used, however often it is tried."""


class AddressRefusedError(OutboundError):
    """The host has an address that may not be reached."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` by lower-case name; ``body`` is its beginning (2 KB, or what was asked for), also where it was cut off."""

    status: int
    headers: Mapping[str, str]
    body: str


def read_url(text: str) -> Url:
    """The parts of a URL that can be posted to. Raises UrlError, whose text names the fix and not the URL."""
    if any(char.isspace() or not char.isprintable() for char in text):
        raise UrlError("The URL holds a space or a control character: take it out.")
    try:
        url = parse_url(text)
    except LocationParseError:
        raise UrlError("This is no URL: write it as https://host/path.") from None
    if url.scheme not in _PORTS or "://" not in text:
        raise UrlError("The URL must begin with https:// or http://.")
    if not url.host:
        raise UrlError("The URL names no host: write it as https://host/path.")
    if url.auth:
        raise UrlError("The URL holds a user name or password before the host: take it out.")
    if url.port == 0:
        raise UrlError("Port 0 cannot be reached: leave the port out or write another.")
    return url


def is_allowed_host(host: str) -> bool:
    """Whether LIFTMON_OUTBOUND_ALLOWED_HOSTS names it: its addresses are not looked at then."""
    return _plain(host) in {_plain(name) for name in settings.OUTBOUND_ALLOWED_HOSTS}


def post(
    text: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    timeout_seconds: float = TIMEOUT_SECONDS,
    kept_bytes: int = KEPT_BYTES,
) -> Answer:
    """The answer, whatever its status. Raises OutboundError when there was none within ``timeout_seconds``."""
    return _asked("POST", text, body, headers, timeout_seconds, kept_bytes)


def get(
    text: str, *, headers: Mapping[str, str], timeout_seconds: float = TIMEOUT_SECONDS, kept_bytes: int = KEPT_BYTES
) -> Answer:
    """The same without a body."""
    return _asked("GET", text, None, headers, timeout_seconds, kept_bytes)


def _asked(
    method: str, text: str, body: bytes | None, headers: Mapping[str, str], timeout_seconds: float, kept_bytes: int
) -> Answer:
    url = read_url(text)
    host = url.host or ""
    deadline = Deadline(timeout_seconds)
    connection = _connection(url, deadline)
    sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close", **headers}
    try:
        with deadline:
            # The fragment stays here; `request_uri` is the path with the query.
            connection.request(method, url.request_uri, body=body, headers=sent, preload_content=False)
            # The connection hands its socket to the answer, which has to be closed then.
            with closing(connection.getresponse()) as response:
                if deadline.is_over:
                    # Shut in the middle of its head, which reads like the end of it.
                    raise TimeoutError
                said = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, said, _start_of(response, kept_bytes))
    except OutboundError:
        raise
    except (OSError, HTTPException, HTTPError, ValueError) as error:
        failure = _told(error, host, deadline)
    finally:
        connection.close()
    # Outside of the handler: what urllib3 says holds the URL, and a traceback would show it as the context of ours.
    raise failure


class Deadline:
    """Shuts the sockets that were handed to it when the time is over, whatever waits for them: timeouts of sockets begin anew
    with every byte, and somebody who sends one now and then is never late by them."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ends_at = time.monotonic() + seconds
        self.is_over = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._forget()

    def remaining_seconds(self) -> float:
        return max(self.ends_at - time.monotonic(), 0.001)

    def watch(self, connected: socket.socket) -> None:
        """Keeps a second handle of the connection: TLS takes over the first."""
        self._forget()
        with self._lock:
            self._socket = connected.dup()
        if self.is_over:
            self._shut()

    def _shut(self) -> None:
        with self._lock:
            self.is_over = True
            if self._socket is not None:
                with _ignored_os_errors():
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _forget(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = None


@contextmanager
def _ignored_os_errors() -> Generator[None]:
    """The other side may have closed it first."""
    try:
        yield
    except OSError:
        return


class _CheckedConnection(HTTPConnection):
    """Connects to an address that was looked at, and looks at all of them."""

    deadline: Deadline

    def _new_conn(self) -> socket.socket:
        return _connected(self.host, self.port, self.deadline)


class _CheckedTlsConnection(HTTPSConnection):
    """The same, and TLS still verifies the name."""

    deadline: Deadline

    def _new_conn(self) -> socket.socket:
        return _connected(self.host, self.port, self.deadline)


def _connection(url: Url, deadline: Deadline) -> _CheckedConnection | _CheckedTlsConnection:
    scheme = url.scheme or ""
    # An IPv6 address stands in brackets in a URL, and without them for a resolver.
    host, port = (url.host or "").strip("[]"), url.port or _PORTS[scheme]
    made: _CheckedConnection | _CheckedTlsConnection
    if scheme == "https":
        made = _CheckedTlsConnection(host, port, timeout=deadline.seconds, ssl_context=tls_context())
    else:
        made = _CheckedConnection(host, port, timeout=deadline.seconds)
    made.deadline = deadline
    return made


@cache
def tls_context() -> ssl.SSLContext:
    """The system's authorities, to which an operator's own belong, and certifi's: small images have none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    found = resolved(host, port, deadline)
    if not is_allowed_host(host):
        for _family, _type, _protocol, address in found:
            if why := why_refused(str(address[0]), allowed=settings.OUTBOUND_ALLOWED_NETWORKS):
                raise AddressRefusedError(
                    f"{host} has the address {address[0]}, which is {why}, and is not sent to. If that is meant, name the host "
                    "in LIFTMON_OUTBOUND_ALLOWED_HOSTS or its network in LIFTMON_OUTBOUND_ALLOWED_NETWORKS."
                )
    failure: OSError = TimeoutError()
    for family, kind, protocol, address in found:
        if deadline.is_over:
            break
        connecting = socket.socket(family, kind, protocol)
        try:
            connecting.settimeout(min(deadline.remaining_seconds(), CONNECT_SECONDS))
            connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connecting.connect(address)
            connecting.settimeout(deadline.remaining_seconds())
            deadline.watch(connecting)
        except OSError as error:
            connecting.close()
            failure = error
        else:
            return connecting
    raise failure


type Found = tuple[socket.AddressFamily, socket.SocketKind, int, Any]


def resolved(host: str, port: int, deadline: Deadline) -> list[Found]:
    """The addresses of a name, asked for in a thread of its own since a resolver knows no timeout. Raises OutboundError."""
    answers: SimpleQueue[list[Found] | OSError | UnicodeError] = SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            answers.put(error)
        else:
            answers.put([(family, kind, protocol, address) for family, kind, protocol, _name, address in found])

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.remaining_seconds())
    except Empty:
        raise OutboundError(f"The address of {host} was not found within {deadline.seconds:g} s.") from None
    if isinstance(answer, list) and answer:
        return answer
    raise OutboundError(f"The address of {host} was not found: is the name right?")


def _start_of(response: HTTPResponse, kept_bytes: int) -> str:
    """What came of the body until enough of it came, it ended, or the time was over. The status has been said by then: a body
    that never ends must not make us send again what was accepted."""
    kept = bytearray()
    try:
        while len(kept) < kept_bytes:
            part = response.read1(kept_bytes - len(kept), decode_content=False)
            if not part:
                break
            kept += part
    except (OSError, HTTPException, HTTPError, ValueError):
        pass  # what came before is what we keep
    return bytes(kept).decode(errors="replace")


def _told(error: Exception, host: str, deadline: Deadline) -> OutboundError:
    if deadline.is_over or time.monotonic() >= deadline.ends_at or isinstance(error, TimeoutError):
        return OutboundError(f"{host} did not answer within {deadline.seconds:g} s.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return OutboundError(f"The certificate of {host} could not be verified: {error.verify_message}.")
    if isinstance(error, ssl.SSLError):
        return OutboundError(f"{host} does not speak TLS as it should ({error.reason or 'connection ended'}).")
    if isinstance(error, ConnectionRefusedError):
        return OutboundError(f"{host} refused the connection: does it listen on that port?")
    if isinstance(error, OSError) and error.strerror:
        return OutboundError(f"{host} could not be reached: {error.strerror}.")
    return OutboundError(f"{host} did not answer as HTTP servers do ({type(error).__name__}).")


def _plain(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()

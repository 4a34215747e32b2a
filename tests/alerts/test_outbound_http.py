import datetime as dt
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alerts import outbound_http
from alerts.outbound_http import AddressRefusedError, OutboundError, UrlError, post, read_url
from tests.alerts.receivers import Receiver, drip, serve, stop

REAL_TLS_CONTEXT = outbound_http.tls_context


def send(url: str, *, timeout_seconds: float = 5) -> outbound_http.Answer:
    return post(url, b'{"a":1}', headers={"Content-Type": "application/json"}, timeout_seconds=timeout_seconds)


class Resolver:
    """Answers for the names it knows, one list of addresses a question, the last for ever."""

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self.real = socket.getaddrinfo

    def __call__(self, host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        self.asked.append(host)
        if host not in self.names:
            return self.real(host, port, *args, **kwargs)
        answers = self.names[host]
        found: list[Any] = []
        for address in answers.pop(0) if len(answers) > 1 else answers[0]:
            found += self.real(address, port, *args, **kwargs)
        return found


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    return made


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whoever connects is written down and gets no further."""
    addresses: list[str] = []

    class Refusing(socket.socket):
        def connect(self, address: Any) -> None:
            addresses.append(address[0])
            raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(outbound_http.socket, "socket", Refusing)
    return addresses


# --- What is sent and answered -----------------------------------------------------------------------------------


def test_it_posts_the_bytes_and_keeps_the_answer(receiver: Receiver) -> None:
    receiver.answer(202, b'{"status":"success"}', Retry_After="7")

    answer = send(f"{receiver.url}/hook?a=b#part")

    (got,) = receiver.received
    assert (got.path, got.body) == ("/hook?a=b", b'{"a":1}')
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == "Liftmon (alerts)"
    assert got.headers["accept-encoding"] == "identity"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (202, '{"status":"success"}', "7")


def test_it_keeps_two_kilobytes_of_a_huge_answer(receiver: Receiver) -> None:
    def speak(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 500 No\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(1000):
            handler.wfile.write(b"y" * 65_536)

    receiver.speak = speak
    began = time.monotonic()

    answer = send(receiver.url)

    assert (answer.status, answer.body) == (500, "y" * 2048)
    assert time.monotonic() - began < 3


def test_it_reads_an_answer_in_chunks_and_one_that_is_no_utf_8(receiver: Receiver) -> None:
    receiver.speak = lambda handler: _write(
        handler, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n\xff!\r\n0\r\n\r\n"
    )

    assert send(receiver.url).body == "abc\ufffd!"


def test_it_does_not_unpack_what_was_compressed_against_its_wish(receiver: Receiver) -> None:
    receiver.answer(200, b"\x1f\x8b\x08bomb", Content_Encoding="gzip")

    assert send(receiver.url).body.endswith("bomb")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_it_follows_no_redirect(receiver: Receiver, status: int) -> None:
    receiver.answer(status, b"", Location=f"{receiver.url}/elsewhere")

    assert send(f"{receiver.url}/hook").status == status
    assert [got.path for got in receiver.received] == ["/hook"]


def test_it_asks_no_proxy_of_the_environment(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)

    send(receiver.url)

    assert (len(receiver.received), proxy.connections) == (1, 0)
    stop(proxy)


# --- How long it takes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: "])
def test_a_head_that_drips_is_late_although_bytes_keep_coming(receiver: Receiver, head: bytes) -> None:
    receiver.speak = lambda handler: drip(handler, head=head, seconds=60)
    began = time.monotonic()

    with pytest.raises(OutboundError, match=r"did not answer within 0.6 s"):
        send(receiver.url, timeout_seconds=0.6)

    assert time.monotonic() - began < 15


def test_a_body_that_drips_is_cut_and_its_status_counts(receiver: Receiver) -> None:
    receiver.speak = lambda handler: drip(
        handler, head=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nok", seconds=60
    )
    began = time.monotonic()

    answer = send(receiver.url, timeout_seconds=0.6)

    assert answer.status == 200
    assert answer.body.startswith("okx")
    assert time.monotonic() - began < 15


def test_a_name_whose_server_does_not_answer_is_late(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()

    def late(*_: object, **__: object) -> list[object]:
        is_over.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", late)
    began = time.monotonic()

    with pytest.raises(OutboundError, match=r"The address of slow.example was not found within 0.3 s"):
        send("http://slow.example/", timeout_seconds=0.3)

    assert time.monotonic() - began < 15
    is_over.set()


def test_nobody_who_takes_no_byte_keeps_it(receiver: Receiver) -> None:
    """A listener that never accepts: what is sent fills the buffers and stands still."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        began = time.monotonic()

        with pytest.raises(OutboundError, match="did not answer within"):
            post(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"z" * 30_000_000, headers={}, timeout_seconds=0.6)

    assert time.monotonic() - began < 15


# --- Where it does not go ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0", "017700000001", "[::1]", "[::ffff:127.0.0.1]",
     "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "169.254.169.254", "10.0.0.5", "[fd00:ec2::254]", "224.0.0.1"],
)  # fmt: skip
def test_it_reaches_nothing_inside(stranger: Receiver, connected: list[str], host: str) -> None:
    with pytest.raises(OutboundError):
        send(f"http://{host}:{stranger.port}/")

    assert connected == []
    assert stranger.connections == 0


def test_it_says_what_to_do_about_an_address_that_is_refused(stranger: Receiver) -> None:
    with pytest.raises(AddressRefusedError) as caught:
        send(f"{stranger.url}/secret-path")

    assert "127.0.0.1, which is loopback" in str(caught.value)
    assert "LIFTMON_OUTBOUND_ALLOWED_HOSTS" in str(caught.value)
    assert "secret-path" not in str(caught.value)


def test_a_name_with_a_private_address_is_refused(stranger: Receiver, resolver: Resolver) -> None:
    resolver.names["inside.example"] = [["127.0.0.1"]]

    with pytest.raises(AddressRefusedError, match=r"inside.example has the address 127.0.0.1"):
        send(f"http://inside.example:{stranger.port}/")

    assert stranger.connections == 0


def test_one_private_address_among_public_ones_is_enough(resolver: Resolver, connected: list[str]) -> None:
    resolver.names["mixed.example"] = [["93.184.215.14", "10.0.0.1"]]

    with pytest.raises(AddressRefusedError, match=r"10.0.0.1"):
        send("http://mixed.example/")

    assert connected == []


def test_it_connects_to_the_addresses_that_it_looked_at(resolver: Resolver, connected: list[str]) -> None:
    resolver.names["public.example"] = [["93.184.215.14", "93.184.215.15"], ["127.0.0.1"]]

    with pytest.raises(OutboundError, match=r"public.example refused the connection"):
        send("http://public.example/")

    assert connected == ["93.184.215.14", "93.184.215.15"]
    assert resolver.asked.count("public.example") == 1


def test_a_name_that_changes_between_resolutions_gains_nothing(resolver: Resolver, settings: Any) -> None:
    """The first answer is one that may be reached, every later one is the inside."""
    allowed, inside = serve("127.0.0.1"), serve("127.0.0.2")
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    url = f"http://rebinding.example:{allowed.port}/"
    inside_port_too = f"http://rebinding.example:{inside.port}/"
    resolver.names["rebinding.example"] = [["127.0.0.1"], ["127.0.0.2"]]

    assert send(url).status == 200
    with pytest.raises(AddressRefusedError, match=r"127\.0\.0\.2"):
        send(inside_port_too)

    assert (len(allowed.received), inside.connections) == (1, 0)
    assert resolver.asked == ["rebinding.example", "rebinding.example"]
    stop(allowed)
    stop(inside)


def test_a_host_that_was_named_may_be_reached_however_it_is_written(stranger: Receiver, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["LocalHost"]

    assert send(f"http://LOCALHOST:{stranger.port}/").status == 200
    with pytest.raises(AddressRefusedError):
        send(stranger.url)


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("ftp://host/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("gopher://host/", "https://"),
        ("unix:///var/run/docker.sock", "https://"),
        ("host/path", "https://"),
        ("", "https://"),
        ("http://", "no host"),
        ("http:///path", "no host"),
        ("https://user:pass@host/", "user name"),
        ("https://host/a b", "space"),
        ("https://host/\r\nX: y", "space"),
        ("https://host:99999/", "no URL"),
        ("https://[::1/", "no URL"),
        ("http://host:0/", "Port 0"),
    ],
)
def test_it_says_what_is_wrong_with_a_url(url: str, fix: str) -> None:
    with pytest.raises(UrlError, match=fix):
        read_url(url)


# --- Errors for people, without secrets --------------------------------------------------------------------------


def test_a_closed_port_is_told_without_the_path(receiver: Receiver, resolver: Resolver, settings: Any) -> None:
    stop(receiver)

    with pytest.raises(OutboundError, match=r"127.0.0.1 refused the connection") as caught:
        send(f"{receiver.url}/T/B/secret?token=secret")

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None, "urllib3's errors hold the URL, and tracebacks show contexts"


@pytest.mark.parametrize(
    "said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 xyz\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A" * 70_000]
)
def test_what_is_no_http_is_told(receiver: Receiver, said: bytes) -> None:
    receiver.speak = lambda handler: _write(handler, said)

    with pytest.raises(OutboundError, match=r"127.0.0.1 did not answer as HTTP servers do|could not be reached"):
        send(f"{receiver.url}/secret")


def test_a_name_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(OutboundError, match=r"The address of nowhere.example was not found"):
        send("https://nowhere.example/")


def test_it_logs_no_url(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.speak = lambda handler: _write(handler, b"HTTP/1.1 200 OK\r\nbad header\r\nContent-Length: 2\r\n\r\nok")

    with caplog.at_level(logging.DEBUG):
        send(f"{receiver.url}/secret-path")

    assert "secret-path" not in caplog.text


# --- TLS ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Receiver]:
    """Has a certificate for hooks.example, of an authority that is trusted here."""
    certificate = _certificate(tmp_path, "hooks.example")
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(outbound_http, "tls_context", lambda: trusting)
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    receiver = serve(prepare=_wrapping(server_side))
    yield receiver
    stop(receiver)


def test_tls_verifies_the_name_and_not_the_address(secure: Receiver, resolver: Resolver) -> None:
    resolver.names |= {"hooks.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]}

    assert send(f"https://hooks.example:{secure.port}/").body == "ok"
    with pytest.raises(
        OutboundError, match=r"The certificate of other.example could not be verified: Hostname mismatch"
    ):
        send(f"https://other.example:{secure.port}/")

    assert len(secure.received) == 1


def test_tls_trusts_no_unknown_authority(secure: Receiver, resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver.names["hooks.example"] = [["127.0.0.1"]]
    monkeypatch.setattr(outbound_http, "tls_context", REAL_TLS_CONTEXT)

    with pytest.raises(OutboundError, match=r"The certificate of hooks.example could not be verified: self"):
        send(f"https://hooks.example:{secure.port}/")


def test_tls_that_drips_is_late_too(secure: Receiver, resolver: Resolver) -> None:
    resolver.names["hooks.example"] = [["127.0.0.1"]]
    secure.speak = lambda handler: drip(handler, head=b"HTTP/1.1 200 OK\r\nA: ", seconds=60)
    began = time.monotonic()

    with pytest.raises(OutboundError, match="did not answer within"):
        send(f"https://hooks.example:{secure.port}/", timeout_seconds=0.6)

    assert time.monotonic() - began < 15


def test_a_server_without_tls_is_told(receiver: Receiver) -> None:
    with pytest.raises(OutboundError, match=r"127.0.0.1 (does not speak TLS|could not be reached)"):
        send(f"https://127.0.0.1:{receiver.port}/")


def _write(handler: BaseHTTPRequestHandler, said: bytes) -> None:
    handler.wfile.write(said)
    handler.wfile.flush()


def _wrapping(context: ssl.SSLContext) -> Callable[[ThreadingHTTPServer], None]:
    def wrap(server: ThreadingHTTPServer) -> None:
        server.socket = context.wrap_socket(server.socket, server_side=True)

    return wrap


def _certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.KeyUsage(True, False, False, False, False, True, False, False, False), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path

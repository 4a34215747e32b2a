"""Doors before a PostgreSQL: one that speaks TLS, which the embedded server cannot, and one that can be shut in the middle."""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Door:
    """Passes on what comes until `is_stuck`: then it keeps the connections and passes nothing."""

    port: int
    behind: int
    tls: ssl.SSLContext | None = None
    is_stuck: threading.Event = field(default_factory=threading.Event)

    def serve(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with suppress(OSError), ExitStack() as stack:
            stack.enter_context(client)
            if self.tls is not None:
                # PostgreSQL's own beginning of TLS: eight bytes that ask for it, and one that says yes.
                client.recv(8)
                client.sendall(b"S")
                client = stack.enter_context(self.tls.wrap_socket(client, server_side=True))
            server = stack.enter_context(socket.create_connection(("127.0.0.1", self.behind)))
            back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
            back.start()
            self._copy(client, server)
            # The other thread waits for what it says, and would keep it open.
            server.shutdown(socket.SHUT_RDWR)
            back.join(5)

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError, ValueError):
            while part := source.recv(65536):
                if self.is_stuck.is_set():
                    continue
                target.sendall(part)


@contextmanager
def door(behind: int, tls: ssl.SSLContext | None = None) -> Iterator[Door]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        made = Door(listening.getsockname()[1], behind, tls)
        threading.Thread(target=made.serve, args=(listening,), daemon=True).start()
        yield made
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


def certificate(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """The file of an authority that signed itself for a host, and what serves by it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "authority.crt", folder / "server.key"
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return file, context

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from events.demo.delivery import Door


@dataclass
class FakeServer:
    """Takes every batch, unless ``script`` still holds an answer: (status, headers, body); keeps what it was sent."""

    url: str = ""
    script: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def door(self) -> Door:
        return Door(self.url, "k" * 32)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [document for batch in self.batches for document in batch]

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
            self.headers.append(headers)
            if self.script:
                return self.script.pop(0)
            documents = orjson.loads(gzip.decompress(body))
            self.batches.append(documents)
            return 200, {}, orjson.dumps({"ok": True, "accepted": len(documents), "rejected": []})


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, answer = fake.answer({"path": self.path, **dict(self.headers)}, body)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    real = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    real.daemon_threads = True
    thread = threading.Thread(target=real.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.url = f"http://127.0.0.1:{real.server_address[1]}"
    yield fake
    real.shutdown()
    real.server_close()
    thread.join()

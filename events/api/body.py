"""Reading a request's body ourselves: chunked ones included, limits enforced while reading and while inflating.

Django reads nothing of a body without Content-Length (chunked requests of Node SDKs), and refuses large ones with 400.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import brotli
import zstandard

from events.api.pending import BODY, TOO_SLOW
from events.api.problems import Problem

_CHUNK = 64 * 1024
_ZSTD_PIECE = 256
_MOST_ENCODINGS = 3


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_body(environ: dict[str, Any], *, limit: int) -> bytes:
    """The decoded body of a WSGI request, at most ``limit`` bytes both as sent and as decompressed.

    Raises Problem: 400 (bad length or broken compression), 408 (too slow), 413 (too large), 415 (unknown Content-Encoding).
    """
    if environ.get(TOO_SLOW):
        raise Problem(408, "body_too_slow", "The body did not arrive in time. Send it again, or smaller batches.")
    encodings = [name.strip().lower() for name in environ.get("HTTP_CONTENT_ENCODING", "").split(",") if name.strip()]
    if len(encodings) > _MOST_ENCODINGS:
        raise Problem(415, "unknown_encoding", f"More than {_MOST_ENCODINGS} encodings on top of one another. Use one.")
    # Taken out of the environment: views and requests refer to one another, so what they hold lives until a garbage collection.
    body: bytes | None = environ.pop(BODY, None)
    if body is None or environ.get("CONTENT_LENGTH", "") != str(len(body)):
        body = _collect(_raw_chunks(environ, limit), limit)
    elif len(body) > limit:
        raise _too_large(limit)
    for encoding in reversed([name for name in encodings if name != "identity"]):
        body = _decode(body, encoding, limit)
    return body


def _too_large(limit: int) -> Problem:
    return Problem(
        413, "too_large", f"The body is over {limit:,} bytes (decompressed). Send smaller batches.", limit_bytes=limit
    )


def _raw_chunks(environ: dict[str, Any], limit: int) -> Iterator[bytes]:
    stream: _Reader = environ["wsgi.input"]
    declared = environ.get("CONTENT_LENGTH") or ""
    if not declared:
        # Chunked: the server ends the stream for us, or there is no body at all.
        if environ.get("wsgi.input_terminated"):
            while chunk := stream.read(_CHUNK):
                yield chunk
        return
    if not declared.isascii() or not declared.isdecimal():
        raise Problem(400, "bad_content_length", "Content-Length is not a number.")
    left = int(declared)
    if left > limit:
        raise _too_large(limit)
    while left > 0 and (chunk := stream.read(min(left, _CHUNK))):
        left -= len(chunk)
        yield chunk
    if left > 0:
        raise Problem(400, "body_cut_short", "The body ended before Content-Length bytes had arrived. Send it again.")


def _collect(chunks: Iterator[bytes], limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        parts.append(chunk)
    return b"".join(parts)


def _decode(body: bytes, encoding: str, limit: int) -> bytes:
    decoder = _DECODERS.get(encoding)
    if decoder is None:
        raise Problem(
            415,
            "unknown_encoding",
            f"Content-Encoding {encoding[:40]!r} is not known. Use gzip, deflate, br, zstd or none.",
        )
    if not body:
        return b""
    try:
        return _collect(decoder(body, limit), limit)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
        raise Problem(400, "broken_compression", f"The body is not valid {encoding}: {error}.") from None


def _gzip(body: bytes, limit: int) -> Iterator[bytes]:
    yield from _inflate(body, 16 + zlib.MAX_WBITS)


def _deflate(body: bytes, limit: int) -> Iterator[bytes]:
    """zlib-wrapped as the RFC says, or raw as some clients send."""
    is_wrapped = len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    yield from _inflate(body, zlib.MAX_WBITS if is_wrapped else -zlib.MAX_WBITS)


def _inflate(body: bytes, window_bits: int) -> Iterator[bytes]:
    while body:  # gzip allows several members one after another
        inflater = zlib.decompressobj(window_bits)
        while not inflater.eof:
            chunk = inflater.decompress(body, _CHUNK)
            body = inflater.unconsumed_tail
            if chunk:
                yield chunk
            elif not body and not inflater.eof:
                raise EOFError("it ends too early")
        body = inflater.unused_data


def _brotli(body: bytes, limit: int) -> Iterator[bytes]:
    inflater = brotli.Decompressor()
    yield inflater.process(body, output_buffer_limit=_CHUNK)
    while not inflater.is_finished():
        chunk = inflater.process(b"", output_buffer_limit=_CHUNK)
        if not chunk and inflater.can_accept_more_data():
            raise EOFError("it ends too early")
        yield chunk


def _zstd(body: bytes, limit: int) -> Iterator[bytes]:
    # A frame may ask for a window of gigabytes: no more memory than the limit needs is given.
    decompressor = zstandard.ZstdDecompressor(max_window_size=max(limit, 1 << 23))
    position = 0
    while position < len(body):  # several frames may follow one another
        inflater = decompressor.decompressobj()
        while not inflater.eof:
            if position >= len(body):
                raise EOFError("it ends too early")
            # Fed in small pieces: four bytes may mean 128 KB, and a piece is inflated whole.
            piece = body[position : position + _ZSTD_PIECE]
            position += len(piece)
            yield inflater.decompress(piece)
        position -= len(inflater.unused_data)


_DECODERS: dict[str, Callable[[bytes, int], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}

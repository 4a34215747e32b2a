"""From the bytes of a request to JSON documents: one object, an array of them, or newline-delimited JSON.

orjson reads the well-formed majority; what it refuses but a person can read (NaN, lone surrogates, huge numbers) is read
by the standard parser, to be mended afterwards.
"""

import json
from typing import Any

import orjson

from events.ingest.repair import MOST_DIGITS, HugeNumber
from events.ingest.types import Refusal


class UnreadableBodyError(ValueError):
    """The body as a whole cannot be read; ``code`` names why, the text says what to fix."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def read_documents(body: bytes, *, most: int) -> tuple[list[Any], list[Refusal], bool]:
    """Return (documents with ``None`` where one was refused, refusals, whether it was a batch).

    Raises UnreadableBodyError when nothing can be read at all or there are more than ``most`` documents.
    """
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not body:
        raise UnreadableBodyError(
            "empty_body", 'The body is empty. Send JSON such as {"event": "api_timeout", "data": {}}.'
        )
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        if _is_newline_delimited(body):
            return _read_lines(body, most=most)
        value = _read_leniently(body)
    if isinstance(value, list):
        if len(value) > most:
            raise _too_many(len(value), most)
        return value, [], True
    return [value], [], False


def _too_many(count: int, most: int) -> UnreadableBodyError:
    return UnreadableBodyError(
        "too_many_events", f"{count} events in one request; send at most {most} and split the rest."
    )


def _is_newline_delimited(body: bytes) -> bool:
    """Whether the first line alone is a JSON object and something follows it."""
    first, newline, _ = body.partition(b"\n")
    if not newline or not first.startswith(b"{"):
        return False
    try:
        return isinstance(_read_one(first), dict)
    except UnreadableBodyError:
        return False


def _read_lines(body: bytes, *, most: int) -> tuple[list[Any], list[Refusal], bool]:
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > most:
        raise _too_many(len(lines), most)
    documents: list[Any] = []
    refusals: list[Refusal] = []
    for index, line in enumerate(lines):
        try:
            documents.append(_read_one(line))
        except UnreadableBodyError as error:
            documents.append(None)
            refusals.append(Refusal(index, error.code, error.detail))
    return documents, refusals, True


def _read_one(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _read_leniently(text)


def _read_leniently(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableBodyError("not_utf8", f"Byte {error.start} is not UTF-8. Encode the body as UTF-8.") from None
    try:
        return json.loads(text, parse_int=_read_int, parse_float=_read_float)
    except json.JSONDecodeError as error:
        raise UnreadableBodyError(
            "invalid_json", f"Not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise UnreadableBodyError("too_deep", "Nested too deeply to be read; flatten the data.") from None


def _read_int(digits: str) -> int | HugeNumber:
    return int(digits) if len(digits) <= MOST_DIGITS else HugeNumber(digits)


def _read_float(digits: str) -> float | HugeNumber:
    return float(digits) if len(digits) <= MOST_DIGITS else HugeNumber(digits)

"""A sender who wants to keep us busy: texts made to send expressions astray take a time that grows with their length only."""

from time import process_time

import pytest

from events.ingest.scrub import Scrubber

SIZE = 32_768
PIECES: dict[str, str] = {
    "one long word": "a",
    "digits": "1",
    "digit pairs": "1 1-",
    "dashes and spaces": "- ",
    "key beginnings": "-----BEGIN ",
    "whole key beginnings": "-----BEGIN A-----",
    "key ends": "-----END ",
    "token beginnings": "eyJ",
    "token beginnings with dots": "eyJabcde.abcde.",
    "token beginnings with dashes": "-eyJabcde",
    "phone beginnings": "+1 ",
    "phone beginnings in brackets": "+1 (1",
    "phone groups": "12 345 ",
    "passwords without values": "password=",
    "phones without values": "phone=",
    "phones with values": "phone=a;",
    "quoted names": 'password="',
    "bracketed names": "password=(",
    "quoted values that may stay": "phone='aaaa",
    "user parts": "://a@",
    "user parts with schemes": "a://a:b@",
    "schemes": "a://",
    "names and colons": "a:",
    "dotted names": "a.",
    "dashed names": "aa-",
    "dollars": "$a",
    "names and spaces": "aa  ",
    "percent signs": "%3Daa",
    "street beginnings": "12 Aa ",
    "capitals": "Aa ",
    "numbers and capitals": "1 A B C ",
    "escaped quotes": "\\\"'",
    "escapes": "a=\\",
    "mail signs": "a@",
    "mail domains": "a@a.",
    "mail domains without end": "a.a-",
    "encoded mail signs": "a%40",
    "bank accounts": "DE89",
    "bank accounts with spaces": "DE89 AAAA ",
    "ipv4 parts": "1.",
    "ipv4 addresses": "203.0.113.7 ",
    "ssns": "123-45-",
    "homes": "/home/",
    "windows homes": "C:\\\\Users\\\\",
    "bearers": "bearer ",
    "bearers with values": "basic aaaaaaaa ",
    "cookies": "cookie: ",
    "cookies that may stay": "cookie: [\n",
    "elements": "<password>",
    "elements with ends": "<a></",
    "open elements": "<aa ",
    "provider keys": "sk-",
    "provider keys with dots": "SG.aaaaaaaaaaaaaaaa.",
    "provider key hints": "re_aaaaaaaa_",
    "json": '{"a":',
    "json arrays": "[",
    "filtered": "[Filtered]",
    "spaces": " ",
    "NUL": "\x00",
    "surrogates": "\ud800",
    "emoji": "🙂1",
}
# A hostile beginning, one piece again and again, and an end that makes the match fail.
FRAMED: dict[str, tuple[str, str, str]] = {
    "a word and a mail sign": ("", "a", "@"),
    "a name and many colons": ("key=", "a:", ""),
    "a scheme and no end": ("a://", "a:", " "),
    "a key and no end": ("-----BEGIN A-----", "-----END", ""),
    "a mail with many domains": ("a@", "a.", "1"),
    "a password and no end": ("password='", "a", '"'),
    "an array of arrays": ("[" * 100, "1,", "]" * 100),
    "a bearer and no end": ("bearer ", "a", "\ud800"),
    "a telling name and a hint": ("sk-=:@%40</ +eyJ basic ookie ", "a1 A-", "/home/a -----BEGIN A"),
}
CASES = {name: ("", piece, "") for name, piece in PIECES.items()} | FRAMED


def hostile(case: tuple[str, str, str], size: int) -> str:
    begin, piece, end = case
    return begin + piece * (size // len(piece)) + end


def best_time(text: str, *, tries: int) -> float:
    """Seconds of processor time for one scrubbing, the least of ``tries``: what other work on the machine adds is left out."""
    scrubber = Scrubber(["key"])
    times = []
    for _ in range(tries):
        began = process_time()
        scrubber.scrub_text(text)
        times.append(process_time() - began)
    return min(times)


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_text_takes_a_time_in_proportion_to_its_length(name: str) -> None:
    once, twice = hostile(CASES[name], SIZE), hostile(CASES[name], 2 * SIZE)

    time_once = best_time(once, tries=3)
    time_twice = best_time(twice, tries=3)

    assert time_once < 0.5
    assert time_twice < max(3 * time_once, 0.01), "the time grows faster than the text"


def test_a_hostile_value_takes_a_time_in_proportion_too() -> None:
    scrubber = Scrubber(["key"])
    value = {"a" * 1_000 + str(place): ["phone=" * 50, "-----BEGIN "] for place in range(300)}

    began = process_time()
    scrubber.scrub_value(value)

    assert process_time() - began < 0.5

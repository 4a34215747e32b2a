"""Replacing what varies in a text by what it is, so that "user 17 not found" and "user 42 not found" read the same.

``parameterise`` works in a fixed order, from the most specific pattern to the least: addresses and ids are taken whole
before their digits could pass for numbers. Every pattern is bounded and begins where a word begins, so the time is
linear in the text. Hosts, HTTP status codes, service ports and error codes are kept: they name the cause.
"""

import re
from functools import lru_cache
from typing import Final

# Part of the identity of an issue: a change here needs a new FINGERPRINT_VERSION in events/ingest/fingerprint.py.

# What the scrubber leaves behind stands for the same thing as what it removed.
_SCRUBBED = re.compile(r"\[([A-Za-z][A-Za-z0-9_ -]{0,30})(?:: [\d,]{1,16} characters)?\]", re.ASCII)
_SCRUBBED_NAMES: Final = {
    "email": "<email>", "filtered": "<filtered>", "redacted": "<filtered>", "removed": "<filtered>", "ip": "<ip>",
    "card_number": "<card>", "card": "<card>", "creditcard": "<card>", "iban": "<iban>", "ssn": "<ssn>",
    "phone": "<phone>", "address": "<address>", "pem_key": "<key>", "pem": "<key>", "key": "<key>",
    "api_key": "<key>", "token": "<token>", "bearer": "<token>", "jwt": "<token>", "password": "<filtered>",
    "body_removed": "<body>",
}  # fmt: skip
# An address cut to its network, with the keyed hash of the whole: "203.0.113.0/24 (9f2c81d4)".
_MASKED_IP = re.compile(r"(?<![\w.:])[0-9A-Fa-f.:]{2,39}/\d{1,3} \([0-9a-f]{6,16}\)", re.ASCII)

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}", re.ASCII)
_URL = re.compile(
    r"(?<![\w+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://(?:[^\s\"'`()/?#@]{0,200}@)?([A-Za-z0-9.-]{0,253})"
    r"(?::\d{1,5}(?!\d))?(?:[^\s<>\"'`()\[\]]|\[[\w:. -]{0,60}\]|<[a-z]{1,12}>)*",
    re.ASCII,
)
_QUOTED = re.compile(r"=(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}')")
_BOOLEAN = re.compile(r"=(?:true|false|True|False|TRUE|FALSE)(?!\w)", re.ASCII)

_IPV4 = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}"
_IP4 = re.compile(rf"(?<![\w.]){_IPV4}(?:/\d{{1,2}})?(?![\w.]\w|\w)", re.ASCII)
_IP6 = re.compile(
    rf"(?<![\w:.])(?=[^\s]{{0,39}}\d)(?:(?:[0-9A-Fa-f]{{1,4}}:){{7}}[0-9A-Fa-f]{{1,4}}"
    rf"|(?:[0-9A-Fa-f]{{1,4}}(?::[0-9A-Fa-f]{{1,4}}){{0,6}})?::(?:[0-9A-Fa-f]{{1,4}}:){{0,6}}(?:{_IPV4}|[0-9A-Fa-f]{{1,4}})?)"
    rf"(?:%\w{{1,16}})?(?:/\d{{1,3}})?(?![\w:])",
    re.ASCII,
)
_TRACEPARENT = re.compile(r"(?<![\w-])[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?![\w-])", re.ASCII)
_UUID = re.compile(r"(?<!\w)[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?!\w)", re.ASCII)

_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?[AaPp][Mm])?"
_ZONE = r"(?: ?(?:Z|UTC|GMT)(?:[+-]\d{1,4})?| ?[+-]\d{2}:?\d{2})?(?: \([A-Z][A-Za-z ]{2,40}\))?"
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)"
)
_DAY = r"(?:(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?),? )?"
_DATE = re.compile(
    rf"(?<![\w.])(?:\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]{_CLOCK}{_ZONE})?"
    rf"|\d{{4}}/\d{{1,2}}/\d{{1,2}}(?:[T ]{_CLOCK}{_ZONE})?"
    rf"|\d{{1,2}}/\d{{1,2}}/\d{{4}}(?:,? {_CLOCK}{_ZONE})?"
    rf"|\d{{1,2}}/{_MONTH}/\d{{4}}:{_CLOCK}{_ZONE}"
    rf"|{_DAY}\d{{1,2}}[ -]{_MONTH}[ -]\d{{2,4}}(?:,? {_CLOCK}{_ZONE})?"
    rf"|{_DAY}{_MONTH} {{1,2}}\d{{1,2}}(?:,? \d{{4}})?(?:,? {_CLOCK}{_ZONE}(?: \d{{4}})?)?"
    rf"|\d{{1,2}}:\d{{2}}:\d{{2}}(?:[.,]\d{{1,9}})?{_ZONE})(?!\w)",
    re.ASCII,
)

_UNIT = r"(?:ns|us|µs|ms|msecs?|s|secs?|m|mins?|h|hrs?|d)"
_LONG_UNIT = (
    r"(?:ns|us|µs|ms|msecs?|(?:nano|micro|milli)?seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?)"
)
_NUMBER = re.compile(
    r"(?<!\w)(?:"
    # Codes say what went wrong; they are few and stay.
    r"(?P<code>(?:[Ss]tatus(?:[ _]?[Cc]ode)?|HTTP(?:/\d(?:\.\d)?)?|(?:[Ee]xit|[Ee]rror)[ _][Cc]ode|errno)"
    r"[\" :=]{1,4}-?\d{1,5}(?!\w)|(?<=<ip>:)\d{1,4}(?!\w))"
    rf"|(?P<duration>-?(?:\d{{1,12}}(?:\.\d{{1,12}})?{_UNIT}){{1,5}}(?!\w)"
    rf"|-?\d{{1,12}}(?:\.\d{{1,12}})? {_LONG_UNIT}(?!\w))"
    r"|(?P<size>\d{1,15}(?:\.\d{1,12})? ?(?:bytes?|[kKMGT]i?B)(?!\w))"
    r"|(?P<version>v?\d{1,9}(?:\.\d{1,9}){2,5}(?![\w]))"
    r"|(?P<float>-?\d{1,30}\.\d{1,30}(?:[eE][+-]?\d{1,3})?(?!\w))"
    r"|-?(?P<word>\w*?\d\w*)"
    r")",
    re.ASCII,
)
_HEX = re.compile(r"(?:[0-9a-f]+|[0-9A-F]+)\Z")
_DIGITS = re.compile(r"\d+")
_HASHES: Final = {32: "<md5>", 40: "<sha1>", 7: "<git>"}
_MAX_CACHED: Final = 500
_MAX_ROUNDS: Final = 4


def parameterise(text: str) -> str:
    """The text with what varies replaced by ``<email>``, ``<url:host>``, ``<ip>``, ``<uuid>``, ``<date>``, ``<int>``…

    Applying it to its own result changes nothing.
    """
    return _cached(text) if len(text) <= _MAX_CACHED else _settled(text)


def _settled(text: str) -> str:
    """What is glued to a placeholder may match only once that stands there, hence more than one round."""
    for _ in range(_MAX_ROUNDS):
        result = _once(text)
        if result == text:
            break
        text = result
    return text


_cached = lru_cache(maxsize=4_096)(_settled)


def _once(text: str) -> str:
    # Each pattern runs only when a sign it cannot do without is there: most texts need one or two of them.
    if "[" in text:
        text = _SCRUBBED.sub(_scrubbed, text)
    if "@" in text:
        text = _EMAIL.sub("<email>", text)
    if "://" in text:
        text = _URL.sub(_url, text)
    if "=" in text:
        text = _BOOLEAN.sub("=<bool>", _QUOTED.sub("=<quoted>", text))
    if not _DIGITS.search(text):
        return text
    if text.count(".") > 2 or ":" in text:
        text = _addresses(text)
    if "-" in text:
        text = _UUID.sub("<uuid>", _TRACEPARENT.sub("<traceparent>", text))
    return _NUMBER.sub(_number, _DATE.sub("<date>", text))


def _addresses(text: str) -> str:
    if "/" in text:
        text = _MASKED_IP.sub("<ip>", text)
    if "::" in text or text.count(":") > 6:
        text = _IP6.sub("<ip>", text)
    return _IP4.sub("<ip>", text)


def _scrubbed(found: re.Match[str]) -> str:
    return _SCRUBBED_NAMES.get(found.group(1).lower().replace("-", "_").replace(" ", "_"), found.group())


def _url(found: re.Match[str]) -> str:
    """The host is kept, since it says who failed; the punctuation of the sentence stays outside."""
    whole = found.group()
    tail = whole[len(whole.rstrip(".,;:!?")) :]
    host = found.group(1).rstrip(".").lower()
    return (f"<url:{host}>" if host else "<url>") + tail


def _number(found: re.Match[str]) -> str:
    kind = found.lastgroup
    if kind == "code":
        return found.group()
    if kind != "word":
        return f"<{kind}>"
    word = found.group("word")
    sign = "-" if found.group()[0] == "-" else ""
    named = _word(word) if len(word) <= _MAX_CACHED else _segments(word)
    return named if named == "<int>" else sign + named


@lru_cache(maxsize=4_096)
def _word(word: str) -> str:
    """What a word with at least one digit in it is: a number, a hash, an id, or an ordinary word such as "utf8"."""
    if word.isdigit():
        return "<int>"
    if word.startswith(("0x", "0X")) and len(word) > 2:
        return "<hex>"
    return _segments(word)


def _segments(word: str) -> str:
    return "_".join(_segment(segment) for segment in word.split("_")) if "_" in word else _segment(word)


def _segment(word: str) -> str:
    if word.isdigit():
        return "<int>"
    length = len(word)
    if (length >= 8 or length == 7) and not word.isalpha() and _HEX.match(word):
        return _HASHES.get(length, "<hex>")
    # "cus_N8x2kLq0" and "01ARZ3NDEKTSV4" have digits between letters at several places, "sha256sum" at one.
    if length >= 8 and len(_DIGITS.findall(word, 0, 200)) >= (2 if length < 12 else 3):
        return "<id>"
    return word

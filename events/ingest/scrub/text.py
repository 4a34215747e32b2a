"""Secrets and personal data inside text: found, replaced by a word in brackets, the rest of the sentence kept.

Every expression is bounded and anchored, so that its time grows with the text and not with its square; each is tried only
when a character that it cannot do without is there.
"""

import ipaddress
import re
from base64 import b64decode
from collections.abc import Callable

from stdnum import iban, luhn

from events.ingest.scrub.keys import rule_of_key
from events.ingest.scrub.rules import FILTERED, MARKERS

# Rules whose value is replaced when a text says NAME=VALUE; the others are recognised by their own shape.
_ASSIGNED = frozenset(
    ("password", "secret", "token", "cookie", "one_time_code", "card_number", "iban", "national_id", "phone", "person_name",
     "birth_date", "address", "user_id_hashed")
)  # fmt: skip

_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}(?:-----)?.*?(?:-----END [A-Z0-9 ]{1,40}-----|\Z)", re.DOTALL)
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,20}://)[^\s/'\"<>@]{1,512}@(?:[^\s/'\"<>@]{1,256}@)*")
_HEADER = re.compile(
    r"(?i)(?<![\w-])((?:set-)?cookie|(?:proxy-)?authorization)(\\?[\"']?\s{0,2}[:=]\s{0,2}\\?[\"']?)([^\r\n\"'\\]{1,4096})"
)
# A name and what follows it up to the value: password=, "password": , \"password\":, user[password]=, (email)=, token%3D
_NAME = re.compile(
    r"(?:(?<![\w$])|(?<=%[0-9A-Fa-f]{2}))([A-Za-z_$][\w.$-]{1,127})[)\]]?\\{0,3}[\"']?\s{0,2}(?:=>|[:=]|%3[AaDd])\s{0,2}"
)
_VALUE = re.compile(
    r"(\\{0,3}[\"'(]?)((?<=\")[^\"\\\r\n]{1,4096}|(?<=')[^'\\\r\n]{1,4096}|(?<=\()[^)\r\n]{1,4096}"
    r"|[^\s\"'&;,}\]<>)\\]{1,4096})"
)
_ELEMENT = re.compile(r"<([A-Za-z_][\w.:-]{1,63})(?:\s[^<>]{0,256})?>([^<>]{1,4096})(?=</)")
_BEARER = re.compile(r"(?i)(?<![\w-])(bearer|basic|digest|apikey)(\s{1,3})([A-Za-z0-9._~+/=-]{8,4096})")
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{5,4096}\.[\w-]{5,4096}(?:\.[\w-]{0,4096})?")
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{8,256}|sk-[\w-]{16,256}|(?:AKIA|ASIA)[A-Z0-9]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{20,256}|github_pat_\w{20,256}|xox[abeprs]-[A-Za-z0-9-]{10,256}|xapp-[A-Za-z0-9-]{10,256}"
    r"|AIza[\w-]{30,64}|SG\.[\w-]{16,64}\.[\w-]{16,64}|glpat-[\w-]{16,64}|npm_[A-Za-z0-9]{30,64}|hf_[A-Za-z0-9]{30,64}"
    r"|whsec_[A-Za-z0-9+/=]{16,256}|ya29\.[\w-]{16,512}|shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}|dop_v1_[a-f0-9]{64}"
    r"|pypi-[\w-]{16,512}|key-[0-9a-f]{32}|sq0[a-z]{3}-[\w-]{22,64}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{16,64}"
    r"|hooks\.slack\.com/services/[A-Za-z0-9/]{10,100}|discord(?:app)?\.com/api/webhooks/[\w/-]{20,200}"
    r")(?![A-Za-z0-9])"
)
_SHAPE_HINT = re.compile(
    r"[spr]k[_-]|A[KS]IA|AIza|SG\.|gh[pousr]_|github_pat_|x(?:ox|app)|glpat-|npm_|hf_|whsec_|ya29|shp|dop_|pypi-|key-|sq0|re_"
    r"|hooks\.slack|api/webhooks"
)
_DOMAIN = r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
# One or, glued together, several.
_EMAIL = re.compile(rf"(?<![\w.+-])[\w.+-]{{1,128}}(?:@|%40)({_DOMAIN})(?:[\w.+-]{{1,128}}(?:@|%40){_DOMAIN})*")
_FILES = frozenset("png jpg jpeg gif svg webp avif ico js mjs css map".split())  # icon@2x.png
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){11,18}(?![\w-])(?!\.\d)")
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,4})?(?![A-Za-z0-9])"
)
_PHONE = re.compile(
    r"(?<![\w.+/-])(?:"
    r"\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,5}"
    r"|(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}"
    r"|0\d{2,4}[ -]\d{3,4}[ -]?\d{3,4}"
    r")(?![\w-])(?!\.\d)"
)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d|/\d)")
_VERSION_BEFORE = re.compile(r"(?i)(?:[a-z)]/|\bv|\bversion[ :=]{1,2}|\brelease[ :=]{1,2})\Z")
_STREET = re.compile(
    r"(?<![\w.-])\d{1,5}[A-Za-z]? (?:[A-Z][A-Za-z'.-]{0,30} ){1,4}"
    r"(?:Street|St|Road|Rd|Avenue|Ave|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Way|Close|Crescent"
    r"|Highway|Hwy|Parkway|Pkwy)\b\.?(?:,? (?:Apt|Apartment|Suite|Unit|Flat) ?#?\w{1,6})?"
)
_FOLDER = re.compile(r"((?:/home|/Users)/|[A-Za-z]:\\{1,2}Users\\{1,2})(?!\[user\])([^/\\\s:\"'<>|]{1,64})")

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)

# What a user id is after hashing; a service that hashes its ids in the same way loses nothing by staying readable.
_HASHED = re.compile(r"[0-9a-f]{32}")

# How many clean texts are remembered, and of what length.
_MAX_KNOWN = 4_096
_MAX_KNOWN_LENGTH = 200

Replace = Callable[[re.Match[str]], str | None]


class TextScrubber:
    """Cleans text. ``hash_user`` and ``hash_ip`` are keyed hashes; see :class:`events.ingest.scrub.Scrubber`."""

    def __init__(self, *, hash_user: Callable[[str], str], hash_ip: Callable[[str], str]) -> None:
        self._hash_user = hash_user
        self._hash_ip = hash_ip
        # Texts that came out as they were: names, paths and versions come again and again. What may be JSON is never
        # among them, as it is clean only when its keys are too; so whatever is here needs no other look.
        self.known_clean: set[str] = set()

    def scrub(self, text: str) -> tuple[str, list[str]]:
        """The text with what must not be kept replaced, and the ids of the rules that hit (each once)."""
        if text in self.known_clean:
            return text, []
        cleaned, hits = (text, []) if _is_harmless(text) else self._scrub_unknown(text)
        if not hits and len(text) <= _MAX_KNOWN_LENGTH and text[:1] not in ("{", "["):
            if len(self.known_clean) >= _MAX_KNOWN:
                self.known_clean.clear()
            self.known_clean.add(text)
        return cleaned, hits

    def _scrub_unknown(self, text: str) -> tuple[str, list[str]]:
        hits: list[str] = []
        if "-----BEGIN" in text:
            text = _apply(_PEM, text, "pem", lambda _: "[pem]", hits)
        if "://" in text and "@" in text:
            text = _apply(_USERINFO, text, "url_userinfo", lambda match: f"{match[1]}{FILTERED}@", hits)
        if "</" in text:
            text = _apply(_ELEMENT, text, None, lambda match: self._element(match, hits), hits)
        if "=" in text or ":" in text or "%3" in text:
            text = self._scrub_assignments(text, hits)
        text = self._scrub_credentials(text, hits)
        if "@" in text or "%40" in text:
            text = _apply(_EMAIL, text, "email", _email, hits)
        digits = sum(map(text.count, "0123456789"))
        if digits:
            text = self._scrub_numbers(text, digits, hits)
        if "/home/" in text or "Users" in text:
            text = _apply(_FOLDER, text, "user_folder", lambda match: f"{match[1]}[user]", hits)
        return text, hits

    def network_of(self, address: str) -> str | None:
        """An IP address as its network (/24, /48) and a short keyed hash; None when the text is no address.

        As proxies write it: with a port, in brackets, in quotes, behind ``for=`` (RFC 7239), with a zone.
        """
        text = address.strip().removeprefix("for=").removeprefix("For=").strip("\"'")
        if text.startswith("["):
            text = text[1:].partition("]")[0]
        elif text.count(":") == 1 and "." in text:  # with a port
            text = text.split(":")[0]
        text = text.partition("%")[0]
        try:
            parsed = ipaddress.ip_address(text)
        except ValueError:
            return None
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        network = ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False)
        return f"{network} ({self._hash_ip(str(parsed))})"

    def _scrub_assignments(self, text: str, hits: list[str]) -> str:
        if "ookie" in text or "uthoriz" in text or "COOKIE" in text or "AUTHORIZ" in text:
            text = _apply(_HEADER, text, "cookie", _header, hits)

        kept: list[str] = []
        done = 0
        for name in _NAME.finditer(text):
            # Only what a telling name holds is skipped: in "login failed: password=…" the first name holds the second.
            if name.start() < done or (rule := rule_of_key(name[1])) not in _ASSIGNED:
                continue
            value = _VALUE.match(text, name.end())
            if (
                value is None
                or _is_marker(text, name.start(1), name[1])
                or (hidden := self._hidden(rule, value[2], is_quoted=bool(value[1]))) is None
            ):
                continue
            if rule not in hits:
                hits.append(rule)
            kept += (text[done : value.start(2)], hidden)
            done = value.end()
        return "".join(kept) + text[done:] if kept else text

    def _element(self, match: re.Match[str], hits: list[str]) -> str | None:
        """``<password>hunter2</password>``."""
        rule = rule_of_key(match[1])
        if rule not in _ASSIGNED or (hidden := self._hidden(rule, match[2].strip(), is_quoted=True)) is None:
            return None
        if rule not in hits:
            hits.append(rule)
        return match[0][: match.start(2) - match.start()] + hidden

    def _hidden(self, rule: str, value: str, *, is_quoted: bool) -> str | None:
        """What stands for the value of a telling name; None when the value may stay."""
        if not value or value.startswith("[") or not _is_worth_hiding(rule, value, is_quoted=is_quoted):
            return None
        if rule != "user_id_hashed":
            return FILTERED
        return None if _HASHED.fullmatch(value) else self._hash_user(value)

    def _scrub_credentials(self, text: str, hits: list[str]) -> str:
        lowered_hint = "earer" in text or "asic" in text or "BEARER" in text or "BASIC" in text or "igest" in text
        if lowered_hint or "pikey" in text or "piKey" in text:
            text = _apply(_BEARER, text, "token", _bearer, hits)
        if "eyJ" in text:
            text = _apply(_JWT, text, "token", lambda _: FILTERED, hits)
        if len(text) >= 16 and _SHAPE_HINT.search(text):
            text = _apply(_SHAPES, text, "secret", lambda _: FILTERED, hits)
        return text

    def _scrub_numbers(self, text: str, digits: int, hits: list[str]) -> str:
        """``digits`` is how many the text has: most texts have too few for an account or a phone number."""
        if digits >= 12:
            text = _apply(
                _CARD, text, "card_number", lambda match: "[card]" if is_card_number(match[0]) else None, hits
            )
        if digits >= 9 and "-" in text:
            text = _apply(_SSN, text, "national_id", lambda _: "[ssn]", hits)
        if digits >= 8:
            if len(text) >= 15:
                text = _apply(_IBAN, text, "iban", _iban, hits)
            text = _apply(_PHONE, text, "phone", _phone, hits)
        if digits >= 4 and text.count(".") >= 3:
            text = _apply(_IPV4, text, "ip_address", self._ipv4, hits)
        if " " in text:
            text = _apply(_STREET, text, "address", lambda _: "[address]", hits)
        return text

    def _ipv4(self, match: re.Match[str]) -> str | None:
        before = match.string[max(0, match.start() - 12) : match.start()]
        if _VERSION_BEFORE.search(before) and not before.endswith("//"):
            return None
        try:
            parsed = ipaddress.IPv4Address(match[0])
        except ValueError:
            return None
        # Addresses that mean "here" or nobody name nobody; everything else may be somebody's home.
        if (
            parsed.is_loopback
            or parsed.is_unspecified
            or parsed.is_multicast
            or parsed == _BROADCAST
            or match[0][0] == "0"
        ):
            return None
        if any(parsed in network for network in _PRIVATE):
            return None
        return self.network_of(match[0])


def _is_harmless(text: str) -> bool:
    """Whether a text is of a shape in which nothing can hide: a time, or one word that is no key and no account.

    What the other expressions look for has a space or a sign in it, or begins with a digit where no word goes on.
    """
    if text.isascii() and text.isidentifier():
        return len(text) < 15 or not (_SHAPE_HINT.search(text) or _IBAN.search(text))
    return bool(_TIME.fullmatch(text))


_BROADCAST = ipaddress.IPv4Address("255.255.255.255")
_PRIVATE = tuple(
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
)


def _apply(pattern: re.Pattern[str], text: str, rule: str | None, replace: Replace, hits: list[str]) -> str:
    """Substitute where ``replace`` answers text; where it answers None the match stays and is no hit."""
    hit = False

    def substitute(match: re.Match[str]) -> str:
        nonlocal hit
        replacement = replace(match)
        if replacement is None or replacement == match[0]:  # nothing to hide, or hidden before
            return match[0]
        hit = True
        return replacement

    text = pattern.sub(substitute, text)
    if hit and rule is not None and rule not in hits:
        hits.append(rule)
    return text


# Values that are none, and words with which a sentence goes on: "password: must be at least 8 characters".
_SAYS_NOTHING = frozenset(
    "null none undefined true false nil missing required invalid expired must is was not should cannot wrong incorrect field "
    "too empty string str".split()
)


def _header(match: re.Match[str]) -> str | None:
    return None if match[3].startswith("[") else f"{match[1]}{match[2]}{FILTERED}"


def _is_marker(text: str, start: int, name: str) -> bool:
    """Whether the name is what the scrubber itself wrote: ``[phone]=x`` is, ``user[phone]=x`` is not."""
    return name in MARKERS and text[start - 1 : start] == "[" and not text[max(0, start - 2) : start - 1].isalnum()


def _is_worth_hiding(rule: str, value: str, *, is_quoted: bool) -> bool:
    """Sentences name things too: "Unexpected token: comma" holds no token, "phone: none" no number."""
    if value[:16].rstrip(".!").lower() in _SAYS_NOTHING:
        return False
    digits = sum(char.isdigit() for char in value[:64])
    if rule == "token":
        return is_quoted or digits > 0 or len(value) >= 12
    if rule in ("phone", "card_number"):
        return digits >= 5
    if rule in ("address", "person_name"):
        return is_quoted
    return True


def _bearer(match: re.Match[str]) -> str | None:
    scheme, space, credentials = match.groups()
    if scheme.lower() == "basic":
        try:
            decoded = b64decode(credentials + "=" * (-len(credentials) % 4), validate=True)
        except ValueError:
            return None
        if b":" not in decoded:
            return None  # an English word after "basic"
    elif not any(char.isdigit() for char in credentials) and credentials.lower() == credentials:
        return None
    return f"{scheme}{space}{FILTERED}"


def _email(match: re.Match[str]) -> str | None:
    """Not react@18.2.0-rc.one and not icon@2x.png."""
    first, *_, last = match[1].split(".")
    is_version = first.isdigit() and match[1].split(".")[1][:1].isdigit()
    return "[email]" if len(last) >= 2 and last.isalpha() and last.lower() not in _FILES and not is_version else None


def is_card_number(text: str) -> bool:
    """Whether these digits (spaces and dashes allowed) are a payment card: a known issuer, its length, and Luhn's sum."""
    digits = text.replace(" ", "").replace("-", "")
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    plausible = (
        (digits[0] == "4" and size in (13, 16, 19))
        or (size == 16 and (51 <= two <= 55 or 2221 <= four <= 2720 or 3528 <= four <= 3589))
        or (size == 15 and two in (34, 37))
        or (size == 14 and two in (30, 36, 38, 39))
        or (16 <= size <= 19 and (four == 6011 or two in (62, 64, 65)))
        or (12 <= size <= 19 and four in (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763))
    )
    return plausible and bool(luhn.is_valid(digits))


def _iban(match: re.Match[str]) -> str | None:
    """The longest part that is an IBAN; a word that followed it after a space stays."""
    text = match[0]
    while len(text) >= 12:
        if iban.is_valid(text):
            return "[iban]" + match[0][len(text) :]
        cut = max(text.rfind(" "), text.rfind("-"))
        if cut < 0:
            return None
        text = text[:cut]
    return None


def _phone(match: re.Match[str]) -> str | None:
    digits = sum(char.isdigit() for char in match[0])
    return "[phone]" if 8 <= digits <= 15 else None

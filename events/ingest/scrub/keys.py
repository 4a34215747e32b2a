"""What a field's name says about its value: ``apiKey``, ``api-key`` and ``API_KEY`` are the same three letters of trouble.

Names are cut into words first, so that ``author`` is not ``auth`` and ``tokenize_ms`` is not ``token``.
"""

import re
from functools import lru_cache
from itertools import pairwise

from events.ingest.scrub.rules import MARKERS

_MARKER = re.compile(rf"(?<!\w)\[(?:{'|'.join(sorted(MARKERS))})\]")  # "[phone]" was a number, user[phone] holds one
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# A name that ends so speaks about the thing and does not hold it: password_length, token_type, auth_provider, address_count.
_ABOUT = frozenset(
    "allowed attempt attempts at bool bucket budget changed count counts cost created disabled duration enabled error errors "
    "exists expired expires expiry failed failure failures format found has height invalid is kind latency len length limit "
    "limits max method min missing mode model ms name present policy position provider rate ratio reason refreshed remaining "
    "required reset result scheme seconds size source state status strategy strength success time timeout total ttl type "
    "updated usage used valid verified version width".split()
)
# A name that begins so is a yes or no: has_password, is_token_set.
_ASKS = frozenset("has is was can should needs requires".split())
# What may follow without changing what the value is: token_value, cookie_header, address2.
_HOLDERS = frozenset("value values header headers string str text raw plain plaintext encoded encrypted list".split())
# Tokens that a language model counts, not tokens that open doors.
_COUNTED = frozenset(
    "avg cached completion input max min num output prompt reasoning remaining request response thinking total used".split()
)
_SINGLE: dict[str, str] = {
    **dict.fromkeys("password passwd passwds passwords pwd passphrase passcode passwort".split(), "password"),
    **dict.fromkeys(
        "secret secrets apikey apikeys apisecret privatekey secretkey accesskey signingkey sshkey".split(), "secret"
    ),
    **dict.fromkeys(
        "token tokens accesstoken refreshtoken idtoken authtoken sessiontoken csrftoken jwt bearer authorization credential "
        "credentials creds csrf xsrf csrfmiddlewaretoken signature phpsessid jsessionid xauthtoken".split(),
        "token",
    ),
    **dict.fromkeys("cookie cookies setcookie".split(), "cookie"),
    **dict.fromkeys("otp totp cvv cvv2 cvc cvc2 csc tan".split(), "one_time_code"),
    **dict.fromkeys("cardnumber creditcard creditcardnumber ccnumber".split(), "card_number"),
    **dict.fromkeys("iban".split(), "iban"),
    **dict.fromkeys("ssn".split(), "national_id"),
    **dict.fromkeys("phone phones telephone cellphone msisdn fax phonenumber mobilenumber".split(), "phone"),
    **dict.fromkeys("street postcode zipcode".split(), "address"),
    **dict.fromkeys("firstname lastname fullname surname forename".split(), "person_name"),
    **dict.fromkeys("dob birthdate birthday".split(), "birth_date"),
    **dict.fromkeys("ip ips ipaddress clientip remoteip ipaddr".split(), "ip_address"),
    **dict.fromkeys("userid customerid studentid".split(), "user_id_hashed"),
}
# Names that are the whole key; as a part of a longer one they mean something else (pass_rate, card, mobile_app, street).
_EXACT: dict[str, str] = {
    "pass": "password",
    "auth": "token",
    "pin": "one_time_code",
    "pan": "card_number",
    "tel": "phone",
    "mobile": "phone",
    "zip": "address",
    "uid": "user_id_hashed",
    "forwarded": "ip_address",
    "body": "body_removed",
    "payload": "body_removed",
    "raw": "body_removed",
}
_PAIRS: dict[tuple[str, str], str] = {
    **dict.fromkeys(
        [(first, "key") for first in "api access secret private signing encryption ssh master routing license shared".split()],
        "secret",
    ),
    **dict.fromkeys([("connect", "sid"), ("auth", "header"), ("auth", "code"), ("access", "code")], "token"),
    **dict.fromkeys(
        [(first, "code") for first in "otp totp mfa fa sms pin verification security backup recovery".split()]
        + [("two", "factor")],
        "one_time_code",
    ),
    **dict.fromkeys([("card", "number"), ("card", "no"), ("cc", "number"), ("credit", "card"), ("debit", "card")], "card_number"),
    **dict.fromkeys([("account", "number"), ("routing", "number"), ("sort", "code")], "iban"),
    **dict.fromkeys(
        [("social", "security"), ("national", "id"), ("national", "insurance"), ("tax", "id"), ("passport", "number")],
        "national_id",
    ),
    **dict.fromkeys([("phone", "number"), ("mobile", "number"), ("tel", "number"), ("mobile", "phone")], "phone"),
    **dict.fromkeys([("address", "line"), ("street", "address"), ("postal", "code"), ("post", "code"), ("zip", "code")], "address"),
    **dict.fromkeys(
        [("first", "name"), ("last", "name"), ("full", "name"), ("given", "name"), ("family", "name"), ("middle", "name"),
         ("maiden", "name"), ("cardholder", "name")],
        "person_name",
    ),
    **dict.fromkeys([("birth", "date"), ("of", "birth"), ("birth", "day")], "birth_date"),
    **dict.fromkeys(
        [("ip", "address"), ("ip", "addr"), ("remote", "addr"), ("remote", "address"), ("forwarded", "for"), ("real", "ip")],
        "ip_address",
    ),
    **dict.fromkeys(
        [("user", "id"), ("customer", "id"), ("student", "id"), ("distinct", "id"), ("member", "id"), ("enduser", "id")],
        "user_id_hashed",
    ),
    **dict.fromkeys(
        [("request", "body"), ("response", "body"), ("req", "body"), ("res", "body"), ("raw", "body"), ("request", "payload"),
         ("response", "payload"), ("raw", "request"), ("raw", "response"), ("post", "data"), ("form", "data")],
        "body_removed",
    ),
}  # fmt: skip
# Addresses that are no place to live.
_OTHER_ADDRESSES = frozenset(
    "ip mac email mail memory wallet remote web host server bind listen url contract base virtual physical bus device".split()
)
# Run-together spellings, where no capital or underscore tells the words apart.
_ENDINGS: tuple[tuple[str, str], ...] = (
    ("password", "password"),
    ("passwd", "password"),
    ("apikey", "secret"),
    ("secret", "secret"),
    ("token", "token"),
)


@lru_cache(maxsize=4096)
def rule_of_key(key: str) -> str | None:
    """The rule id for a field of that name, or None. Whether it applies may still depend on the value."""
    key = key[:200]
    if "[" in key:
        key = _MARKER.sub(" ", key)
    words = tuple(word.lower() for word in _WORDS.findall(key))
    if not words:
        return None
    while len(words) > 1 and (words[-1] in _HOLDERS or words[-1].isdigit()):
        words = words[:-1]
    if words[0] in _ASKS and len(words) > 1:
        return None
    return _rule_of_words(words, "".join(words))


def _rule_of_words(words: tuple[str, ...], compact: str) -> str | None:
    if (rule := _EXACT.get(compact)) is not None:
        return rule
    for pair in pairwise(words):
        if (rule := _PAIRS.get(pair)) is not None:
            return rule if words[-1] in pair or words[-1] not in _ABOUT else None
    if words[-1] in _ABOUT or (words[-1] == "tokens" and _COUNTED.intersection(words[:-1])):
        return None
    if (rule := _single(words, compact)) is not None:
        return rule
    if words[-1] == "auth" and len(words) == 2:
        return "token"
    if words[-1] in ("pass", "pw") and len(words) == 2:
        return "password"
    if words[-1] in ("address", "addresses") and not _OTHER_ADDRESSES.intersection(words[:-1]):
        return "address"
    return next((rule for ending, rule in _ENDINGS if compact.endswith(ending)), None)


def _single(words: tuple[str, ...], compact: str) -> str | None:
    if (rule := _SINGLE.get(compact)) is not None:
        return rule
    # Cookies, tokens and addresses are what the last word says (cookie_banner is none); a password anywhere is one.
    if (rule := _SINGLE.get(words[-1])) is not None and not words[-1].isdigit():
        return rule
    if len(words) > 1 and words[-1].isdigit() and (rule := _SINGLE.get(words[-2])) is not None:
        return rule
    return next((_SINGLE[word] for word in words if _SINGLE.get(word) in ("password", "secret")), None)

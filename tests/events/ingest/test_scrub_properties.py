"""Whatever the JSON is, wherever the secret is: it never raises, never leaks, and never cleans twice."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn

from events.ingest.scrub import RULES, Scrubber
from events.ingest.scrub import text as text_module
from events.ingest.types import IncomingEvent

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SCRUBBER = Scrubber(["key"])
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MIXED = LETTERS + LETTERS.upper() + "0123456789"

texts = st.text(st.characters(codec=None), max_size=40)
# Texts out of the parts that the scrubber looks for: random characters alone hardly ever make one.
PARTS = (
    'password token Cookie Authorization user_id apiKey phone address body ip = : => [ ] { } ( ) " \' \\ \\" , ; & < > </ %3D %40 '
    "@ a@b.co 4242424242424242 +1 415 555 2671 203.0.113.7 -----BEGIN -----END ----- eyJabcde .abcdefgh bearer basic "
    "dXNlcjpwYXNz :// user:pw /home/ada C:\\Users\\ada 12 Baker Street 123-45-6789 DE89370400440532013000 [Filtered] [email] "
    "null \ud800 \x00 sk-abcdefghijklmnop1234"
).split(" ")
suspicious = st.lists(st.sampled_from([*PARTS, " ", "\n"]), max_size=12).map("".join)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | suspicious
names = (
    texts | suspicious | st.sampled_from("user id userId ip body headers name key value data X-Forwarded-For".split())
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


def event_of(value: Any) -> IncomingEvent:
    return IncomingEvent(name="error", occurred_at=NOW, received_at=NOW, data={"value": value})


@given(json_values)
def test_it_never_raises_and_gives_known_rules(value: Any) -> None:
    event = SCRUBBER.scrub(event_of(value))

    assert {mark["rule"] for mark in event.scrubbed} <= set(RULES)
    assert all(mark["path"].startswith("data.") for mark in event.scrubbed)


@given(json_values)
def test_what_is_clean_has_nothing_more_to_clean(value: Any) -> None:
    once = SCRUBBER.scrub(event_of(value))

    twice = SCRUBBER.scrub(replace(event_of(None), data=once.data))

    assert [mark for mark in twice.scrubbed if mark["rule"] != "user_id_hashed"] == []


@given(suspicious)
def test_a_clean_text_stays_as_it_is(text: str) -> None:
    cleaned = SCRUBBER.scrub_text(text)

    assert SCRUBBER.scrub_text(cleaned) == cleaned


@given(st.lists(json_values, min_size=2, max_size=4))
def test_what_was_scrubbed_before_changes_nothing(values: list[Any]) -> None:
    """Names and texts that came out clean are remembered; a memory must never answer for another place."""
    experienced = Scrubber(["key"])
    for value in values:
        event = experienced.scrub(event_of(value))

    assert repr(event) == repr(Scrubber(["key"]).scrub(event_of(values[-1])))


# Whole words and times, and what would be found in them if they were a little different.
word_parts = st.sampled_from(
    (
        "sk_live_ AKIA AKIAABCDEFGHIJKLMNOP ghp_ npm_ hf_ re_12345678_ DE89370400440532013000 GB29NWBK60161331926819 _ _ a é eyJ "
        "4532015112830366 abcdefghijklmnop 0123456789 Users Z bearer password -"
    ).split(" ")
)
words_of_parts = st.lists(word_parts, min_size=1, max_size=3).map("".join)
times = st.builds(
    "{}T{}{}".format,
    st.dates(),
    st.times(),
    st.sampled_from(["Z", "", "+01:00", " ada@example.com", "Z DE89370400440532013000", ".4532015112830366Z"]),
)


@given(words_of_parts | times)
def test_what_looks_harmless_is_harmless_by_every_rule(text: str) -> None:
    scrubber = text_module.TextScrubber(hash_user=str, hash_ip=str)

    assert not text_module._is_harmless(text) or scrubber._scrub_unknown(text) == (text, [])


@given(json_values)
def test_values_are_marked_exactly_when_something_changed(value: Any) -> None:
    event = SCRUBBER.scrub(event_of(value))

    assert bool(event.scrubbed) == (repr(event.data) != repr({"value": value}))


def words(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=most)


passwords = words(MIXED, 10, 20).map(lambda text: f"Zq9{text}")
cards = (
    words("0123456789", 14, 14)
    .map(lambda digits: f"4{digits}")
    .map(lambda digits: digits + luhn.calc_check_digit(digits))
)
ibans = words("0123456789", 18, 18).map(lambda digits: "DE" + iban.calc_check_digits(f"DE00{digits}") + digits)
emails = st.builds(
    "{}@{}.{}".format, words(LETTERS, 3, 12), words(LETTERS, 3, 12), st.sampled_from(["com", "co.uk", "de"])
)
phones = st.builds("+1 {} {} {}".format, *[st.integers(200, 999)] * 2, st.integers(1000, 9999))
ssns = st.builds("{}-{}-{}".format, st.integers(100, 665), st.integers(10, 99), st.integers(1000, 9999))
keys = words(MIXED, 24, 40).map(lambda text: f"sk-{text}")
tokens = st.builds("eyJ{}.eyJ{}.{}".format, *[words(MIXED, 20, 40)] * 3)
pems = words(MIXED, 64, 200).map(lambda text: f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----")

# How a password is written down; the others are found by their own shape.
telling = st.sampled_from(
    "password apiKey client_secret DB_PASSWORD x-api-key accessToken Authorization otp cvv".split()
)
password_fields = st.builds(lambda key, secret: (secret, {key: secret}), telling, passwords)
password_texts = st.builds(
    lambda form, key, secret: (secret, form.format(key=key, secret=secret)),
    st.sampled_from(
        ["{key}={secret}", "failed: {key}={secret} again", "{key}: '{secret}'", '{{"{key}": "{secret}"', "/cb?a=1&{key}={secret}&b",
         "https://x.io/?{key}={secret}#top", "({key})=({secret})", "--{key}={secret}", "postgres://lift:{secret}@db/{key}",
         '"{{\\"{key}\\":\\"{secret}\\"}}"', "a={key}={secret}"]
    ),
    telling,
    passwords,
)  # fmt: skip
pairs = st.builds(
    lambda key, secret, as_object: (secret, {"name": key, "value": secret} if as_object else [key, secret]),
    telling, passwords, st.booleans(),
)  # fmt: skip
shaped = st.builds(
    lambda form, secret: (secret, form.format(secret)),
    st.sampled_from(
        ["{}", "it was {}", "({})", "'{}'", '"{}"', "x: {}, y", "<{}>", "{}.", "a={}", "https://x.io/?a={}&b=c", "\n{}\n"]
    ),
    cards | ibans | emails | phones | ssns | keys | tokens | pems,
)  # fmt: skip
email_names = emails.map(lambda email: (email, {email: 1}))
planted = password_fields | password_texts | pairs | shaped | email_names


@st.composite
def nests(draw: st.DrawFn, depth: int = 4) -> tuple[str, Any]:
    """A secret and a structure that holds it at a random place."""
    secret, value = draw(planted)
    for _ in range(draw(st.integers(0, depth))):
        others = draw(st.lists(st.integers(0, 9) | st.sampled_from(["fine", "ok"]), max_size=2))
        if draw(st.booleans()):
            value = [*others, value, "end"] if others else [value]
        else:
            value = {
                draw(st.sampled_from(["context", "extra", "items", "user", "request", "args"])): value,
                "others": others,
            }
    return secret, value


@given(nests())
def test_a_secret_is_gone_wherever_it_was(nest: tuple[str, Any]) -> None:
    secret, value = nest
    event = event_of(value)
    event.message = value if isinstance(value, str) else ""
    event.breadcrumbs = [{"message": "before", "data": value}]

    SCRUBBER.scrub(event)

    assert secret not in repr(event).replace("\\n", "\n")
    assert event.scrubbed


addresses = st.ip_addresses().map(str)
spellings = st.sampled_from(
    [
        "{}",
        " {} ",
        "{}, 10.0.0.1",
        "10.0.0.1,{}",
        "for={};proto=http",
        'for="[{}]:4711"',
        "[{}]:443",
        "it was {} again",
        "{}%eth0",
    ]
)


@given(addresses, spellings, st.sampled_from("ip clientIp X-Forwarded-For remote_addr ip_address Forwarded".split()))
def test_an_address_is_never_kept_under_a_name_that_tells_of_one(address: str, spelling: str, key: str) -> None:
    cleaned = SCRUBBER.scrub(event_of({key: spelling.format(address)})).data["value"][key]

    for word in cleaned.replace(",", " ").split():
        # Networks are kept, the addresses that begin them look the same but for their length.
        assert word == "[Filtered]" or "/" in word or word.startswith("(")

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ingest.json_documents import UnreadableBodyError, read_documents
from events.ingest.repair import HugeNumber


def test_it_reads_one_object() -> None:
    assert read_documents(b' \xef\xbb\xbf{"event": "a"}'.strip(), most=10) == ([{"event": "a"}], [], False)


def test_it_reads_an_array() -> None:
    assert read_documents(b'[{"event": "a"}, 3]', most=10) == ([{"event": "a"}, 3], [], True)


def test_it_reads_lines_with_blank_ones_between_and_reports_a_cut_last_one() -> None:
    documents, refusals, is_batch = read_documents(b'{"event": "a"}\r\n\n{"event": "b"}\n{"event":', most=10)

    assert documents == [{"event": "a"}, {"event": "b"}, None]
    assert [(refusal.index, refusal.code) for refusal in refusals] == [(2, "invalid_json")]
    assert is_batch


def test_a_pretty_printed_object_is_one_event_and_not_lines() -> None:
    body = json.dumps({"event": "a", "data": {"n": float("nan")}}, indent=2).encode()

    documents, refusals, is_batch = read_documents(body, most=10)

    assert documents[0]["event"] == "a"
    assert not refusals
    assert not is_batch


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_body"),
        (b"  \n ", "empty_body"),
        (b"hello", "invalid_json"),
        (b'{"event": ', "invalid_json"),
        (b'{"event": "\xff\xfe"}', "not_utf8"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b"[1,2,3,4]", "too_many_events"),
        (b"{}\n{}\n{}\n{}", "too_many_events"),
    ],
)
def test_what_cannot_be_read_at_all_is_refused_with_its_reason(body: bytes, code: str) -> None:
    with pytest.raises(UnreadableBodyError) as caught:
        read_documents(body, most=3)

    assert caught.value.code == code
    assert caught.value.detail


def test_a_number_of_ten_thousand_digits_is_kept_as_its_digits() -> None:
    ((document,), _, _) = read_documents(b'{"n": NaN, "big": ' + b"9" * 10_000 + b"}", most=1)

    assert isinstance(document["big"], HugeNumber)
    assert len(document["big"]) == 10_000


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_nothing_else(body: bytes) -> None:
    code = ""
    try:
        documents, refusals, _ = read_documents(body, most=50)
    except UnreadableBodyError as error:
        documents, refusals, code = [], [], error.code

    assert code in {"", "empty_body", "invalid_json", "not_utf8", "too_deep", "too_many_events"}
    assert len(documents) >= len(refusals)

"""Labels in an address: whatever the value is, the link and the search mean the same."""

from hypothesis import given
from hypothesis import strategies as st

from events import label_words

VALUES = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=100)


@given(VALUES, VALUES, VALUES)
def test_every_value_is_read_as_it_was_written(first: str, second: str, left_out: str) -> None:
    text = label_words.written(f"reason:{first}", f"key:{second}", f"-record:{left_out}", "-attempts")

    # As a form sends it on.
    for sent in (text, text.replace("\n", "\r\n"), text.strip()):
        assert label_words.read(sent) == (
            {"reason": first, "key": second},
            [("record", left_out), ("attempts", "")],
        )


def test_what_somebody_typed_is_read_as_well() -> None:
    assert label_words.read("reason:50% off, later\n\n:x\nkey\n-") == ({"reason": "50% off, later"}, [])


def test_it_is_told_in_words() -> None:
    assert label_words.told(label_words.written("key:a\nb", "-converted:true", "-reason")) == [
        "key: a\nb",
        "not converted: true",
        "no reason",
    ]

from dataclasses import replace

from dashboards.digests.content import Action, Content, Row, Section
from dashboards.digests.items import lasting, review_of, words_in

LINK = "/admin/events/event/?window=custom&from=2026-11-27T07%3A00Z&to=2026-11-28T07%3A00Z&name=ai_failure&service=3"
SECTION = Section(
    "ai", "AI generation", "Which provider fails most?", "/admin/analytics/ai/?window=24h", sentence="41 timeouts.",
    rows=(
        Row("ai_failure, rising: usually 3", "41", LINK), Row("career", "38", "/admin/analytics/ai/?window=24h"),
        Row("cover letter", "3", "/admin/analytics/ai/?window=24h"),
    ),
)  # fmt: skip
CONTENT = Content("Bad", "bad", actions=(Action("Look at ai_failure", "41 events", LINK),), sections=(SECTION,))


def test_an_item_keeps_its_name_while_its_window_moves() -> None:
    later = LINK.replace("11-28", "11-29").replace("11-27", "11-28")
    moved = replace(SECTION, sentence="44 timeouts.", rows=(Row("ai_failure, new", "44", later), *SECTION.rows[1:]))
    keys = [one.key for one in review_of(CONTENT).items()]

    again = [one.key for one in review_of(replace(CONTENT, sections=(moved,))).items()]

    assert again == keys


def test_no_two_items_share_a_name_and_each_may_stand_in_html() -> None:
    keys = [one.key for one in review_of(CONTENT).items()]

    assert len(set(keys)) == len(keys) == 5
    assert all(one.replace("-", "").replace("_", "").isalnum() for one in keys)


def test_an_address_without_its_window_says_what_it_is_about() -> None:
    assert lasting(LINK) == "/admin/events/event/?name=ai_failure&service=3"
    assert words_in(LINK)["name"] == "ai_failure"

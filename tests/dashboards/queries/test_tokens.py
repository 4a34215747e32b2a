"""Cutting SQL into tokens: what is text stays text, as PostgreSQL itself reads it."""

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.queries.tokens import TokenKind, tokens_of

FRAGMENTS = [
    "'", "''", '"', "`", "\\", "\\'", "$", "$$", "$a$", "$b$", "--", "/*", "*/", "\n", "\r", " ", "E'", "e'", "U&'", ";", ":", "::",
    ":name", "a", "é", "1", "1.5", ".", "INTERVAL", "24", "HOURS", "(", ")", "\u00a0",
]  # fmt: skip


@given(st.text(max_size=80) | st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
def test_every_character_is_in_one_token(statement: str) -> None:
    tokens = list(tokens_of(statement))

    assert "".join(token.text for token in tokens) == statement
    assert all(statement[token.start : token.end] == token.text != "" for token in tokens)


@pytest.mark.parametrize(
    ("statement", "kinds"),
    [
        ("SELECT 'it''s' AS a", ["word", "string", "word", "word"]),
        (r"E'it\'s' b", ["string", "word"]),
        (r"'a\' b", ["string", "word"]),
        ("E'a'\n'\\' b' c", ["string", "word"]),
        # A text goes on behind a comment.
        ("E'a' -- no\n  'b\\'' c", ["string", "word"]),
        ("$$ ' $a$ $$ x", ["string", "word"]),
        ("$a$ $$ $b$ $a$ x", ["string", "word"]),
        ("a$b$c", ["word"]),
        ('"a""b" c', ["quoted", "word"]),
        ("/* a /* b */ c */ d", ["comment", "word"]),
        ("a -- b\nc", ["word", "comment", "word"]),
        ("a::int", ["word", "sign", "word"]),
        ("a :b::int", ["word", "parameter", "sign", "word"]),
        ("x[1:2]", ["word", "sign", "number", "sign", "number", "sign"]),
        ("$1", ["position"]),
        ("1.5e3 0xFF 1_000 .5", ["number", "number", "number", "number"]),
        ("'not closed", ["string"]),
        ("E'not closed \\", ["string"]),
        ("/* not closed", ["comment"]),
        ("$a$ not closed $$", ["string"]),
        ("`a``b` c", ["backticked", "word"]),
    ],
)
def test_it_knows_each_kind(statement: str, kinds: list[str]) -> None:
    found = [token.kind.value for token in tokens_of(statement) if token.kind is not TokenKind.SPACE]

    assert found == kinds


@st.composite
def literals(draw: st.DrawFn) -> tuple[str, str]:
    """A literal and the text that it means."""
    text = draw(st.text(st.sampled_from("a'\\$-/*:`;\" \n"), max_size=12))
    how = draw(st.sampled_from(["plain", "escaped", "dollar", "continued"]))
    if how == "escaped":
        return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'", text
    if how == "dollar":
        return f"$q${text}$q$", text
    if how == "continued":
        half = len(text) // 2
        first, second = text[:half].replace("'", "''"), text[half:].replace("'", "''")
        return f"'{first}' -- 'no'\n '{second}'", text
    return "'" + text.replace("'", "''") + "'", text


@pytest.mark.django_db
@settings(max_examples=150, deadline=None)
@given(st.lists(literals(), min_size=1, max_size=5))
def test_postgresql_finds_the_same_texts(found: list[tuple[str, str]]) -> None:
    statement = "SELECT ARRAY[" + " , ".join(literal for literal, _ in found) + " /* ' */ ] -- '"

    texts = [token for token in tokens_of(statement) if token.kind is TokenKind.STRING]

    assert [token.text for token in texts] == [literal for literal, _ in found]
    with connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.fetchone() == ([text for _, text in found],)

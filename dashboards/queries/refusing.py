"""What is not asked, whoever asks: no single question, more than the views tell, more than reading. Pure.

What is refused here is refused with words that help; what keeps a question harmless is the role it is asked under (running.py).

Refused by name is what tells of more than the views do, or does more than read them: PostgreSQL's own tables; functions and types
that name tables, roles, rights, settings, files, transactions or connections by their numbers or the other way round (``oid``,
``regclass``, ``aclitem``, ``format_type``, their texts in and out); and what runs a text as SQL. running.py asks PostgreSQL's
catalogue for the rest, by the types they take. Left alone is what tells of the question itself: ``version()``,
``current_user``, ``current_schema``, ``current_database()``, the clocks.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from dashboards.queries.parameters import LONGEST_NAME, MOST_PARAMETERS
from dashboards.queries.tokens import Token, TokenKind

MOST_TOKENS = 10_000
_FIRST_WORDS = frozenset(("SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN"))
_INTERNAL = re.compile(
    r"pg_.*|information_schema|lo_.*|dblink.*|current_setting|set_config|has_\w+_privilege|row_security_active|to_reg\w+|getpgusername"
    r"|reg(class|procedure|proc|operator|oper|role|namespace|type|config|dictionary|collation|database)(in|out|recv|send)?"
    r"|format_type|oidvectortypes|makeaclitem|acl(item)?\w*|currtid2?|mxid_age|oid|oidvector|name(in|out|recv)"
    r"|(col|obj|shobj)_description|inet_(client|server)_\w+|txid_\w+|\w+_to_xml(schema|_and_xmlschema)?"
)


class RefusedError(ValueError):
    """What was written is not asked. ``start`` is the place in the statement, in characters, None for all of it."""

    def __init__(self, detail: str, *, start: int | None = None, hint: str = "") -> None:
        super().__init__(detail)
        self.start = start
        self.hint = hint


def check_parameters(tokens: Iterable[Token]) -> None:
    """Raises RefusedError for names that could not be saved, and for too many."""
    names: set[str] = set()
    for token in tokens:
        if token.kind is not TokenKind.PARAMETER:
            continue
        names.add(token.text[1:])
        if len(token.text) > 1 + LONGEST_NAME:
            raise RefusedError(
                f"The name of a parameter has at most {LONGEST_NAME} letters, and “{token.text[:20]}…” has "
                f"{len(token.text) - 1}.",
                start=token.start,
                hint="Give it a shorter name, such as :days.",
            )
        if len(names) > MOST_PARAMETERS:
            raise RefusedError(f"A question has at most {MOST_PARAMETERS} parameters.", start=token.start)


def check_grammar(tokens: Sequence[Token]) -> None:
    """Raises RefusedError for functions that the grammar leads past the guards of our schema (0003_question_guards.sql)."""
    said = [token for token in tokens if not token.is_silent]
    for number, (token, following) in enumerate(pairwise(said)):
        if following.text != "(":
            continue
        if _folded(token) == "position":
            raise RefusedError("position(…) is not asked here.", start=token.start, hint="Write strpos(text, part).")
        if token.word == "TRIM" and _names_characters(said[number + 2 :]):
            raise RefusedError(
                "trim(… FROM …) is not asked here.",
                start=token.start,
                hint="Write btrim(text, characters), or ltrim and rtrim for one end.",
            )


def _names_characters(said: Sequence[Token]) -> bool:
    """Whether what stands in TRIM's parentheses names more than the text."""
    depth = 0
    for token in said:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0:
            return False
        if depth == 0 and (token.word == "FROM" or token.text == ","):
            return True
    return False


def one_statement(tokens: list[Token]) -> list[Token]:
    """Without the semicolons at the end. Raises RefusedError for a second statement and for nothing at all."""
    ends = [number for number, token in enumerate(tokens) if token.text == ";"]
    if ends:
        behind = [token for token in tokens[ends[0] :] if not token.is_silent and token.text != ";"]
        if behind:
            raise RefusedError("Only one statement is asked at a time.", start=behind[0].start)
        tokens = tokens[: ends[0]]
    if all(token.is_silent for token in tokens):
        raise RefusedError("There is no question yet.", hint="Begin with SELECT, or choose a saved one.")
    return tokens


def check_beginning(tokens: Sequence[Token]) -> bool:
    """Whether it only asks for the plan. Raises RefusedError for what is no question."""
    said = [token for token in tokens if not token.is_silent]
    number = _skip_open(said, 0)
    is_explain = number == 0 and said[0].word == "EXPLAIN"
    if is_explain:
        number = _skip_open(said, _end_of_options(said))
    first = said[min(number, len(said) - 1)]
    if first.word not in _FIRST_WORDS or (is_explain and first.word == "EXPLAIN"):
        raise RefusedError(
            f"A question begins with SELECT, WITH, VALUES, TABLE or EXPLAIN, not “{first.text[:40]}”.",
            start=first.start,
            hint="Questions read; they change nothing.",
        )
    return is_explain


def _skip_open(said: Sequence[Token], number: int) -> int:
    while number < len(said) and said[number].text == "(":
        number += 1
    return number


def _end_of_options(said: Sequence[Token]) -> int:
    """Behind EXPLAIN: the number of the first token that is no option of it."""
    number = 1
    if len(said) > 2 and said[1].text == "(" and said[2].word not in _FIRST_WORDS:
        while number < len(said) and said[number].text != ")":
            number += 1
        return number + 1
    while number < len(said) and said[number].word in ("ANALYZE", "ANALYSE", "VERBOSE"):
        number += 1
    return number


def refused_as_internal(name: str, start: int) -> RefusedError:
    return RefusedError(
        f"“{name[:63]}” is PostgreSQL's own affair and may not be asked about.",
        start=start,
        hint="Questions read the views that are listed beside them.",
    )


def names_of(tokens: Sequence[Token]) -> dict[str, int]:
    """Every name and where it first stands. Raises RefusedError for what reaches past the views."""
    words: dict[str, int] = {}
    for number, token in enumerate(tokens):
        if token.kind is TokenKind.POSITION:
            raise RefusedError(
                f"{token.text} has no value here.", start=token.start, hint="Parameters have names, such as :days."
            )
        name = _folded(token)
        if name is None:
            continue
        if token.kind is TokenKind.QUOTED and [one.text.upper() for one in tokens[max(number - 2, 0) : number]] == [
            "U",
            "&",
        ]:
            raise RefusedError("Names with escapes are not read.", start=token.start, hint="Write the name itself.")
        if _INTERNAL.fullmatch(name):
            raise refused_as_internal(token.text, token.start)
        words.setdefault(name, token.start)
    return words


def _folded(token: Token) -> str | None:
    """The name that PostgreSQL looks for; None for what is no name."""
    if token.kind is TokenKind.WORD:
        return token.text.lower()
    if token.kind is TokenKind.QUOTED:
        return token.text.removeprefix('"').removesuffix('"').replace('""', '"')
    if token.kind is TokenKind.BACKTICKED:
        return token.text.strip("`").replace("``", "`")
    return None

"""Makes what a person wrote a statement that PostgreSQL takes: slips put right, parameters numbered, the rest as it is. Pure.

Put right is what PostgreSQL does not accept, so that a statement that is right as it stands means what it says:

- ``INTERVAL 24 HOURS``, ``INTERVAL (24) HOURS``, ``INTERVAL 30 MIN`` and ``INTERVAL :hours HOURS``, as the tracking guide and MySQL
  have them;
- names in backticks, ``LIMIT 20, 10``, ``IFNULL(…)``, ``CURDATE()``, ``DATE_SUB(…)``.

Two readings are put right although PostgreSQL may accept them, because nobody means what it takes them for: ``INTERVAL '2' WEEK``
is two seconds in a column called week, and ``INTERVAL -1 DAY`` is a column called interval, less one, called day.

``:name`` becomes ``$1::type``: a value that is bound, never a part of the text. Texts, dollar quotes, comments and quoted names are
not looked into. What is no single question over the views is refused before (refusing.py).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from dashboards.queries.parameters import Parameter
from dashboards.queries.refusing import (
    MOST_TOKENS,
    RefusedError,
    check_beginning,
    check_grammar,
    check_parameters,
    names_of,
    one_statement,
)
from dashboards.queries.tokens import Token, TokenKind, tokens_of

LONGEST_STATEMENT = 20_000
_UNITS = frozenset("MICROSECOND MILLISECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR DECADE CENTURY".split())
_PLURALS = {
    "CENTURIES": "CENTURY",
    **{f"{unit}S": unit for unit in _UNITS},
    **dict.fromkeys(("SEC", "SECS"), "SECOND"),
    **dict.fromkeys(("MIN", "MINS"), "MINUTE"),
    **dict.fromkeys(("HR", "HRS"), "HOUR"),
    **dict.fromkeys(("MON", "MONS"), "MONTH"),
    **dict.fromkeys(("YR", "YRS"), "YEAR"),
}
_MOST_DIGITS = 15
# Words that a slip has at most.
_MOST_SAID = 5
# PostgreSQL knows a quoted number followed by one of these.
_UNITS_AFTER_TEXT = frozenset("SECOND MINUTE HOUR DAY MONTH YEAR".split())
_NUMBER_IN_TEXT = re.compile(r"'\s*[+-]?[0-9]+(?:\.[0-9]*)?\s*'")
_BOUND = re.compile(r"\$([0-9]+)(?:::[a-z]+)?")
_RENAMED = {"IFNULL": "COALESCE", "DATE_SUB": "date_subtract"}


@dataclass(frozen=True, slots=True)
class Change:
    """A slip that was put right: what was written, and what it was read as, for people."""

    written: str
    read: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the new text and where it comes from; ``is_same`` when it is word for word."""

    text: str
    start: int
    is_same: bool


@dataclass(frozen=True, slots=True)
class Rewritten:
    """``names`` are the parameters in the order of their numbers, ``texts`` those that are bound as texts.

    ``words`` has every name in it, folded, and its place.
    """

    sql: str
    names: list[str]
    texts: list[str]
    changes: list[Change]
    words: dict[str, int]
    is_explain: bool
    _pieces: list[_Piece]

    def place_of(self, position: int) -> int:
        """Where in the written statement a place of ``sql`` comes from; both count characters from 0."""
        at = 0
        for piece in self._pieces:
            if at <= position < at + len(piece.text):
                return piece.start + (position - at if piece.is_same else 0)
            at += len(piece.text)
        last = self._pieces[-1]
        return last.start + (len(last.text) if last.is_same else 0)


def names_in(statement: str) -> list[str]:
    """The parameters that a statement names, in the order they appear."""
    found = (token.text[1:] for token in tokens_of(statement[:LONGEST_STATEMENT]) if token.kind is TokenKind.PARAMETER)
    return list(dict.fromkeys(found))


def check_parameters_of(statement: str) -> None:
    """Raises RefusedError for names of parameters that could not be saved."""
    check_parameters(tokens_of(statement))


def rewrite(statement: str, parameters: Mapping[str, Parameter]) -> Rewritten:
    """Raises RefusedError for what is no single question, or names a parameter that is not declared."""
    if len(statement) > LONGEST_STATEMENT:
        raise RefusedError(f"A question has at most {LONGEST_STATEMENT:,} characters.")
    if "\x00" in statement:
        raise RefusedError("A question has no NUL characters.", start=statement.index("\x00"))
    tokens = list(tokens_of(statement))
    if len(tokens) > MOST_TOKENS:
        raise RefusedError("This question has too many words.")
    tokens = one_statement(tokens)
    is_explain = check_beginning(tokens)
    words = names_of(tokens)
    check_parameters(tokens)
    check_grammar(tokens)
    writer = _Writer(tokens, parameters)
    writer.write()
    sql = "".join(piece.text for piece in writer.pieces)
    texts = [name for name in writer.names if parameters[name].type == "text"]
    return Rewritten(sql, writer.names, texts, writer.changes, words, is_explain, writer.pieces)


@dataclass(slots=True)
class _Writer:
    """Goes through the tokens once; each slip is tried where it may begin."""

    tokens: Sequence[Token]
    parameters: Mapping[str, Parameter]
    pieces: list[_Piece] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def write(self) -> None:
        number = 0
        while number < len(self.tokens):
            number = self._write_slip(number) or self._write_token(number)

    def _write_token(self, number: int) -> int:
        token = self.tokens[number]
        if token.kind is TokenKind.PARAMETER:
            # Not glued to a word before it: a$1 would be a name.
            glue = " " if number and self.tokens[number - 1].kind is TokenKind.WORD else ""
            self.pieces.append(_Piece(glue + self._bound(token), token.start, is_same=False))
        else:
            self.pieces.append(_Piece(token.text, token.start, is_same=True))
        return number + 1

    def _write_slip(self, number: int) -> int:
        """The number of the token behind the slip that begins at that one; 0 when none does."""
        token = self.tokens[number]
        slip = _SLIPS.get("`" if token.kind is TokenKind.BACKTICKED else token.word)
        if slip is None:
            return 0
        found = slip(self, self._said_from(number))
        if found is None:
            return 0
        text, last = found
        written = "".join(one.text for one in self.tokens[number : last + 1])
        self.pieces.append(_Piece(text, token.start, is_same=False))
        change = Change(" ".join(written.split()), self._in_own_names(text))
        if change not in self.changes:
            self.changes.append(change)
        return last + 1

    def _in_own_names(self, text: str) -> str:
        """With :days for $1::bigint, and without the parentheses around it all."""
        text = text[1:-1] if text.startswith("(") and text.endswith(")") else text
        return _BOUND.sub(lambda found: f":{self.names[int(found[1]) - 1]}", text)

    def _said_from(self, number: int) -> list[tuple[int, Token]]:
        """The token and the next few that are not silent, with their numbers."""
        said = []
        for place in range(number, len(self.tokens)):
            if not self.tokens[place].is_silent:
                said.append((place, self.tokens[place]))
                if len(said) == _MOST_SAID:
                    break
        return said

    def interval(self, said: list[tuple[int, Token]]) -> tuple[str, int] | None:
        """INTERVAL, an amount that may have a sign or stand in parentheses, and a unit."""
        if len(said) < 3:
            return None
        rest = [token for _, token in said[1:]]
        sign, size = "", 1
        if rest[0].text == "(" and len(rest) > 3 and rest[2].text == ")":
            amount, size = rest[1], 3
        elif rest[0].text in ("-", "+") and rest[1].start == rest[0].end:
            sign, amount, size = rest[0].text.strip("+"), rest[1], 2
        else:
            amount = rest[0]
        if len(rest) <= size:
            return None
        unit, last = rest[size], said[size + 1][0]
        name = _PLURALS.get(unit.word, unit.word)
        if name not in _UNITS:
            return None
        if amount.kind is TokenKind.PARAMETER:
            one = "3 months" if name == "QUARTER" else f"1 {name.lower()}"
            whole = "" if self.parameters.get(amount.text[1:], Parameter("", "text")).type else "::bigint"
            return f"({sign}{self._bound(amount)}{whole} * INTERVAL '{one}')", last
        if amount.kind is TokenKind.STRING and (sign or size > 1 or unit.word in _UNITS_AFTER_TEXT):
            return None
        number = _plain_number(amount)
        if number is None:
            return None
        if name == "QUARTER":
            return f"(3 * INTERVAL '{sign}{number} MONTHS')", last
        return f"INTERVAL '{sign}{number} {unit.text}'", last

    def limit(self, said: list[tuple[int, Token]]) -> tuple[str, int] | None:
        if len(said) < 4 or said[2][1].text != ",":
            return None
        (_, skipped), (last, most) = said[1], said[3]
        if not all(one.kind in (TokenKind.NUMBER, TokenKind.PARAMETER) for one in (skipped, most)):
            return None
        return f"LIMIT {self._value(most)} OFFSET {self._value(skipped)}", last

    def renamed(self, said: list[tuple[int, Token]]) -> tuple[str, int] | None:
        if len(said) < 2 or said[1][1].text != "(":
            return None
        return _RENAMED[said[0][1].word], said[0][0]

    def today(self, said: list[tuple[int, Token]]) -> tuple[str, int] | None:
        if [token.text for _, token in said[1:3]] != ["(", ")"]:
            return None
        return "CURRENT_DATE", said[2][0]

    def backticks(self, said: list[tuple[int, Token]]) -> tuple[str, int] | None:
        number, token = said[0]
        if len(token.text) < 3 or not token.text.endswith("`"):
            return None
        name = token.text[1:-1].replace("``", "`").replace('"', '""')
        return f'"{name}"', number

    def _value(self, token: Token) -> str:
        return self._bound(token) if token.kind is TokenKind.PARAMETER else token.text

    def _bound(self, token: Token) -> str:
        name = token.text[1:]
        parameter = self.parameters.get(name)
        if parameter is None:
            raise RefusedError(f"{token.text} has no value yet.", start=token.start, hint="Say below what it is.")
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}{parameter.cast}"


def _plain_number(token: Token) -> str | None:
    """As INTERVAL reads it, which knows neither 1_000 nor 1e3 nor 0x10; None for what is none, or too large for a time."""
    text = token.text
    if token.kind is TokenKind.STRING:
        return text.strip("'").strip() if _NUMBER_IN_TEXT.fullmatch(text) else None
    if token.kind is not TokenKind.NUMBER:
        return None
    try:
        number = Decimal(int(text, 0)) if text[:2].lower() in ("0x", "0o", "0b") else Decimal(text.replace("_", ""))
    except (InvalidOperation, ValueError):
        return None
    if number and abs(number.adjusted()) > _MOST_DIGITS:
        return None
    return f"{number:f}"


_Slip = Callable[[_Writer, list[tuple[int, Token]]], tuple[str, int] | None]
_SLIPS: dict[str, _Slip] = {
    "INTERVAL": _Writer.interval,
    "LIMIT": _Writer.limit,
    "IFNULL": _Writer.renamed,
    "DATE_SUB": _Writer.renamed,
    "CURDATE": _Writer.today,
    "`": _Writer.backticks,
}

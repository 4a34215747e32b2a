"""A question as it stands on the page: written or changed, and not saved yet. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from dashboards.queries.parameters import MOST_PARAMETERS, TYPES, Parameter, ParameterError
from dashboards.queries.refusing import RefusedError
from dashboards.queries.rewriting import LONGEST_STATEMENT, Rewritten, check_parameters_of, names_in, rewrite

LONGEST_NAME = 100
LONGEST_DESCRIPTION = 1_000
_MOST_SERIES = 6
_LONGEST_COLUMN = 63
CHART_KINDS = {"": "No chart", "bar": "Bars", "line": "Lines"}
# What a new page begins with.
EXAMPLE = """SELECT event, severity, COUNT(*) AS count, COUNT(DISTINCT user_id) AS users
FROM analytics_logs
WHERE timestamp > NOW() - INTERVAL 24 HOURS
GROUP BY event, severity
ORDER BY count DESC"""


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """``x`` names the column of labels, ``y`` those of numbers."""

    kind: str = ""
    x: str = ""
    y: tuple[str, ...] = ()

    @property
    def y_text(self) -> str:
        return ", ".join(self.y)


@dataclass(frozen=True, slots=True)
class Draft:
    """``parameters`` are those that the statement names; their defaults are what stands in the fields."""

    statement: str = EXAMPLE
    name: str = ""
    description: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    chart: ChartSpec = field(default_factory=ChartSpec)
    # Named in the statement and never said what they are.
    unknown: tuple[str, ...] = ()

    @classmethod
    def written(cls, form: Mapping[str, str], known: Mapping[str, Parameter]) -> "Draft":
        """From the fields of the page; ``known`` are the parameters of the saved question."""
        statement = form.get("statement", "").replace("\r\n", "\n")
        parameters: dict[str, Parameter] = {}
        unknown = []
        for name in names_in(statement)[:MOST_PARAMETERS]:
            before = known.get(name)
            kind = form.get(f"type-{name}", before.type if before else "")
            if kind not in TYPES:
                unknown.append(name)
                kind = "text"
            parameters[name] = Parameter(name, kind, form.get(f"value-{name}", before.default if before else ""))
        kind = form.get("chart_kind", "")
        chart = ChartSpec(kind if kind in CHART_KINDS else "", form.get("chart_x", "").strip(), _columns(form))
        return cls(
            statement,
            form.get("name", "").strip(),
            form.get("description", "").strip(),
            parameters,
            chart,
            tuple(unknown),
        )

    def read(self, zone: tzinfo) -> tuple[Rewritten, list[str | None]]:
        """The statement for PostgreSQL and the values of its parameters. Raises RefusedError."""
        rewritten = rewrite(self.statement, self.parameters)
        if self.unknown:
            named = ", ".join(f":{name}" for name in self.unknown)
            raise RefusedError(
                f"New here: {named}.",
                hint="Give it a value below the statement, see that its type is right, and run it.",
            )
        try:
            return rewritten, [
                self.parameters[name].read(self.parameters[name].default, zone) for name in rewritten.names
            ]
        except ParameterError as error:
            raise RefusedError(str(error)) from None

    def untyped(self) -> Rewritten:
        """The statement with what is new in it left open. Raises RefusedError."""
        return rewrite(self.statement, {**self.parameters, **{name: Parameter(name, "") for name in self.unknown}})

    def guessed(self, types: Mapping[str, str]) -> "Draft":
        """With those types for the parameters that nobody said anything of."""
        guesses = {name: replace(self.parameters[name], type=types[name]) for name in self.unknown if name in types}
        return replace(self, parameters={**self.parameters, **guesses})

    def problem_with_saving(self, zone: tzinfo) -> str:
        """Why it cannot be saved so, as a sentence; "" when it can."""
        if not self.name:
            return "Give the question a name."
        if "\x00" in self.name + self.description + self.statement + self.chart.x + self.chart.y_text:
            return "A question has no NUL characters."
        if len(self.name) > LONGEST_NAME:
            return f"A name has at most {LONGEST_NAME} characters."
        if len(self.description) > LONGEST_DESCRIPTION:
            return f"A description has at most {LONGEST_DESCRIPTION:,} characters."
        if not self.statement.strip():
            return "There is no statement to save."
        if len(self.statement) > LONGEST_STATEMENT:
            return f"A question has at most {LONGEST_STATEMENT:,} characters."
        if len(self.chart.y) > _MOST_SERIES or max(map(len, (self.chart.x, *self.chart.y))) > _LONGEST_COLUMN:
            return f"A chart shows at most {_MOST_SERIES} columns, and their names have at most {_LONGEST_COLUMN} characters."
        try:
            check_parameters_of(self.statement)
            for parameter in self.parameters.values():
                parameter.read(parameter.default, zone)
        except (ParameterError, RefusedError) as error:
            return str(error)
        return ""


def _columns(form: Mapping[str, str]) -> tuple[str, ...]:
    names = (name.strip() for name in form.get("chart_y", "").split(","))
    return tuple(dict.fromkeys(name for name in names if name))

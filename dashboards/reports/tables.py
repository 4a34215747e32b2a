"""Which tables of folded rollups hold what the runner's relations show, from minutes to days, and how their rows are read."""

from typing import NamedTuple

from events.rollup_tables import CHUNK, COARSE


class Table(NamedTuple):
    """A table of folded rollups, its time column, and what to read of its rows besides that and their words."""

    name: str
    time: str
    columns: str
    # Of rows that are merged when they are read: by what besides their words.
    merged_by: str = ""
    words: str = "series_id"
    # How the words are read, where they are no columns.
    selected: str = ""
    # Of rows that are merged by series first, and then given the words of those: the columns they have by then.
    given_words: str = ""
    # The columns of rows that are taken away.
    negated: str = ""
    # Which of its rows belong to it.
    condition: str = ""


COUNTED = "event_count, duration_count, duration_ms"
_UNCOUNTED = "-event_count AS event_count, -duration_count AS duration_count, -duration_ms AS duration_ms"
SUMS = "sum(event_count)::bigint AS event_count, sum(duration_count)::bigint AS duration_count, sum(duration_ms) AS duration_ms"
_NEGATED_SUMS = SUMS.replace("sum(", "-sum(")
OF_SERIES = "JOIN events_series ON events_series.id = series_id"
_HISTOGRAM = "events_histogram(bucket, event_count) AS histogram"
_USERS = f"user_id / {CHUNK} AS chunk, events_set_of_users(array_agg(mod(user_id, {CHUNK}))) AS users"
# Minutes, hours and days of each kind.
_FINE = {
    "counts": (
        Table("events_count_minutes", "minute", COUNTED, negated=_UNCOUNTED),
        Table("events_count_hours", "hour", COUNTED, negated=_UNCOUNTED),
        Table("events_count_days", "day", COUNTED),
    ),
    "latencies": (
        Table("events_bucket_minutes", "minute", _HISTOGRAM, negated=f"-{_HISTOGRAM}"),
        Table("events_latency_hours", "hour", "histogram", negated="-histogram AS histogram"),
        Table("events_latency_days", "day", "histogram"),
    ),
    "users": (
        Table("events_user_minutes", "minute", _USERS, f"user_id / {CHUNK}"),
        Table("events_users_hours", "hour", "chunk, users"),
        Table("events_users_days", "day", "chunk, users"),
    ),
}
# The percentiles of the same histograms.
_FINE["percentiles"] = _FINE["latencies"]
COARSE_KINDS = {
    "people": "people",
    "name_users": "nameusers",
    "feature_users": "featureusers",
    "hurt_users": "hurtusers",
    "endpoint_users": "endpointusers",
    "endpoint_latencies": "endpointlatency",
    "endpoint_percentiles": "endpointlatency",
    "name_counts": "namecounts",
    "feature_counts": "featurecounts",
    "trial_counts": "trialcounts",
}
_FINER = {"users": "users", "latency": "latencies", "count": "counts"}
# Numbers can be taken away again, sets cannot.
MAY_TAKE_AWAY = (
    "counts",
    "latencies",
    "percentiles",
    "endpoint_latencies",
    "endpoint_percentiles",
    *(kind for kind, coarse in COARSE_KINDS.items() if COARSE[coarse].finer == "count"),
)


def _coarse_tables(name: str, *, is_of_release: bool) -> tuple[Table, ...]:
    """From fine to coarse. Sets and histograms of minutes are not kept by few words, and nothing that is knows releases: both are
    put together from the rows of series.
    """
    coarse = COARSE[name]
    minutes, hours, days = _FINE[_FINER[coarse.finer]]

    def from_series(table: Table) -> Table:
        if coarse.finer == "count" and table is minutes:  # an hour has as many rows as events: merged by numbers first
            return table._replace(
                columns=SUMS, negated=_NEGATED_SUMS, merged_by="series_id", selected=coarse.columns,
                condition=coarse.condition, given_words=COUNTED,
            )  # fmt: skip
        if table.merged_by:  # by numbers, not by texts
            given = "chunk, users" if coarse.finer == "users" else "histogram"
            return table._replace(selected=coarse.columns, condition=coarse.condition, given_words=given)
        return table._replace(
            name=f"{table.name} {OF_SERIES}",
            words=coarse.words,
            selected=coarse.columns,
            condition=coarse.condition,
        )

    if is_of_release:
        return (from_series(minutes), from_series(hours), from_series(days))
    finest = minutes if coarse.grains[0] == "minute" else hours._replace(time=coarse.grains[0])
    kept = (table._replace(name=f"events_{name}_{table.time}s", words=coarse.words) for table in (finest, hours, days))
    return (*kept,) if finest is minutes else (from_series(minutes), *kept)


KINDS = {**_FINE, **{kind: _coarse_tables(name, is_of_release=False) for kind, name in COARSE_KINDS.items()}}
KINDS_OF_RELEASE = {kind: _coarse_tables(name, is_of_release=True) for kind, name in COARSE_KINDS.items()}
# What is kept of all services together besides.
KINDS_ANYWHERE = {"hurt_users": _coarse_tables("hurtanywhere", is_of_release=False)}

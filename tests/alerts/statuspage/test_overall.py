import pytest

from alerts.models import ImpactLevel
from alerts.statuspage.levels import NAMES, WORDS, Level
from alerts.statuspage.overall import overall

UP, MAINTENANCE, DEGRADED, PARTIAL, MAJOR = Level


@pytest.mark.parametrize(
    ("levels", "incidents", "level", "words"),
    [
        ([], 0, UP, "All systems are operational"),
        ([UP, UP], 0, UP, "All systems are operational"),
        ([UP, MAINTENANCE], 0, MAINTENANCE, "Maintenance is under way"),
        ([UP, UP], 1, DEGRADED, "We are looking into a problem"),
        ([UP, DEGRADED], 1, DEGRADED, "Some systems are degraded"),
        ([DEGRADED], 1, DEGRADED, "Degraded"),
        ([MAINTENANCE, PARTIAL, DEGRADED], 1, PARTIAL, "Partial outage of some systems"),
        ([MAJOR, UP], 1, MAJOR, "Major outage of some systems"),
        ([MAJOR, MAJOR], 2, MAJOR, "Major outage"),
    ],
)
def test_the_worst_is_said(levels: list[Level], incidents: int, level: Level, words: str) -> None:
    found = overall(levels, open_incidents=incidents)

    assert (found.level, found.words) == (level, words)


def test_maintenance_of_nothing_in_particular_is_said() -> None:
    assert overall([UP], open_incidents=0, running_maintenance=1).words == "Maintenance is under way"


def test_the_database_knows_the_same_levels() -> None:
    kept = {int(level): level.label for level in ImpactLevel}

    assert kept == {int(level): words for level, words in WORDS.items() if level}
    assert set(NAMES) == set(WORDS) == set(Level)

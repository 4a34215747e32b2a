from pathlib import Path
from typing import Any

from django.db import migrations

_FOLDER = Path(__file__).parent / "sql"
_OLD_DAY, _NEW_DAY = "MAX(day)::date AS", "(MAX(day) AT TIME ZONE 'UTC')::date AS"
# Questions as they were first shipped, but for the day that was on the reader's clock.
_FEATURES = """SELECT
  labels->>'feature' AS feature,
  MAX(day)::date AS last_used,
  SUM(event_count) AS used_before
FROM counts_by_day
WHERE event = 'feature_used'
  AND labels ? 'feature'
GROUP BY feature
HAVING MAX(day) < NOW() - INTERVAL :days DAYS
ORDER BY last_used;"""
_USERS = """SELECT
  user_id,
  SUM(failure_count) AS failures,
  COUNT(DISTINCT event) AS kinds,
  MAX(day)::date AS last_day
FROM user_failures_by_day
WHERE day > NOW() - INTERVAL :days DAYS
  AND severity IN ('critical', 'error')
GROUP BY user_id
ORDER BY failures DESC
LIMIT 50;"""


def mend_days(saved_query_model: Any) -> None:
    """Where nobody changed them."""
    for statement in (_FEATURES, _USERS):
        mended = statement.replace(_OLD_DAY, _NEW_DAY)
        saved_query_model.objects.filter(statement=statement).update(statement=mended)


def mend(apps: Any, schema_editor: Any) -> None:
    mend_days(apps.get_model("dashboards", "SavedQuery"))


class Migration(migrations.Migration):
    dependencies = [("dashboards", "0002_saved_query")]

    operations = [
        migrations.RunSQL(
            (_FOLDER / "0003_question_guards.sql").read_text(),
            (_FOLDER / "0003_question_guards.reverse.sql").read_text(),
        ),
        migrations.RunPython(mend, migrations.RunPython.noop, elidable=False),
    ]

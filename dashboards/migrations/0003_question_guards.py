from pathlib import Path

from django.db import migrations

_FOLDER = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("dashboards", "0002_saved_query")]

    operations = [
        migrations.RunSQL(
            (_FOLDER / "0003_question_guards.sql").read_text(),
            (_FOLDER / "0003_question_guards.reverse.sql").read_text(),
        ),
    ]

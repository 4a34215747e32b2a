from contextlib import suppress
from pathlib import Path
from typing import Any

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import dashboards.models.saved_query
from dashboards.queries import role
from dashboards.queries.guide import load_questions

_FOLDER = Path(__file__).parent / "sql"


def check_rights(apps: Any, schema_editor: Any) -> None:
    """The one right that nothing before needed: to make a schema."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_database_privilege(current_database(), 'CREATE'), format('%I', current_database()), format('%I', current_user)"
        )
        is_allowed, database, user = cursor.fetchone()
    if not is_allowed:
        raise RuntimeError(
            f"Liftmon may not make the schema {role.SCHEMA} in its database. Run this as the database's owner, then migrate "
            f"again: GRANT CREATE ON DATABASE {database} TO {user};"
        )


def make_role(apps: Any, schema_editor: Any) -> None:
    # Where it is not ours to make, the page says what an operator has to do.
    with suppress(role.UnavailableError):
        role.prepare()


def drop_role(apps: Any, schema_editor: Any) -> None:
    role.drop()


def load(apps: Any, schema_editor: Any) -> None:
    load_questions(apps.get_model("dashboards", "SavedQuery"))


class Migration(migrations.Migration):
    dependencies = [
        ("dashboards", "0001_analytics"),
        ("events", "0004_series_and_labels"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedQuery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("description", models.TextField(blank=True, help_text="What the answer tells.", max_length=1000)),
                ("statement", models.TextField(max_length=20000)),
                (
                    "parameters",
                    models.JSONField(
                        blank=True, default=list, validators=[dashboards.models.saved_query.check_parameters]
                    ),
                ),
                (
                    "chart_kind",
                    models.CharField(
                        blank=True,
                        choices=[("", "No chart"), ("bar", "Bars"), ("line", "Lines")],
                        default="",
                        max_length=4,
                    ),
                ),
                ("chart_x", models.CharField(blank=True, max_length=63)),
                ("chart_y", models.JSONField(blank=True, default=list)),
                (
                    "is_from_guide",
                    models.BooleanField(default=False, editable=False, help_text="The tracking guide's own words."),
                ),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "owner",
                    models.ForeignKey(
                        help_text="Who saved it last; empty: Liftmon brought it.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "saved question",
                "default_permissions": ("add", "change", "delete"),
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"), name="savedquery_name_unique"
                    )
                ],
            },
        ),
        migrations.RunPython(load, migrations.RunPython.noop, elidable=False),
        migrations.RunPython(check_rights, drop_role),
        migrations.RunSQL(
            (_FOLDER / "0002_question_views.sql").read_text(), (_FOLDER / "0002_question_views.reverse.sql").read_text()
        ),
        migrations.RunPython(make_role, migrations.RunPython.noop),
    ]

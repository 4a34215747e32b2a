from typing import Any

from django.db import migrations, models

import events.models.event_type
from events.catalogue import load_labels
from events.frozen_sql import run_sql


def load(apps: Any, schema_editor: Any) -> None:
    load_labels(apps.get_model("events", "EventType"))


class Migration(migrations.Migration):
    dependencies = [("events", "0003_guards_and_coarser_rollups")]
    operations = [
        run_sql("0004_series"),
        migrations.DeleteModel(name="UserActivity"),
        migrations.CreateModel(
            name="Release",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "service_id",
                        "release",
                        "environment",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("service_id", models.IntegerField()),
                ("release", models.CharField(max_length=200)),
                ("environment", models.CharField(max_length=64)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
            ],
            options={"managed": False, "default_permissions": ()},
        ),
        migrations.AddField(
            model_name="eventtype",
            name="labels",
            field=models.JSONField(
                blank=True,
                default=list,
                db_default=models.Value([], models.JSONField()),
                help_text="Fields of data that reports count these events by, besides feature and ai_provider, such as "
                '["reason", "status:class", "key:prefix"]. Holds for events that come from now on.',
                validators=[events.models.event_type.check_labels],
            ),
        ),
        migrations.AlterField(
            model_name="guardhit",
            name="guard",
            field=models.CharField(
                choices=[
                    ("name", "Too many event names"),
                    ("endpoint", "Too many endpoints"),
                    ("environment", "Too many environments"),
                    ("release", "Too many releases"),
                    ("label", "Too many values of a label"),
                    ("tag_key", "Too many tag keys"),
                    ("tag", "Too many values of a tag"),
                    ("new_issues", "Too many new issues in an hour"),
                ],
                max_length=11,
            ),
        ),
        migrations.AlterField(
            model_name="knownvalue",
            name="dimension",
            field=models.CharField(
                choices=[
                    ("name", "Event names"),
                    ("endpoint", "Endpoints"),
                    ("environment", "Environments"),
                    ("release", "Releases"),
                    ("label", "Label values"),
                    ("tag_key", "Tag keys"),
                    ("tag", "Tag values"),
                ],
                max_length=11,
            ),
        ),
        migrations.RunPython(load, migrations.RunPython.noop, elidable=False),
    ]

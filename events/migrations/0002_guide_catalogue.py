from typing import Any

from django.db import migrations

from events.catalogue import load_guide


def load(apps: Any, schema_editor: Any) -> None:
    load_guide(apps.get_model("events", "EventType"))


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop, elidable=False)]

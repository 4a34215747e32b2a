from typing import Any

from django.db import migrations

from alerts.rules.guide import load_rules


def load(apps: Any, schema_editor: Any) -> None:
    load_rules(apps.get_model("alerts", "AlertRule"), apps.get_model("alerts", "Route"))


class Migration(migrations.Migration):
    dependencies = [("alerts", "0001_initial")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop, elidable=False)]

from typing import Any

from django.db import migrations

from alerts.rules.guide import OPENS_INCIDENT
from alerts.runbooks.guide import load_runbooks


def load(apps: Any, schema_editor: Any) -> None:
    rule_model = apps.get_model("alerts", "AlertRule")
    rule_model.objects.filter(key__in=OPENS_INCIDENT).update(opens_incident=True)
    load_runbooks(apps.get_model("alerts", "Runbook"), apps.get_model("alerts", "RunbookStep"), rule_model)


class Migration(migrations.Migration):
    dependencies = [("alerts", "0006_incidents")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop, elidable=False)]

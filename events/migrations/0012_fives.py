from django.db import migrations

from events.frozen_sql import run_sql


class Migration(migrations.Migration):
    dependencies = [("events", "0011_token_scope_of_alerts")]
    operations = [run_sql("0012_fives")]

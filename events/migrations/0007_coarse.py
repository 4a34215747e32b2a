from django.db import migrations

from events.frozen_sql import run_sql


class Migration(migrations.Migration):
    dependencies = [("events", "0006_people")]
    operations = [run_sql("0007_coarse")]

from django.db import migrations

from events.frozen_sql import run_sql


class Migration(migrations.Migration):
    dependencies = [("events", "0008_chunks")]
    operations = [run_sql("0009_counts")]

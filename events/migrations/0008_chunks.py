from django.db import migrations

from events.frozen_sql import run_sql


class Migration(migrations.Migration):
    dependencies = [("events", "0007_coarse")]
    operations = [run_sql("0008_chunks")]

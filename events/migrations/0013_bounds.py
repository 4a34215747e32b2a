from django.db import migrations

from events.frozen_sql import run_sql


class Migration(migrations.Migration):
    dependencies = [("events", "0012_fives")]
    operations = [run_sql("0013_bounds")]

from django.db import migrations

from events.frozen_sql import run_sql


class Migration(migrations.Migration):
    dependencies = [("events", "0005_api_token")]
    operations = [run_sql("0006_people")]

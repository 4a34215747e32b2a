from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("alerts", "0007_runbooks")]

    operations = [
        migrations.AddField(model_name="letter", name="fallback_told_at", field=models.DateTimeField(null=True)),
    ]

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0003_on_call"),
    ]

    operations = [
        migrations.CreateModel(
            name="SlackRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("signature", models.CharField(max_length=80, unique=True)),
                ("at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="alertrule",
            name="inhibits_lower",
            field=models.BooleanField(
                default=False,
                help_text="While one of its alerts fires and was told, those of lower severity with the same labels are not told.",
                verbose_name="mutes lower severities",
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="inhibited_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="inhibited", to="alerts.alert"
            ),
        ),
        migrations.AlterField(
            model_name="notification",
            name="kind",
            field=models.CharField(
                choices=[
                    ("firing", "Fires"),
                    ("repeat", "Still fires"),
                    ("changed", "Changed"),
                    ("resolved", "Resolved"),
                    ("test", "Test"),
                ],
                max_length=8,
            ),
        ),
    ]

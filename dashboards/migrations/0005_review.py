import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0009_digests"),
        ("auth", "__first__"),
        ("dashboards", "0004_digests"),
    ]

    operations = [
        migrations.CreateModel(
            name="DigestCopy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_late", models.BooleanField()),
                ("has_links", models.BooleanField()),
                ("scope_words", models.TextField()),
                ("subject", models.CharField(max_length=300)),
                ("text", models.TextField()),
                ("html", models.TextField()),
                ("images", models.JSONField(default=dict)),
                ("slack", models.JSONField(default=dict)),
                (
                    "digest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="copies", to="dashboards.digest"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        models.F("digest"), models.F("is_late"), models.F("has_links"), name="digest_copy_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ReviewMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("daily", "Daily"), ("weekly", "Weekly"), ("monthly", "Monthly")], max_length=7
                    ),
                ),
                ("day", models.DateField()),
                ("item", models.CharField(max_length=100)),
                ("text", models.CharField(max_length=300)),
                ("seen_at", models.DateTimeField()),
                ("outcome", models.CharField(blank=True, max_length=200)),
                ("outcome_link", models.CharField(blank=True, max_length=300)),
                (
                    "seen_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        models.F("kind"), models.F("day"), models.F("item"), name="review_mark_once"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="digestdelivery",
            name="notification",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="digest_delivery",
                to="alerts.notification",
            ),
        ),
        migrations.AddField(
            model_name="digestsubscription",
            name="since_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
    ]

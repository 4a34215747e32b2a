import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import dashboards.models.digest


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0008_letters_told"),
        ("auth", "__first__"),
        ("dashboards", "0003_questions"),
        ("events", "0012_fives"),
    ]

    operations = [
        migrations.CreateModel(
            name="Digest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("daily", "Daily"), ("weekly", "Weekly"), ("monthly", "Monthly")], max_length=7
                    ),
                ),
                ("scope", models.CharField(max_length=500)),
                ("start_at", models.DateTimeField()),
                ("end_at", models.DateTimeField()),
                ("built_at", models.DateTimeField()),
                ("is_changed", models.BooleanField()),
                ("content", models.JSONField()),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [models.Index(models.OrderBy(models.F("end_at"), descending=True), name="digest_newest")],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("kind"),
                        models.F("scope"),
                        models.F("start_at"),
                        models.F("end_at"),
                        name="digest_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DigestSubscription",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "email",
                    models.EmailField(
                        blank=True, help_text="Of somebody who need not sign in.", max_length=254, verbose_name="e-mail"
                    ),
                ),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("daily", "Daily"), ("weekly", "Weekly"), ("monthly", "Monthly")], max_length=7
                        ),
                        default=list,
                    ),
                ),
                (
                    "environments",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=dashboards.models.digest.production,
                        help_text="Empty: all of them.",
                    ),
                ),
                (
                    "hour",
                    models.PositiveSmallIntegerField(
                        default=8, validators=[django.core.validators.MaxValueValidator(23)]
                    ),
                ),
                (
                    "weekdays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(
                            choices=[
                                (0, "Monday"),
                                (1, "Tuesday"),
                                (2, "Wednesday"),
                                (3, "Thursday"),
                                (4, "Friday"),
                                (5, "Saturday"),
                                (6, "Sunday"),
                            ]
                        ),
                        default=dashboards.models.digest.work_days,
                        help_text="Daily ones come on these days, weekly ones on the first of them.",
                    ),
                ),
                ("zone", models.CharField(default="UTC", max_length=64, verbose_name="time zone")),
                (
                    "least",
                    models.CharField(
                        choices=[("always", "Always"), ("changed", "Only when something changed")],
                        default="always",
                        max_length=7,
                        verbose_name="send",
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("confirmed_at", models.DateTimeField(editable=False, null=True)),
                ("link_number", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "channel",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="digest_subscriptions",
                        to="alerts.channel",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="digest_subscriptions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "services",
                    models.ManyToManyField(
                        blank=True, help_text="Empty: all of them.", related_name="+", to="events.service"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("channel", None), ("email", ""), ("person__isnull", False)),
                            models.Q(("channel", None), ("email__gt", ""), ("person", None)),
                            models.Q(("channel__isnull", False), ("email", ""), ("person", None)),
                            _connector="OR",
                        ),
                        name="subscription_of_one",
                        violation_error_message="Choose a person, an e-mail address or a channel, and only one of them.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DigestDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("daily", "Daily"), ("weekly", "Weekly"), ("monthly", "Monthly")], max_length=7
                    ),
                ),
                ("day", models.DateField()),
                ("end_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("is_late", models.BooleanField(default=False)),
                ("skipped", models.CharField(blank=True, max_length=200)),
                (
                    "digest",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="deliveries",
                        to="dashboards.digest",
                    ),
                ),
                (
                    "letter",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="digest_delivery",
                        to="alerts.letter",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="dashboards.digestsubscription",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        models.F("subscription"),
                        models.F("kind"),
                        models.OrderBy(models.F("end_at"), descending=True),
                        name="digest_delivery_last",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("subscription"), models.F("kind"), models.F("day"), name="digest_delivery_once"
                    )
                ],
            },
        ),
    ]

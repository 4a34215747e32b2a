import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "__first__"),
        ("events", "0010_notices"),
    ]

    operations = [
        migrations.CreateModel(
            name="Channel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("email", "E-mail"),
                            ("slack", "Slack"),
                            ("pagerduty", "PagerDuty"),
                            ("webhook", "Webhook (Standard Webhooks)"),
                            ("alertmanager", "Webhook (Alertmanager)"),
                            ("apprise", "Apprise (Teams, Discord, Telegram, SMS …)"),
                        ],
                        max_length=12,
                    ),
                ),
                ("sealed_settings", models.TextField(editable=False)),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("disabled_reason", models.CharField(blank=True, editable=False, max_length=300)),
                ("tested_at", models.DateTimeField(editable=False, null=True)),
                ("test_answer", models.CharField(blank=True, editable=False, max_length=300)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("busy_until", models.DateTimeField(editable=False, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="AlertRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120)),
                ("key", models.CharField(blank=True, editable=False, max_length=60)),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "condition",
                    models.CharField(
                        choices=[
                            ("event", "An event matches"),
                            ("new_issue", "An issue is first seen"),
                            ("regression", "An issue comes back"),
                            ("threshold", "A count, users hurt or a share of failures"),
                            ("latency", "Response times"),
                            ("spike", "More than at the same hours of earlier weeks"),
                            ("absence", "Nothing was heard"),
                            ("burn_rate", "An error budget burns too fast"),
                            ("cascade", "Several endpoints fail together"),
                        ],
                        max_length=12,
                    ),
                ),
                ("parameters", models.JSONField(blank=True, default=dict)),
                (
                    "severity",
                    models.CharField(
                        choices=[
                            ("critical", "Critical"),
                            ("error", "Error"),
                            ("warning", "Warning"),
                            ("info", "Info"),
                        ],
                        help_text="Of its alerts: who is told, and how loudly.",
                        max_length=8,
                    ),
                ),
                (
                    "environments",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="Empty: all of them. Separate with commas.",
                    ),
                ),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        help_text="Names of events; * stands for anything. Empty: all of them. Separate with commas.",
                    ),
                ),
                (
                    "severities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("critical", "Critical"),
                                ("error", "Error"),
                                ("warning", "Warning"),
                                ("info", "Info"),
                                ("debug", "Debug"),
                            ],
                            max_length=8,
                        ),
                        blank=True,
                        default=list,
                        help_text="Severities of events. Empty: all of them. Separate with commas.",
                    ),
                ),
                (
                    "endpoints",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300),
                        blank=True,
                        default=list,
                        help_text="Endpoints; * stands for anything. Empty: all of them. Separate with commas.",
                    ),
                ),
                (
                    "tag",
                    models.CharField(
                        blank=True, help_text="name:value; an event must have it. Empty: any event.", max_length=200
                    ),
                ),
                (
                    "group_by",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("service", "service"),
                                ("environment", "environment"),
                                ("name", "name"),
                                ("severity", "severity"),
                                ("endpoint", "endpoint"),
                                ("release", "release"),
                                ("feature", "feature"),
                                ("ai_provider", "ai_provider"),
                            ],
                            max_length=12,
                        ),
                        blank=True,
                        default=list,
                        help_text="One alert for each combination of these. Empty: one alert for the rule. Separate with commas.",
                    ),
                ),
                (
                    "for_seconds",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Seconds that the condition must hold before the alert fires.",
                        verbose_name="for",
                    ),
                ),
                (
                    "recover_seconds",
                    models.PositiveIntegerField(
                        default=300,
                        help_text="Seconds without the condition after which the alert is resolved.",
                        verbose_name="recovers after",
                    ),
                ),
                (
                    "group_wait_seconds",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Seconds to wait for more alerts before people are told of the first.",
                        verbose_name="group wait",
                    ),
                ),
                (
                    "repeat_seconds",
                    models.PositiveIntegerField(
                        default=14400,
                        help_text="Seconds after which people are told again while it fires. 0: never.",
                        verbose_name="repeat",
                    ),
                ),
                (
                    "runbook",
                    models.TextField(
                        blank=True, help_text="What to do when it fires, or the address of a page that says so."
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who answers for the rule.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: all services.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="events.service",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("key"), condition=models.Q(("key", ""), _negated=True), name="rule_key_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("labels", models.JSONField(default=dict)),
                ("group_key", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("firing", "Firing"), ("resolved", "Resolved")], max_length=8
                    ),
                ),
                (
                    "severity",
                    models.CharField(
                        choices=[
                            ("critical", "Critical"),
                            ("error", "Error"),
                            ("warning", "Warning"),
                            ("info", "Info"),
                            ("debug", "Debug"),
                        ],
                        max_length=8,
                    ),
                ),
                ("started_at", models.DateTimeField(help_text="When the condition began to hold.")),
                ("fired_at", models.DateTimeField(null=True)),
                ("resolved_at", models.DateTimeField(null=True)),
                ("held_at", models.DateTimeField()),
                ("judged_at", models.DateTimeField()),
                ("value", models.FloatField(null=True)),
                ("threshold", models.FloatField(null=True)),
                ("summary", models.CharField(max_length=500)),
                ("evidence", models.JSONField(default=dict)),
                (
                    "event_count",
                    models.BigIntegerField(
                        default=0, help_text="Events that brought it; of immediate conditions alone."
                    ),
                ),
                ("acknowledged_at", models.DateTimeField(null=True)),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="alerts", to="alerts.alertrule"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view", "change"),
                "indexes": [
                    models.Index(
                        models.F("state"),
                        models.OrderBy(models.F("started_at"), descending=True),
                        name="alert_by_state",
                    ),
                    models.Index(
                        models.F("rule"), models.OrderBy(models.F("started_at"), descending=True), name="alert_by_rule"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("rule"),
                        models.F("group_key"),
                        condition=models.Q(("state", "resolved"), _negated=True),
                        name="alert_open_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MaintenanceWindow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "author",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: everything.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="events.service",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="maintenance_lasts"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("firing", "Fires"),
                            ("repeat", "Still fires"),
                            ("resolved", "Resolved"),
                            ("test", "Test"),
                        ],
                        max_length=8,
                    ),
                ),
                ("number", models.PositiveIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sent", "Sent"),
                            ("dead", "Given up"),
                            ("muted", "Muted"),
                            ("dropped", "No longer needed"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("attempt_count", models.PositiveIntegerField(default=0)),
                ("settled_at", models.DateTimeField(null=True)),
                ("fallback_told_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("receipt", models.JSONField(default=dict)),
                (
                    "alert",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to="alerts.alert",
                    ),
                ),
                (
                    "carrier",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="carried",
                        to="alerts.notification",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="notifications", to="alerts.channel"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(models.F("due_at"), condition=models.Q(("state", "waiting")), name="notification_due")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("alert"),
                        models.F("channel"),
                        models.F("kind"),
                        models.F("number"),
                        condition=models.Q(("alert__isnull", False)),
                        name="notification_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="NotificationAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("is_accepted", models.BooleanField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("answer", models.CharField(blank=True, max_length=500)),
                ("took_ms", models.PositiveIntegerField()),
                (
                    "notification",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="attempts", to="alerts.notification"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(models.F("notification"), models.F("at"), name="attempt_by_notification")],
            },
        ),
        migrations.CreateModel(
            name="Route",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=100, help_text="Lower ones are tried first.")),
                ("name", models.CharField(max_length=100)),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "severities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("critical", "Critical"),
                                ("error", "Error"),
                                ("warning", "Warning"),
                                ("info", "Info"),
                                ("debug", "Debug"),
                            ],
                            max_length=8,
                        ),
                        blank=True,
                        default=list,
                        help_text="Empty: all of them. Separate with commas.",
                    ),
                ),
                ("labels", models.JSONField(blank=True, default=dict)),
                ("goes_on", models.BooleanField(default=False, help_text="Also try the routes behind it.")),
                ("channels", models.ManyToManyField(blank=True, related_name="routes", to="alerts.channel")),
                (
                    "service",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="events.service",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Silence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "matchers",
                    models.JSONField(
                        default=dict, help_text='Labels and their values, such as {"endpoint": "/api/pay*"}.'
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                ("starts_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ends_at", models.DateTimeField()),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="silence_lasts"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("started", "Condition holds"),
                            ("fired", "Fires"),
                            ("acknowledged", "Acknowledged"),
                            ("resolved", "Resolved"),
                            ("subsided", "Ended before it fired"),
                            ("noted", "Note"),
                        ],
                        max_length=12,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("text", models.CharField(blank=True, max_length=500)),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="alerts.alert"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(models.F("alert"), models.F("at"), name="alertentry_by_alert")],
            },
        ),
    ]

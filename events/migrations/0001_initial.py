import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from events.frozen_sql import run_sql


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("event_id", models.UUIDField(help_text="The client's id, or ours when it sent none.")),
                (
                    "tier",
                    models.CharField(
                        choices=[
                            ("immediate", "Immediate (alert now)"),
                            ("daily", "Daily review"),
                            ("weekly", "Weekly review"),
                        ],
                        max_length=9,
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("error", "Error"),
                            ("log", "Log"),
                            ("metric", "Metric"),
                            ("track", "Track"),
                            ("transaction", "Transaction"),
                            ("check-in", "Check-in"),
                            ("feedback", "Feedback"),
                        ],
                        max_length=12,
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
                ("message", models.TextField()),
                ("occurred_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("stored_at", models.DateTimeField()),
                ("environment", models.CharField(max_length=64)),
                ("release", models.CharField(max_length=200)),
                ("endpoint", models.CharField(max_length=500)),
                ("duration_ms", models.FloatField(null=True)),
                ("user_hash", models.CharField(max_length=32)),
                ("session_id", models.CharField(max_length=128)),
                ("exception", models.JSONField()),
                ("breadcrumbs", models.JSONField()),
                ("tags", models.JSONField()),
                ("data", models.JSONField()),
                ("scrubbed", models.JSONField(help_text="Which fields were cleaned and why.")),
                ("repaired", models.JSONField(help_text="Which fields were mended so that they could be read.")),
            ],
            options={
                "db_table": "events_event",
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="EventType",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                ("description", models.TextField(blank=True, help_text="What happened when this event is sent.")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("error", "Error"),
                            ("log", "Log"),
                            ("metric", "Metric"),
                            ("track", "Track"),
                            ("transaction", "Transaction"),
                            ("check-in", "Check-in"),
                            ("feedback", "Feedback"),
                        ],
                        default="log",
                        max_length=12,
                    ),
                ),
                (
                    "default_severity",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("critical", "Critical"),
                            ("error", "Error"),
                            ("warning", "Warning"),
                            ("info", "Info"),
                            ("debug", "Debug"),
                        ],
                        help_text="Used when an event does not say. Empty: error when it carries an exception or an error text, else info.",
                        max_length=8,
                    ),
                ),
                (
                    "tier",
                    models.CharField(
                        choices=[
                            ("immediate", "Immediate (alert now)"),
                            ("daily", "Daily review"),
                            ("weekly", "Weekly review"),
                        ],
                        default="daily",
                        help_text="Decides who hears of it and how long its events are kept.",
                        max_length=9,
                    ),
                ),
                ("question", models.TextField(blank=True, help_text="The question that its review must answer.")),
                ("is_from_guide", models.BooleanField(default=False, editable=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="EventRollup",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("service_id", models.IntegerField()),
                ("name", models.CharField(max_length=200)),
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
                ("endpoint", models.CharField(max_length=500)),
                ("environment", models.CharField(max_length=64)),
                ("minute", models.DateTimeField()),
                ("event_count", models.BigIntegerField()),
                ("is_folded", models.BooleanField(db_default=False)),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(models.F("minute"), models.F("service_id"), name="eventrollup_window"),
                    models.Index(models.F("id"), condition=models.Q(("is_folded", False)), name="eventrollup_unfolded"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Service",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="What people call it, for example “lift web”.", max_length=100)),
                (
                    "slug",
                    models.SlugField(help_text="Short name for addresses and scripts.", max_length=60, unique=True),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("first_event_at", models.DateTimeField(editable=False, null=True)),
                ("last_event_at", models.DateTimeField(editable=False, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who answers for it; new issues show this person.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="owned_services",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(django.db.models.functions.text.Lower("name"), name="service_name_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="Issue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=250)),
                ("culprit", models.CharField(blank=True, max_length=250)),
                ("name", models.CharField(max_length=200)),
                (
                    "tier",
                    models.CharField(
                        choices=[
                            ("immediate", "Immediate (alert now)"),
                            ("daily", "Daily review"),
                            ("weekly", "Weekly review"),
                        ],
                        max_length=9,
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
                        help_text="The worst seen.",
                        max_length=8,
                    ),
                ),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("event_count", models.BigIntegerField(default=0)),
                ("user_count", models.BigIntegerField(default=0)),
                (
                    "status",
                    models.CharField(
                        choices=[("unresolved", "Unresolved"), ("resolved", "Resolved"), ("muted", "Muted")],
                        default="unresolved",
                        max_length=10,
                    ),
                ),
                ("is_regressed", models.BooleanField(default=False, help_text="Came back after it was resolved.")),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="assigned_issues",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged_issues",
                        to="events.issue",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="issues", to="events.service"
                    ),
                ),
            ],
            options={
                "permissions": [("triage_issue", "Can resolve, mute, assign and merge issues")],
                "indexes": [
                    models.Index(
                        models.F("status"),
                        models.OrderBy(models.F("last_seen_at"), descending=True),
                        models.F("id"),
                        condition=models.Q(("merged_into", None)),
                        name="issue_open",
                    ),
                    models.Index(
                        models.F("service"),
                        models.OrderBy(models.F("last_seen_at"), descending=True),
                        name="issue_by_service",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("event_count__gte", 0), ("user_count__gte", 0)),
                        name="issue_counts_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("merged_into", models.F("id")), _negated=True),
                        name="issue_not_merged_into_itself",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IssueRollup",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("fingerprint_id", models.BigIntegerField()),
                ("hour", models.DateTimeField()),
                ("event_count", models.BigIntegerField()),
                ("is_folded", models.BooleanField(db_default=False)),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(models.F("fingerprint_id"), models.F("hour"), name="issuerollup_window"),
                    models.Index(models.F("id"), condition=models.Q(("is_folded", False)), name="issuerollup_unfolded"),
                ],
            },
        ),
        migrations.CreateModel(
            name="IssueFingerprint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hash", models.CharField(max_length=32)),
                ("version", models.SmallIntegerField(help_text="The version of the grouping algorithm.")),
                ("parts", models.JSONField(help_text="What it was made of: grouped because….")),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("event_count", models.BigIntegerField(default=0)),
                (
                    "home_issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="home_fingerprints", to="events.issue"
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="fingerprints", to="events.issue"
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="events.service",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "constraints": [models.UniqueConstraint(fields=("service", "hash"), name="fingerprint_unique")],
            },
        ),
        migrations.CreateModel(
            name="IngestRejection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40, verbose_name="reason")),
                ("detail", models.CharField(help_text="What was wrong and what to do.", max_length=500)),
                ("day", models.DateField()),
                ("rejection_count", models.BigIntegerField(default=0)),
                ("sample", models.TextField(blank=True, help_text="The beginning of the latest one, scrubbed.")),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                (
                    "service",
                    models.ForeignKey(
                        help_text="Empty: no valid key was given.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rejections",
                        to="events.service",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(models.OrderBy(models.F("last_at"), descending=True), name="rejection_latest")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("service", "code", "day"), name="rejection_unique", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IngestKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("public", "Public (browser: may only send)"), ("secret", "Secret (server)")],
                        max_length=6,
                    ),
                ),
                (
                    "label",
                    models.CharField(
                        blank=True, help_text="Where it is used, for example “production”.", max_length=60
                    ),
                ),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("visible", models.CharField(editable=False, max_length=32)),
                (
                    "allowed_origins",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        help_text="Origins whose pages may send with this key, for example https://studentlift.org or https://*.studentlift.org, one a line. Empty: any origin.",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("last_used_at", models.DateTimeField(editable=False, null=True)),
                (
                    "revoked_at",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="From this time on the key is refused; may lie ahead.",
                        null=True,
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="keys", to="events.service"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "secret"), ("visible__regex", "^[0-9a-f]{6}$")),
                            models.Q(("kind", "public"), ("visible__regex", "^[0-9a-f]{32}$")),
                            _connector="OR",
                        ),
                        name="ingestkey_never_keeps_a_secret",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="EventReceipt",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "service_id", "event_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("event_id", models.UUIDField()),
                ("received_at", models.DateTimeField()),
                (
                    "service",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="events.service",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(models.F("received_at"), name="receipt_by_age")],
            },
        ),
        migrations.CreateModel(
            name="FingerprintUser",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "fingerprint_id", "user_hash", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_hash", models.CharField(max_length=32)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("event_count", models.BigIntegerField()),
                (
                    "fingerprint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="users",
                        to="events.issuefingerprint",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(models.F("user_hash"), name="fingerprintuser_by_user")],
            },
        ),
        migrations.CreateModel(
            name="IssueTransition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("new", "First seen"),
                            ("regressed", "Came back"),
                            ("resolved", "Resolved"),
                            ("reopened", "Reopened"),
                            ("muted", "Muted"),
                            ("assigned", "Assigned"),
                            ("merged", "Merged"),
                            ("unmerged", "Un-merged"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("detail", models.CharField(blank=True, max_length=250)),
                ("event_id", models.UUIDField(help_text="The event that brought it (events_event.id).", null=True)),
                ("processed_at", models.DateTimeField(null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        help_text="Empty: Liftmon itself.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="transitions", to="events.issue"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        models.F("id"), condition=models.Q(("processed_at__isnull", True)), name="transition_unclaimed"
                    )
                ],
            },
        ),
        run_sql("0001_event_partitions"),
    ]

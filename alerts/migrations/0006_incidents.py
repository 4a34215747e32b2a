import uuid

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0005_escalating"),
        ("auth", "__first__"),
        ("events", "0011_token_scope_of_alerts"),
    ]

    operations = [
        migrations.AddField(
            model_name="alertrule",
            name="opens_incident",
            field=models.BooleanField(
                default=False,
                help_text="An alert that fires opens an incident, or joins the one that it belongs to.",
                verbose_name="opens an incident",
            ),
        ),
        migrations.AddField(
            model_name="maintenancewindow",
            name="announcement",
            field=models.TextField(
                blank=True,
                help_text="What users are told of it, in Markdown. Needed on the status page.",
                max_length=5000,
            ),
        ),
        migrations.AddField(
            model_name="maintenancewindow",
            name="is_announced",
            field=models.BooleanField(default=False, verbose_name="on the status page"),
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
                    ("late", "Runbook step late"),
                ],
                max_length=8,
            ),
        ),
        migrations.CreateModel(
            name="ComponentGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("position", models.PositiveIntegerField(default=100, help_text="Lower ones are shown first.")),
            ],
        ),
        migrations.CreateModel(
            name="Incident",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("triggered", "Triggered"),
                            ("acknowledged", "Acknowledged"),
                            ("mitigated", "Mitigated"),
                            ("resolved", "Resolved"),
                            ("closed", "Closed"),
                        ],
                        default="triggered",
                        max_length=12,
                    ),
                ),
                (
                    "severity",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "SEV1: users cannot use the product"),
                            (2, "SEV2: an important part fails for many"),
                            (3, "SEV3: a part fails for some"),
                            (4, "SEV4: hardly anybody notices"),
                        ],
                        default=2,
                    ),
                ),
                ("environment", models.CharField(blank=True, max_length=64)),
                (
                    "origins",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list, editable=False
                    ),
                ),
                ("started_at", models.DateTimeField(help_text="When users were hurt first.")),
                (
                    "ended_at",
                    models.DateTimeField(
                        blank=True, help_text="When it was over for users. Empty: not yet.", null=True
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(editable=False, null=True)),
                ("mitigated_at", models.DateTimeField(editable=False, null=True)),
                ("resolved_at", models.DateTimeField(editable=False, null=True)),
                ("closed_at", models.DateTimeField(editable=False, null=True)),
                (
                    "commander",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who decides.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="commanded_incidents",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "communications_lead",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who tells users and the company.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="incidents",
                        to="alerts.alertrule",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="incidents",
                        to="events.service",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view", "change"),
                "indexes": [
                    models.Index(
                        models.F("opened_at"),
                        condition=models.Q(("state__in", ["triggered", "acknowledged", "mitigated"])),
                        name="incident_ongoing",
                    ),
                    models.Index(models.OrderBy(models.F("opened_at"), descending=True), name="incident_newest"),
                    models.Index(models.F("started_at"), models.F("ended_at"), name="incident_by_impact"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at", None), ("ended_at__gte", models.F("started_at")), _connector="OR"
                        ),
                        name="incident_ends_after_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IncidentAlert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("joined_at", models.DateTimeField()),
                (
                    "bond",
                    models.CharField(
                        choices=[
                            ("opener", "Opened it"),
                            ("cascade", "Same cascade"),
                            ("issue", "Same issue"),
                            ("origin", "Same likely origin"),
                            ("endpoint", "Same endpoint"),
                            ("service", "Same service, at the same time"),
                            ("hand", "Added by hand"),
                        ],
                        default="opener",
                        max_length=8,
                    ),
                ),
                ("why", models.CharField(blank=True, max_length=300)),
                (
                    "alert",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="membership", to="alerts.alert"
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to="alerts.incident"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="IncidentEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("opened", "Opened"),
                            ("state", "State"),
                            ("alert", "Alert"),
                            ("issue", "Issue"),
                            ("notification", "Somebody was told"),
                            ("release", "Release"),
                            ("diagnostic", "Diagnostic"),
                            ("mitigation", "Mitigation"),
                            ("status", "Status page"),
                            ("step", "Runbook"),
                            ("role", "Role"),
                            ("severity", "Severity"),
                            ("follow_up", "Follow-up"),
                            ("report", "Report"),
                            ("note", "Note"),
                        ],
                        max_length=12,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("text", models.TextField(max_length=10000)),
                (
                    "state",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("triggered", "Triggered"),
                            ("acknowledged", "Acknowledged"),
                            ("mitigated", "Mitigated"),
                            ("resolved", "Resolved"),
                            ("closed", "Closed"),
                        ],
                        max_length=12,
                    ),
                ),
                ("once", models.CharField(blank=True, max_length=200)),
                ("edited_at", models.DateTimeField(null=True)),
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
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="alerts.alert"
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="alerts.incident"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(models.F("incident"), models.F("at"), name="incident_entry_by_time")],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("incident"),
                        models.F("once"),
                        condition=models.Q(("once", ""), _negated=True),
                        name="incident_entry_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IncidentEntryVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("replaced_at", models.DateTimeField()),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="alerts.incidententry"
                    ),
                ),
                (
                    "replaced_by",
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
            },
        ),
        migrations.CreateModel(
            name="IncidentIssue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("joined_at", models.DateTimeField()),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="issue_links", to="alerts.incident"
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="incident_links", to="events.issue"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(models.F("incident"), models.F("issue"), name="incident_issue_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="IncidentReport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "Draft"), ("in_review", "In review"), ("published", "Published")],
                        default="draft",
                        max_length=9,
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("summary", models.TextField(blank=True, max_length=20000)),
                (
                    "impact",
                    models.TextField(
                        blank=True, help_text="Users, requests, how long, which features.", max_length=20000
                    ),
                ),
                ("timeline", models.TextField(blank=True, max_length=50000)),
                (
                    "detection",
                    models.TextField(blank=True, help_text="How it was noticed, and how fast.", max_length=20000),
                ),
                ("suspects", models.JSONField(default=list, editable=False)),
                ("root_cause", models.TextField(blank=True, max_length=20000)),
                ("went_well", models.TextField(blank=True, max_length=20000)),
                ("went_badly", models.TextField(blank=True, max_length=20000)),
                (
                    "no_follow_ups_reason",
                    models.CharField(
                        blank=True,
                        help_text="Only when there are none.",
                        max_length=500,
                        verbose_name="why there are no follow-ups",
                    ),
                ),
                ("metrics", models.JSONField(default=dict, editable=False)),
                ("drafted_at", models.DateTimeField()),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("edited_at", models.DateTimeField(editable=False, null=True)),
                ("reviewed_at", models.DateTimeField(editable=False, null=True)),
                ("published_at", models.DateTimeField(editable=False, null=True)),
                (
                    "edited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "incident",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="report", to="alerts.incident"
                    ),
                ),
                (
                    "published_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": ("view", "change"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("root_cause", ""), ("state", "published"), _negated=True),
                        name="published_has_cause",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Runbook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, unique=True)),
                ("key", models.CharField(blank=True, editable=False, max_length=60)),
                ("summary", models.CharField(blank=True, help_text="When it is the right one.", max_length=300)),
                (
                    "event_names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        help_text="Names of events; incidents about these follow it, before those of rules. Separate with commas.",
                    ),
                ),
                (
                    "is_fallback",
                    models.BooleanField(
                        default=False,
                        help_text="Incidents that no other runbook is about follow it.",
                        verbose_name="for everything else",
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "rules",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Incidents of their alerts follow it.",
                        related_name="runbooks",
                        to="alerts.alertrule",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("key"), condition=models.Q(("key", ""), _negated=True), name="runbook_key_unique"
                    ),
                    models.UniqueConstraint(
                        models.F("is_fallback"), condition=models.Q(("is_fallback", True)), name="runbook_one_fallback"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IncidentStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, help_text="Lower ones come first.")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("check", "Check"),
                            ("mitigate", "Mitigate"),
                            ("investigate", "Investigate"),
                            ("notify", "Notify"),
                        ],
                        default="check",
                        max_length=11,
                    ),
                ),
                ("title", models.CharField(max_length=150)),
                ("text", models.TextField(blank=True, help_text="What to do, in Markdown.", max_length=10000)),
                (
                    "target_minutes",
                    models.PositiveIntegerField(
                        help_text="Minutes after the incident opened by which it should be done.", verbose_name="within"
                    ),
                ),
                ("due_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "To do"), ("done", "Done"), ("skipped", "Not needed")],
                        default="open",
                        max_length=7,
                    ),
                ),
                ("settled_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(blank=True, max_length=500)),
                ("late_told_at", models.DateTimeField(null=True)),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="alerts.incident"
                    ),
                ),
                (
                    "settled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "runbook",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="alerts.runbook"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        models.F("due_at"),
                        condition=models.Q(("late_told_at", None), ("state", "open")),
                        name="step_late",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StatusUpdate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("investigating", "Investigating"),
                            ("identified", "Identified"),
                            ("monitoring", "Monitoring"),
                            ("resolved", "Resolved"),
                            ("planned", "Maintenance planned"),
                            ("under_way", "Maintenance under way"),
                            ("completed", "Maintenance completed"),
                        ],
                        max_length=13,
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                (
                    "text",
                    models.TextField(help_text="For users, in Markdown: no names, no internals.", max_length=5000),
                ),
                ("posted_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("edited_at", models.DateTimeField(editable=False, null=True)),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="status_updates",
                        to="alerts.incident",
                    ),
                ),
                (
                    "maintenance",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="status_updates",
                        to="alerts.maintenancewindow",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view", "add", "change"),
                "indexes": [models.Index(models.OrderBy(models.F("posted_at"), descending=True), name="update_newest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("incident", None), ("maintenance__isnull", False)),
                            models.Q(("incident__isnull", False), ("maintenance", None)),
                            _connector="OR",
                        ),
                        name="update_about_one",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Component",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "description",
                    models.CharField(blank=True, help_text="What users do with it, in their words.", max_length=300),
                ),
                ("position", models.PositiveIntegerField(default=100, help_text="Lower ones are shown first.")),
                ("is_public", models.BooleanField(default=True, verbose_name="on the status page")),
                (
                    "endpoints",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300),
                        blank=True,
                        default=list,
                        help_text="Only those about these endpoints; * stands for anything. Empty: all of the service. Separate with commas.",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, help_text="Uptime is counted from here."
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        blank=True,
                        help_text="Incidents of this service affect it. Empty: choose it by hand.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="components",
                        to="events.service",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="components",
                        to="alerts.componentgroup",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Subscriber",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(max_length=254)),
                ("link_number", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "asked_at",
                    models.DateTimeField(
                        editable=False, help_text="When the question to confirm was sent last.", null=True
                    ),
                ),
                ("confirmed_at", models.DateTimeField(editable=False, null=True)),
                ("unsubscribed_at", models.DateTimeField(editable=False, null=True)),
                (
                    "components",
                    models.ManyToManyField(
                        blank=True, help_text="Empty: all of them.", related_name="subscribers", to="alerts.component"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view", "delete"),
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"), name="subscriber_email_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Letter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("once", models.CharField(max_length=200, unique=True)),
                ("to", models.EmailField(max_length=254)),
                ("subject", models.CharField(max_length=300)),
                ("text", models.TextField()),
                ("html", models.TextField(blank=True)),
                ("headers", models.JSONField(default=dict)),
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
                ("busy_until", models.DateTimeField(null=True)),
                ("attempt_count", models.PositiveIntegerField(default=0)),
                ("settled_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, max_length=300)),
                (
                    "status_update",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="letters",
                        to="alerts.statusupdate",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="letters",
                        to="alerts.subscriber",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(models.F("due_at"), condition=models.Q(("state", "waiting")), name="letter_due")
                ],
            },
        ),
        migrations.CreateModel(
            name="LetterAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("is_accepted", models.BooleanField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("answer", models.CharField(blank=True, max_length=500)),
                ("took_ms", models.PositiveIntegerField()),
                (
                    "letter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="attempts", to="alerts.letter"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="MonitoredDatabase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("sealed_dsn", models.TextField(editable=False)),
                (
                    "pool_limit",
                    models.PositiveIntegerField(
                        default=20,
                        help_text="More are a sign that the pool is exhausted (the guide: 20).",
                        verbose_name="connections at most",
                    ),
                ),
                (
                    "slow_seconds",
                    models.PositiveIntegerField(
                        default=10,
                        help_text="Seconds from which a query counts as slow (the guide: 10).",
                        verbose_name="slow from",
                    ),
                ),
                (
                    "timeout_ms",
                    models.PositiveIntegerField(
                        default=5000,
                        help_text="Milliseconds that one statement of Liftmon may take.",
                        validators=[
                            django.core.validators.MinValueValidator(100),
                            django.core.validators.MaxValueValidator(30000),
                        ],
                        verbose_name="time limit",
                    ),
                ),
                (
                    "allows_mitigation",
                    models.BooleanField(
                        default=False,
                        help_text="People with the right to mitigate may cancel queries and end connections here. The role must be allowed to.",
                        verbose_name="may be acted on",
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("tested_at", models.DateTimeField(editable=False, null=True)),
                ("test_answer", models.CharField(blank=True, editable=False, max_length=300)),
                (
                    "service",
                    models.ForeignKey(
                        blank=True,
                        help_text="Offered first in incidents of this service. Empty: in all.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="databases",
                        to="events.service",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Mitigation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("cancel", "Cancel the query"), ("terminate", "End the connection")], max_length=9
                    ),
                ),
                ("pid", models.PositiveIntegerField()),
                ("backend_started_at", models.DateTimeField()),
                ("target", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
                ("is_done", models.BooleanField(null=True)),
                ("outcome", models.CharField(blank=True, max_length=500)),
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
                    "incident",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="mitigations",
                        to="alerts.incident",
                    ),
                ),
                (
                    "database",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="mitigations",
                        to="alerts.monitoreddatabase",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view", "add"),
            },
        ),
        migrations.CreateModel(
            name="RunbookStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, help_text="Lower ones come first.")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("check", "Check"),
                            ("mitigate", "Mitigate"),
                            ("investigate", "Investigate"),
                            ("notify", "Notify"),
                        ],
                        default="check",
                        max_length=11,
                    ),
                ),
                ("title", models.CharField(max_length=150)),
                ("text", models.TextField(blank=True, help_text="What to do, in Markdown.", max_length=10000)),
                (
                    "target_minutes",
                    models.PositiveIntegerField(
                        help_text="Minutes after the incident opened by which it should be done.", verbose_name="within"
                    ),
                ),
                (
                    "runbook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="alerts.runbook"
                    ),
                ),
            ],
            options={
                "verbose_name": "step",
            },
        ),
        migrations.CreateModel(
            name="ComponentImpact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "level",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "Under maintenance"), (2, "Degraded"), (3, "Partial outage"), (4, "Major outage")],
                        default=2,
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "component",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="impacts", to="alerts.component"
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="impacts", to="alerts.incident"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(models.F("component"), models.F("started_at"), name="impact_by_component")],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("incident"),
                        models.F("component"),
                        condition=models.Q(("ended_at", None)),
                        name="impact_open_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at", None), ("ended_at__gte", models.F("started_at")), _connector="OR"
                        ),
                        name="impact_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HttpCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("url", models.URLField(max_length=500, verbose_name="address")),
                (
                    "expected_status",
                    models.PositiveSmallIntegerField(
                        default=200,
                        validators=[
                            django.core.validators.MinValueValidator(100),
                            django.core.validators.MaxValueValidator(599),
                        ],
                        verbose_name="expected status",
                    ),
                ),
                (
                    "slow_ms",
                    models.PositiveIntegerField(
                        default=1000, help_text="Milliseconds (the guide: 1,000).", verbose_name="slow from"
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "service",
                    models.ForeignKey(
                        blank=True,
                        help_text="Offered first in incidents of this service. Empty: in all.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="http_checks",
                        to="events.service",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FollowUp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=500)),
                ("due_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "done_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="follow_ups",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="follow_ups", to="alerts.incident"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view", "change"),
                "indexes": [
                    models.Index(models.F("due_on"), condition=models.Q(("done_at", None)), name="follow_up_open")
                ],
            },
        ),
        migrations.CreateModel(
            name="DiagnosticRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("question", models.CharField(max_length=40)),
                ("subject", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("took_ms", models.PositiveIntegerField()),
                (
                    "finding",
                    models.CharField(
                        choices=[("fine", "Fine"), ("problem", "Problem"), ("failed", "No answer")], max_length=7
                    ),
                ),
                ("answer", models.JSONField(default=dict)),
                ("interpretation", models.CharField(max_length=1000)),
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
                    "http_check",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="runs",
                        to="alerts.httpcheck",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="diagnostics",
                        to="alerts.incident",
                    ),
                ),
                (
                    "database",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="runs",
                        to="alerts.monitoreddatabase",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view", "add"),
                "indexes": [models.Index(models.F("incident"), models.F("at"), name="diagnostic_by_incident")],
            },
        ),
        migrations.AddField(
            model_name="incident",
            name="components",
            field=models.ManyToManyField(
                related_name="incidents", through="alerts.ComponentImpact", to="alerts.component"
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="alerts",
            field=models.ManyToManyField(related_name="incidents", through="alerts.IncidentAlert", to="alerts.alert"),
        ),
        migrations.AddField(
            model_name="incident",
            name="issues",
            field=models.ManyToManyField(related_name="incidents", through="alerts.IncidentIssue", to="events.issue"),
        ),
        migrations.AddField(
            model_name="maintenancewindow",
            name="components",
            field=models.ManyToManyField(
                blank=True,
                help_text="What users cannot use meanwhile.",
                related_name="maintenance_windows",
                to="alerts.component",
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="incident",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notifications",
                to="alerts.incident",
            ),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.UniqueConstraint(
                models.F("incident"),
                models.F("channel"),
                models.F("kind"),
                models.F("number"),
                condition=models.Q(("incident__isnull", False)),
                name="notification_of_incident_once",
            ),
        ),
    ]

import datetime as dt

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import alerts.models.contact


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0002_guide_rules"),
        ("auth", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="EscalationPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "repeat_count",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="How often all of it is done again, at most 9.",
                        validators=[django.core.validators.MaxValueValidator(9)],
                        verbose_name="repeat",
                    ),
                ),
                (
                    "repeat_minutes",
                    models.PositiveIntegerField(
                        default=15,
                        help_text="Minutes after the last step, before the first step's own wait.",
                        validators=[django.core.validators.MaxValueValidator(1440)],
                        verbose_name="pause before a repeat",
                    ),
                ),
            ],
            options={
                "verbose_name": "escalation policy",
                "verbose_name_plural": "escalation policies",
            },
        ),
        migrations.CreateModel(
            name="ContactPoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("verified_at", models.DateTimeField(editable=False, null=True)),
                ("code_digest", models.CharField(blank=True, editable=False, max_length=64)),
                ("code_sent_at", models.DateTimeField(editable=False, null=True)),
                ("code_tries", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="contact_point", to="alerts.channel"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contact_points",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OnCallSchedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "time_zone",
                    models.CharField(default="UTC", max_length=64, validators=[alerts.models.contact.is_zone]),
                ),
                (
                    "turns",
                    models.CharField(
                        choices=[("weekly", "Every week"), ("daily", "Every day")], default="weekly", max_length=6
                    ),
                ),
                (
                    "hand_over_weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "Monday"),
                            (1, "Tuesday"),
                            (2, "Wednesday"),
                            (3, "Thursday"),
                            (4, "Friday"),
                            (5, "Saturday"),
                            (6, "Sunday"),
                        ],
                        default=0,
                        help_text="Of weekly turns; daily ones are handed over every day.",
                        verbose_name="hand-over on",
                    ),
                ),
                (
                    "hand_over_time",
                    models.TimeField(
                        default=dt.time(9, 0), help_text="On the clock of the time zone.", verbose_name="hand-over at"
                    ),
                ),
                (
                    "starts_on",
                    models.DateField(
                        help_text="The first person's turn begins at the first hand-over from this day on."
                    ),
                ),
                (
                    "ends_on",
                    models.DateField(
                        blank=True, help_text="It ends at the hand-over of this day. Empty: it goes on.", null=True
                    ),
                ),
                ("feed_number", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "verbose_name": "on-call schedule",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_on__isnull", True), ("ends_on__gt", models.F("starts_on")), _connector="OR"
                        ),
                        name="schedule_lasts",
                        violation_error_message="It must end after it starts.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="EscalationStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, help_text="Lower ones come first.")),
                (
                    "wait_minutes",
                    models.PositiveIntegerField(
                        default=5,
                        help_text="Minutes after the step before it, or after the alert fires.",
                        validators=[django.core.validators.MaxValueValidator(1440)],
                        verbose_name="wait",
                    ),
                ),
                (
                    "tells",
                    models.CharField(
                        choices=[("person", "A person"), ("on_call", "Whoever is on call"), ("channels", "Channels")],
                        default="on_call",
                        max_length=8,
                    ),
                ),
                ("channels", models.ManyToManyField(blank=True, related_name="escalation_steps", to="alerts.channel")),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="escalation_steps",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="alerts.escalationpolicy"
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="escalation_steps",
                        to="alerts.oncallschedule",
                    ),
                ),
            ],
            options={
                "verbose_name": "step",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("person__isnull", False), ("schedule__isnull", True), ("tells", "person")),
                            models.Q(("person__isnull", True), ("schedule__isnull", False), ("tells", "on_call")),
                            models.Q(("person__isnull", True), ("schedule__isnull", True), ("tells", "channels")),
                            _connector="OR",
                        ),
                        name="step_tells_one",
                        violation_error_message="Name the one whom the step tells, and nobody else.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OnCallShift",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("note", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
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
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="on_call_shifts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="shifts", to="alerts.oncallschedule"
                    ),
                ),
            ],
            options={
                "verbose_name": "shift",
                "indexes": [models.Index(models.F("schedule"), models.F("ends_at"), name="shift_by_schedule")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="shift_lasts",
                        violation_error_message="The shift must end after it begins.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="QuietHours",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_time", models.TimeField(verbose_name="from")),
                ("to_time", models.TimeField(help_text="Not after the begin: on the next day.", verbose_name="to")),
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
                        help_text="The days on which they begin.",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(default="UTC", max_length=64, validators=[alerts.models.contact.is_zone]),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quiet_hours",
                        to="alerts.channel",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quiet_hours",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "quiet hours",
                "verbose_name_plural": "quiet hours",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("channel__isnull", False), ("person__isnull", True)),
                            models.Q(("channel__isnull", True), ("person__isnull", False)),
                            _connector="OR",
                        ),
                        name="quiet_hours_of_one",
                        violation_error_message="Choose a person or a channel.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RotationMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0, help_text="Lower ones come first.")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rotation_turns",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="members", to="alerts.oncallschedule"
                    ),
                ),
            ],
            options={
                "verbose_name": "person in the rotation",
                "verbose_name_plural": "people in the rotation",
            },
        ),
        migrations.CreateModel(
            name="EscalationDue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("due_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("told", "Told"),
                            ("nobody", "Reached nobody"),
                            ("stopped", "Stopped"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("settled_at", models.DateTimeField(null=True)),
                ("said", models.CharField(blank=True, max_length=500)),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="escalation_dues", to="alerts.alert"
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="alerts.escalationpolicy"
                    ),
                ),
                (
                    "step",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="alerts.escalationstep",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        models.F("due_at"), condition=models.Q(("state", "waiting")), name="escalation_waiting"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(models.F("alert"), models.F("number"), name="escalation_due_once")
                ],
            },
        ),
        migrations.AddField(
            model_name="route",
            name="policy",
            field=models.ForeignKey(
                blank=True,
                help_text="Who is told next while nobody acknowledges. Empty: the channels alone.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="routes",
                to="alerts.escalationpolicy",
            ),
        ),
    ]

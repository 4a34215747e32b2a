"""Questions in SQL that staff save, and the tracking guide's own."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from dashboards.queries.guide import entry_named, values_of
from dashboards.queries.parameters import Parameter, ParameterError, read_declarations, read_what_can_be
from dashboards.queries.rewriting import LONGEST_STATEMENT

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class ChartKind(models.TextChoices):
    NONE = "", "No chart"
    BAR = "bar", "Bars"
    LINE = "line", "Lines"


def check_parameters(value: Any) -> None:
    """Raises ValidationError unless they can be read (dashboards.queries.parameters)."""
    try:
        read_declarations(value)
    except ParameterError as error:
        raise ValidationError(str(error)) from None


class SavedQuery(models.Model):
    """A statement over the documented views, with its parameters and how its answer is drawn."""

    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, max_length=1000, help_text="What the answer tells.")
    statement = models.TextField(max_length=LONGEST_STATEMENT)
    parameters = models.JSONField(default=list, blank=True, validators=[check_parameters])
    chart_kind = models.CharField(max_length=4, choices=ChartKind.choices, default=ChartKind.NONE, blank=True)
    # Names of columns of the answer.
    chart_x = models.CharField(max_length=63, blank=True)
    chart_y = models.JSONField(default=list, blank=True)
    is_from_guide = models.BooleanField(default=False, editable=False, help_text="The tracking guide's own words.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who saved it last; empty: Liftmon brought it.",
    )
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "saved question"
        # Seeing them is seeing the page: dashboards.queries.rights.
        default_permissions = ("add", "change", "delete")
        constraints = [models.UniqueConstraint(Lower("name"), name="savedquery_name_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def declared(self) -> list[Parameter]:
        """Those that can be read."""
        return read_what_can_be(self.parameters)[0]

    @property
    def problem(self) -> str:
        """Why it cannot be read as it was saved, as a sentence; "" when it can."""
        return read_what_can_be(self.parameters)[1]

    def is_as_brought(self) -> bool:
        """Whether it still is what Liftmon brought under its name, or nothing was."""
        entry = entry_named(self.name)
        return entry is None or all(getattr(self, name) == value for name, value in values_of(entry).items())

    def restore(self, *, by: "User", at: datetime, seen_at: datetime) -> bool:
        """Save what Liftmon brought under its name over what was seen; False when that was nothing, or this is outdated."""
        entry = entry_named(self.name)
        return entry is not None and self.change(by=by, at=at, seen_at=seen_at, **values_of(entry))

    def change(self, *, by: "User", at: datetime, seen_at: datetime, **values: Any) -> bool:
        """Save other values over what was seen; False when somebody else saved it since."""
        if values.get("statement", self.statement) != self.statement:
            values.setdefault("is_from_guide", False)
        changed = SavedQuery.objects.filter(pk=self.pk, updated_at=seen_at).update(**values, owner=by, updated_at=at)
        if changed:
            self.refresh_from_db()
        return bool(changed)

"""API tokens: with one a script may do what its person may do."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PREFIX = "lmt_"
_TEXT = re.compile(rf"{PREFIX}[0-9a-f]{{64}}")
# Writing down every use would make reading a list cost a write.
_NOTED_EVERY = timedelta(minutes=5)


class TokenScope(models.TextChoices):
    """What a token may do beside reading; one that changes issues does not switch off alerts."""

    READ = "read", "Read"
    WRITE = "write", "Read and change issues"
    ALERTS = "alerts", "Read and change alerts, rules and channels"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def visible_to(self, person: "User") -> Self:
        """A person's own; everybody's for a superuser."""
        return self.all() if person.is_superuser else self.filter(user=person)


class ApiToken(models.Model):
    """Opens `/api/v1/` as one person, with that person's permissions. Only its digest is kept, so it can be shown just once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60, help_text="What uses it, for example “release script”.")
    scope = models.CharField(
        max_length=6,
        choices=TokenScope.choices,
        default=TokenScope.READ,
        help_text="Changing means what you may change yourself, such as resolving an issue or acknowledging an alert.",
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # The first ten characters, to tell tokens apart.
    visible = models.CharField("token", max_length=10, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, editable=False, help_text="Refused from then on. Empty: never.")
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        # Everybody on the staff has tokens, each no stronger than its person (events/admin/api_token.py).
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(visible__regex=r"^lmt_[0-9a-f]{6}$", digest__regex=r"^[0-9a-f]{64}$"),
                name="apitoken_never_keeps_itself",
            )
        ]

    def __str__(self) -> str:
        return f"{self.visible}…"

    @staticmethod
    def digest_of(text: str) -> str:
        """SHA-256 in hex. Tokens are 256 random bits, so a fast hash without a salt is enough."""
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()

    @classmethod
    def issue(
        cls, user: "User", *, name: str, scope: str = TokenScope.READ, expires_at: datetime | None = None
    ) -> tuple["ApiToken", str]:
        """Make a token and return it with its text, which is never to be had again."""
        text = PREFIX + secrets.token_hex(32)
        token = cls.objects.create(
            user=user,
            name=name,
            scope=scope,
            digest=cls.digest_of(text),
            visible=text[:10],
            expires_at=expires_at,
        )
        return token, text

    @classmethod
    def find(cls, text: str) -> "ApiToken | None":
        """The token of that text with its person, usable or not."""
        if not _TEXT.fullmatch(text):
            return None
        return cls.objects.select_related("user").filter(digest=cls.digest_of(text)).first()

    def may_change(self, scope: str) -> bool:
        """Whether it may change what that scope is about."""
        return self.scope == scope

    def has_expired(self, *, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at

    def is_usable(self, *, at: datetime) -> bool:
        """Whether it opens anything at that moment; its person must be active, too."""
        return self.revoked_at is None and not self.has_expired(at=at)

    def revoke(self, *, at: datetime) -> bool:
        """Refuse it from now on. False when it was revoked already."""
        revoked = ApiToken.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=at)
        self.refresh_from_db(fields=["revoked_at"])
        return bool(revoked)

    def note_use(self, *, at: datetime) -> None:
        """Write down when it was last used, to five minutes."""
        if self.last_used_at is not None and at - self.last_used_at < _NOTED_EVERY:
            return
        ApiToken.objects.filter(pk=self.pk).exclude(last_used_at__gt=at - _NOTED_EVERY).update(last_used_at=at)
        self.last_used_at = at

"""Services and the keys they send with."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.text import slugify

KEY_PATTERN = RegexValidator(r"^[0-9a-f]{32}\Z", "A key is 32 lower-case hexadecimal characters.")


class Service(models.Model):
    """What sends events. The id is an integer because Sentry DSNs carry it."""

    name = models.CharField(max_length=100, help_text="What people call it, for example “lift web”.")
    slug = models.SlugField(max_length=60, unique=True, help_text="Short name for addresses and scripts.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="owned_services",
        help_text="Who answers for it; new issues show this person.",
    )
    rate_limit = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Events a minute that all its keys together may send; more are refused with 429. "
        "Empty: the installation's default (LIFTMON_SERVICE_RATE_LIMIT). 0: no limit.",
    )
    has_spike_guard = models.BooleanField(
        "spike guard",
        default=True,
        help_text="Refuse with 429 what goes far beyond the service's own usual rate, so that a loop in one release "
        "cannot drown everything else.",
    )
    # Events a minute, computed daily from its own history (`events.limits`); null while there is too little of it.
    spike_allowance = models.PositiveIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    first_event_at = models.DateTimeField(null=True, editable=False)
    last_event_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="service_name_unique")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def problem_with_name(cls, name: str) -> str:
        """Why a new service cannot have that name, as a sentence; "" when it can."""
        slug = slugify(name)[:60]
        if not slug:
            return "A service needs a name with letters or digits in it."
        if cls.objects.filter(Q(name__iexact=name) | Q(slug=slug)).exists():
            return f"There is a service named {name!r} already. Choose another name."
        return ""


class KeyKind(models.TextChoices):
    PUBLIC = "public", "Public (browser: may only send)"
    SECRET = "secret", "Secret (server)"


class IngestKeyQuerySet(models.QuerySet["IngestKey"]):
    def usable(self, *, at: datetime) -> Self:
        """Keys that open the door at that moment."""
        return self.filter(Q(revoked_at__isnull=True) | Q(revoked_at__gt=at))


class IngestKey(models.Model):
    """Opens the ingest door for one service. Only the digest of a secret key is kept, so it can be shown just once."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=6, choices=KeyKind.choices)
    label = models.CharField(max_length=60, blank=True, help_text="Where it is used, for example “production”.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # The whole key if public (a DSN needs it), the first six characters if secret (to tell keys apart).
    visible = models.CharField(max_length=32, editable=False)
    allowed_origins = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Origins whose pages may send with this key, for example https://studentlift.org or "
        "https://*.studentlift.org, one a line. Empty: any origin.",
    )
    rate_limit = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Events a minute that this key may send; more are refused with 429. "
        "Empty: the installation's default (LIFTMON_KEY_RATE_LIMIT). 0: no limit.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="From this time on the key is refused; may lie ahead."
    )

    objects = IngestKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=KeyKind.SECRET, visible__regex=r"^[0-9a-f]{6}$")
                | Q(kind=KeyKind.PUBLIC, visible__regex=r"^[0-9a-f]{32}$"),
                name="ingestkey_never_keeps_a_secret",
            )
        ]

    def __str__(self) -> str:
        return f"{self.visible}…" if self.kind == KeyKind.SECRET else self.visible

    @staticmethod
    def digest_of(key: str) -> str:
        """SHA-256 in hex. Keys are 128 random bits, so a fast hash is enough."""
        return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()

    @classmethod
    def issue(
        cls,
        service: Service,
        kind: KeyKind,
        *,
        label: str = "",
        allowed_origins: list[str] | None = None,
        rate_limit: int | None = None,
    ) -> tuple["IngestKey", str]:
        """Make a key and return it with its text, which for a secret key is never to be had again."""
        text = secrets.token_hex(16)
        key = cls.objects.create(
            service=service,
            kind=kind,
            label=label,
            digest=cls.digest_of(text),
            visible=text if kind == KeyKind.PUBLIC else text[:6],
            allowed_origins=allowed_origins or [],
            rate_limit=rate_limit,
        )
        return key, text

    def revoke(self, *, at: datetime) -> None:
        """Refuse the key from ``at`` on; an earlier end stands."""
        IngestKey.objects.filter(pk=self.pk).usable(at=at).update(revoked_at=at)
        self.refresh_from_db(fields=["revoked_at"])

    def limit_to(self, rate_limit: int | None) -> None:
        """Let it send so many events a minute; None: the installation's default, 0: no limit."""
        IngestKey.objects.filter(pk=self.pk).update(rate_limit=rate_limit)
        self.refresh_from_db(fields=["rate_limit"])

    def rotate(self, *, at: datetime, grace: timedelta = timedelta(hours=24)) -> tuple["IngestKey", str]:
        """Make a successor and let this key work for ``grace`` longer, so that a deploy can follow."""
        successor = IngestKey.issue(
            self.service,
            KeyKind(self.kind),
            label=self.label,
            allowed_origins=list(self.allowed_origins),
            rate_limit=self.rate_limit,
        )
        self.revoke(at=at + grace)
        return successor

    def is_usable(self, *, at: datetime) -> bool:
        return self.revoked_at is None or self.revoked_at > at

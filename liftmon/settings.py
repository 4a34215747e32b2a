"""Django settings. Every value comes from the environment; the defaults run on one machine with nothing installed.

The table of variables is in README.md; `liftmon/embedded/` says where the embedded servers live.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

import environ
import structlog
from django.utils.csp import CSP

from liftmon.embedded.layout import DataLayout
from liftmon.secret_store import load_or_create_secrets
from liftmon.unfold import UNFOLD as UNFOLD

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Where things live -------------------------------------------------------------------------------------------
DATA_DIR = Path(env.str("LIFTMON_DATA_DIR", default=str(BASE_DIR / "var"))).expanduser().resolve()
LAYOUT = DataLayout(DATA_DIR)
DATABASE_IS_EMBEDDED = not env.str("DATABASE_URL", default="")
REDIS_IS_EMBEDDED = not env.str("REDIS_URL", default="")

# --- Secrets: from the environment, else made once and kept in the data folder (mode 0600) -----------------------
try:
    _secrets = load_or_create_secrets(
        LAYOUT.secrets_file,
        secret_key=env.str("LIFTMON_SECRET_KEY", default=""),
        user_hash_keys=env.str("LIFTMON_USER_HASH_KEYS", default=""),
    )
except OSError as error:
    raise SystemExit(
        f"The data folder {DATA_DIR} cannot be written ({error.strerror}). Set LIFTMON_DATA_DIR to a folder that can, "
        "or LIFTMON_SECRET_KEY and LIFTMON_USER_HASH_KEYS."
    ) from None
SECRET_KEY = _secrets.secret_key
# Newest first: the first key hashes, the older ones are kept so that a person can still be found and forgotten.
USER_HASH_KEYS: list[str] = _secrets.user_hash_keys
# Newest first: what channels hold (addresses, tokens) is sealed with the first, and opened with any. Without them, with SECRET_KEY.
SEALING_KEYS = [key.strip() for key in env.list("LIFTMON_SEALING_KEYS", default=[]) if key.strip()]

DEBUG = env.bool("LIFTMON_DEBUG", default=False)
# The address people and services use; printed by `up`, put into DSNs, snippets and e-mails.
# Without it, where `up` last listened.
BASE_URL = env.str("LIFTMON_BASE_URL", default=LAYOUT.read_base_url() or "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list("LIFTMON_ALLOWED_HOSTS", default=["*"])
CSRF_TRUSTED_ORIGINS = env.list("LIFTMON_CSRF_TRUSTED_ORIGINS", default=[BASE_URL])
_is_https = BASE_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("LIFTMON_BEHIND_PROXY", default=False) else None
)
SECURE_HSTS_SECONDS = 31_536_000 if _is_https else 0
SECURE_SSL_REDIRECT = False  # the proxy's work; a redirect would break POSTs from SDKs
# W008 asks for that redirect; W005 and W021 for promises about a whole domain, which only its owner can make.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _is_https
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Unfold's Alpine evaluates expressions ('unsafe-eval') and its templates style elements in place; nothing more is let in.
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
    "events",
    "alerts",
    "dashboards",
    "liftmon",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "dashboards.middleware.ReaderTimeZoneMiddleware",
]

ROOT_URLCONF = "liftmon.urls"
WSGI_APPLICATION = "liftmon.wsgi.application"
APPEND_SLASH = False  # a redirected POST loses its body; routes are written with and without the slash where it matters

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- PostgreSQL and Redis ----------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url_config(env.str("DATABASE_URL", default="") or LAYOUT.database_url)}
DATABASES["default"]["OPTIONS"] = {
    # Diagnostics look at no connection of this name as one that may be ended (alerts/incidents/diagnostics/connecting.py).
    "application_name": "liftmon",
    **DATABASES["default"].get("OPTIONS", {}),
    # One pool per process: threads borrow a connection for a request instead of keeping one each.
    # Attempts to connect are given up soon: the pool's pauses between them double, up to minutes, and while one lasts the pool
    # does not grow, so that requests would wait for a connection long after PostgreSQL is back.
    "pool": {
        "min_size": 1,
        "max_size": env.int("LIFTMON_DB_POOL", default=10),
        "timeout": 5,
        "reconnect_timeout": 1,
    },
}
# A connection that a restart of PostgreSQL cut is replaced before it is used.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Under which role staff's own questions are asked; without it one that Liftmon makes (dashboards/queries/role.py).
QUERY_DATABASE = (
    env.db_url_config(query_url) if (query_url := env.str("LIFTMON_QUERY_DATABASE_URL", default="")) else {}
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.str("REDIS_URL", default="") or LAYOUT.redis_url

# --- Celery ------------------------------------------------------------------------------------------------------
# The same server as Celery's transport spells a unix socket.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"

# --- People ------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("LIFTMON_TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # files are served from the installed packages: no collectstatic step to forget

# --- API ---------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "events.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Liftmon API",
    "DESCRIPTION": "Send events to Liftmon with an ingest key; read services, events, issues and alerts, say what becomes of "
    "issues and alerts, and set up who is told, with an API token or signed in. Errors are RFC 9457 problem documents that say "
    "what to fix.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["events.api.v1.described.without_optional_slash"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "events.api.v1.described.body_is_required",
    ],
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "Severity": "events.choices.SeverityChoices",
        "Kind": "events.choices.KindChoices",
        "Tier": "events.models.Tier",
        "IssueStatus": "events.models.IssueStatus",
        "TransitionKind": "events.models.TransitionKind",
        "AlertState": "alerts.models.AlertState",
        "AlertEntryKind": "alerts.models.EntryKind",
        "IncidentState": "alerts.models.IncidentState",
        "IncidentSeverity": "alerts.models.IncidentSeverity",
        "IncidentEntryKind": "alerts.models.IncidentEntryKind",
        "RuleCondition": "alerts.models.ConditionType",
        "RuleSeverity": "alerts.api.rule_shapes.RULE_SEVERITIES",
        "ChannelKind": "alerts.models.ChannelKind",
        "NotificationKind": "alerts.models.NotificationKind",
        "NotificationState": "alerts.models.NotificationState",
        "SpanState": "alerts.api.spans.STATES",
    },
    "TAGS": [
        {"name": "ingest", "description": "Sending events."},
        {"name": "services", "description": "What sends events."},
        {"name": "events", "description": "What happened."},
        {"name": "issues", "description": "Failures with one cause, and what people decide about them."},
        {"name": "alerts", "description": "What fires, and what people do about it."},
        {"name": "incidents", "description": "What is wrong for users, who has it in hand, and what was done."},
        {"name": "rules", "description": "Which condition of what happened becomes an alert."},
        {"name": "silences", "description": "Alerts that nobody is told of, for a while and for a reason."},
        {"name": "maintenance windows", "description": "While people work on something, nobody is told of its alerts."},
        {"name": "channels", "description": "Where people are told."},
        {"name": "routes", "description": "Which alerts go to which channels."},
        {"name": "notifications", "description": "What people were told, were to be told, and were not told."},
        {"name": "reports", "description": "What it means: the numbers of the analytics pages."},
    ],
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "ingestKeyBearer": {"type": "http", "scheme": "bearer", "description": "An ingest key."},
            "ingestKey": {"type": "apiKey", "in": "header", "name": "X-Ingest-Key"},
            "ingestKeyQuery": {"type": "apiKey", "in": "query", "name": "key"},
        }
    },
}

# --- Ingest limits (docs/ingest.md); the request limits are enforced while reading, before anything is parsed ----
INGEST_MAX_BODY_BYTES = env.int("LIFTMON_MAX_BODY_BYTES", default=5 * 1024 * 1024)
INGEST_MAX_EVENTS = env.int("LIFTMON_MAX_EVENTS", default=1000)
# Bytes that the large bodies of one web process may occupy together while they arrive; more wait in line.
INGEST_BUFFERED_BYTES = max(env.int("LIFTMON_MAX_BUFFERED_BYTES", default=12 * 1024 * 1024), INGEST_MAX_BODY_BYTES)
# Keys and the catalogue are read again after so many seconds: how long a revoked key may still open the door.
INGEST_KNOWN_SECONDS = 2.0
# Events wait here while PostgreSQL is away; full, the door answers 503.
SPOOL_MAX_BYTES = env.int("LIFTMON_SPOOL_MAX_BYTES", default=1024 * 1024 * 1024)
# Events a minute, for keys and services that have no limit of their own; 0: none.
KEY_RATE_LIMIT = env.int("LIFTMON_KEY_RATE_LIMIT", default=0)
SERVICE_RATE_LIMIT = env.int("LIFTMON_SERVICE_RATE_LIMIT", default=0)
# What one service may bring, so that a bad client cannot fill lists and counters.
INGEST_NEW_ISSUES_PER_HOUR = env.int("LIFTMON_NEW_ISSUES_PER_HOUR", default=200)
INGEST_CARDINALITY = {
    "name": env.int("LIFTMON_MAX_NAMES", default=500),
    "endpoint": env.int("LIFTMON_MAX_ENDPOINTS", default=1000),
    "environment": env.int("LIFTMON_MAX_ENVIRONMENTS", default=50),
    "release": env.int("LIFTMON_MAX_RELEASES", default=1000),
    "label": env.int("LIFTMON_MAX_LABEL_VALUES", default=300),
    "tag_key": env.int("LIFTMON_MAX_TAG_KEYS", default=100),
    "tag": env.int("LIFTMON_MAX_TAG_VALUES", default=500),
}

# --- What reports hold against ------------------------------------------------------------------------------------
# A call of an AI provider that took longer did not succeed in time: the guide gives up after 10 s.
AI_SLA_MS = env.int("LIFTMON_AI_SLA_MS", default=10_000)

# --- Telling people ------------------------------------------------------------------------------------------------
_email = env.email_url("LIFTMON_EMAIL_URL", default="smtp://localhost:25")
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST = _email["EMAIL_HOST"] or "localhost"
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _email.get("EMAIL_USE_SSL", False)
EMAIL_PORT = _email["EMAIL_PORT"] or (465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25)
EMAIL_FILE_PATH = _email["EMAIL_FILE_PATH"]
EMAIL_TIMEOUT = 15
# Its host is in Message-IDs and the List-Id, too. An IP address or a bare name makes no address of a sender.
_base_host = urlsplit(BASE_URL).hostname or ""
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str(
    "LIFTMON_EMAIL_FROM",
    default=f"liftmon@{_base_host if _base_host.rpartition('.')[2].isalpha() and '.' in _base_host else 'liftmon.localhost'}",
)
# Who is told when a notification was given up.
ALERT_FALLBACK_EMAIL = env.str("LIFTMON_FALLBACK_EMAIL", default="")
# Of the product, on the status page and in its letters: "lift" makes "lift status".
STATUS_PAGE_NAME = env.str("LIFTMON_STATUS_NAME", default="")
# Of these `up` makes a channel each when there is none of its kind.
FIRST_ALERT_EMAIL = env.str("LIFTMON_ALERT_EMAIL", default="")
FIRST_SLACK_WEBHOOK_URL = env.str("LIFTMON_SLACK_WEBHOOK_URL", default="")


def _networks(name: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(text.strip(), strict=False) for text in env.list(name, default=[])]
    except ValueError as error:
        raise SystemExit(f"{name} is a comma list such as 10.2.0.0/16,fd00::/8: {error}") from None


# Webhooks reach public addresses only, and besides them what is named here (alerts/outbound_http.py).
OUTBOUND_ALLOWED_HOSTS: list[str] = env.list("LIFTMON_OUTBOUND_ALLOWED_HOSTS", default=[])
OUTBOUND_ALLOWED_NETWORKS = _networks("LIFTMON_OUTBOUND_ALLOWED_NETWORKS")
# Databases that diagnostics ask may be anywhere but where clouds keep their metadata, or in these alone (alerts/addresses.py).
MONITORED_DATABASE_NETWORKS = _networks("LIFTMON_MONITORED_DATABASE_NETWORKS")

# --- How long things are kept, in days -----------------------------------------------------------------------------
RETENTION_DAYS = {
    "immediate": env.int("LIFTMON_RETENTION_IMMEDIATE_DAYS", default=365),
    "daily": env.int("LIFTMON_RETENTION_DAILY_DAYS", default=90),
    "weekly": env.int("LIFTMON_RETENTION_WEEKLY_DAYS", default=30),
}
ROLLUP_RETENTION_DAYS = env.int("LIFTMON_RETENTION_ROLLUP_DAYS", default=400)

# --- Watching Liftmon itself: whoever asks for /metrics says this (liftmon/metrics.py) ------------------------------
METRICS_TOKEN = env.str("LIFTMON_METRICS_TOKEN", default="")
# Asked every minute while Beat, the worker and the digests are well (liftmon/pinging.py); "" for none.
HEARTBEAT_URL = env.str("LIFTMON_HEARTBEAT_URL", default="")

# --- Logs: one readable line each, on standard error --------------------------------------------------------------
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Plain tracebacks: the pretty ones print local variables, and those hold keys and people's data.
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer()
                if env.bool("LIFTMON_LOG_JSON", default=False)
                else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
            ],
            "foreign_pre_chain": [
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # A refused request is counted in IngestRejection; a line each would let a bad client fill the log.
    "loggers": {
        "django.request": {"level": "ERROR", "filters": ["not_503"]},
        # Both write addresses of webhooks, which are secrets, into lines below this level.
        "urllib3": {"level": "ERROR"},
        "apprise": {"level": "CRITICAL"},
    },
    # Whoever answers 503 says why in a line of its own; /readyz is asked every few seconds.
    "filters": {
        "not_503": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", 500) != 503,
        }
    },
    "root": {"handlers": ["stderr"], "level": env.str("LIFTMON_LOG_LEVEL", default="INFO")},
}

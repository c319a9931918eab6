"""Settings, all from the environment. A value that cannot be right stops the start, in one sentence."""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from governance import embedded

BASE_DIR = Path(__file__).resolve().parent.parent


def text(name: str, default: str | None = None) -> str:
    """The variable, or the content of the file that NAME_FILE points at, or the default; else a loud stop."""
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text().strip()
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE) in the environment.")
    return value


def switch(name: str, default: bool) -> bool:
    """True or False, and nothing else."""
    value = os.environ.get(name, str(default))
    if value not in ("True", "False"):
        raise ImproperlyConfigured(f"{name} must be True or False, not {value!r}.")
    return value == "True"


def number(name: str, default: int, *, low: int, high: int) -> int:
    """A whole number between `low` and `high`."""
    value = os.environ.get(name, str(default))
    if not value.isdigit() or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def listing(name: str, default: str) -> list[str]:
    """Comma-separated words."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Comma-separated networks in CIDR form, such as 10.0.0.0/8; those of IPv4 in IPv6 clothes as what they are."""
    try:
        return [_unmapped(ip_network(word)) for word in listing(name, "")]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must hold networks such as 10.0.0.0/8: {error}.") from error


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    inner = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return IPv4Network((inner, network.prefixlen - 96)) if inner and network.prefixlen >= 96 else network


def fernet_keys(name: str, default: str) -> list[str]:
    """Comma-separated Fernet keys: the first seals, each opens. None for a process that seals nothing, as the gate."""
    keys = [key.strip() for key in text(name, default).split(",") if key.strip()]
    try:
        for key in keys:
            Fernet(key)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} must hold one or more Fernet keys, comma-separated; make one with: "
            "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        ) from error
    return keys


MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def mail_server(address: str) -> dict[str, Any]:
    """Django's settings for smtp://, smtp+tls:// (STARTTLS) or smtps:// with USER:PASSWORD@HOST:PORT, percent-encoded."""
    try:
        parts = urlsplit(address)
        port = parts.port or MAIL_PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise ImproperlyConfigured(
            "EMAIL_URL must be smtp://, smtp+tls:// or smtps:// with a host."
        ) from None  # the address holds a password
    if not parts.hostname:
        raise ImproperlyConfigured("EMAIL_URL names no host.")
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
    }


ADDRESSES = embedded.addresses()
EMBEDDED = (
    "DATABASE_URL" not in os.environ
)  # then generated secrets are good enough; otherwise they must be given
VAR = embedded.var_dir()
_generated = embedded.secrets() if EMBEDDED else {}

SECRET_KEY = text("SECRET_KEY", _generated.get("SECRET_KEY"))
# Comma-separated, newest first: the first keys new tokens, each recognises its own. Never in the database.
TOKEN_PEPPERS = [
    one.strip() for one in text("TOKEN_PEPPER", _generated.get("TOKEN_PEPPER")).split(",") if one.strip()
]
if not TOKEN_PEPPERS or min(map(len, TOKEN_PEPPERS)) < 32:
    raise ImproperlyConfigured("Each TOKEN_PEPPER must have at least 32 characters.")
TOKEN_PEPPER = TOKEN_PEPPERS[0]
CREDENTIALS_KEY = fernet_keys("CREDENTIALS_KEY", _generated.get("CREDENTIALS_KEY", ""))

DEBUG = switch("DEBUG", default=False)
ALLOWED_HOSTS = listing("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = listing("CSRF_TRUSTED_ORIGINS", "")
SITE_URL = text("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
GATE_URL = text("GATE_URL", "http://127.0.0.1:8001").rstrip("/")
GATE_PORT = number("GATE_PORT", 8001, low=1, high=65535)
TRUSTED_PROXIES = networks("TRUSTED_PROXIES")  # who may tell the gate in X-Forwarded-For whom it asks for
ENDPOINT_HOSTS = listing("ENDPOINT_HOSTS", "")  # hosts that model servers may run on; empty for any
API_REQUESTS_PER_MINUTE = number("API_REQUESTS_PER_MINUTE", 1200, low=10, high=1_000_000)  # of one account
DELIVERY_DAYS = number("DELIVERY_DAYS", 90, low=30, high=3650)  # that webhooks are kept as they came
HTTPS = switch("HTTPS", default=not EMBEDDED)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "template_partials",
    "guardian",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_otp",
    "django_otp.plugins.otp_totp",
    # Memory listens before control: an event stands in the trail before what follows from it.
    "audit",
    "governance",
    "registry",
]

MIDDLEWARE = [
    "governance.middleware.RequestId",
    "governance.middleware.Compressed",
    "governance.middleware.ContentSecurityPolicy",
    "governance.middleware.OrdinaryRequests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "governance.middleware.DomainErrors",
]

ROOT_URLCONF = "governance.urls"
WSGI_APPLICATION = "governance.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "governance.navigation.context",
            ],
        },
    },
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # widgets of our own live in templates/components/

DATABASES = {
    "default": dj_database_url.parse(ADDRESSES.database_url, conn_max_age=60, conn_health_checks=True),
}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database (15 or newer).")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Without a mail server people are told in their inbox only.
EMAIL_URL = text("EMAIL_URL", "")
MAIL_ENABLED = bool(EMAIL_URL)
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if MAIL_ENABLED
    else "django.core.mail.backends.dummy.EmailBackend"
)
EMAIL_TIMEOUT = 10  # seconds; a dead server stalls a worker no longer
DEFAULT_FROM_EMAIL = text("EMAIL_FROM", "Cardinal <cardinal@localhost>")
globals().update(mail_server(EMAIL_URL) if MAIL_ENABLED else {})

REDIS_URL = ADDRESSES.redis_url
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

AUTH_USER_MODEL = "registry.User"
AUTHENTICATION_BACKENDS = [
    "registry.backends.GrantedRoles",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None  # default deny: there is no anonymous account that could be granted anything
GUARDIAN_MONKEY_PATCH_USER = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
OTP_TOTP_ISSUER = "Cardinal"
OTP_TOTP_THROTTLE_FACTOR = 1  # seconds to wait after a wrong code, doubled with each further one
OTP_ADMIN_HIDE_SENSITIVE_DATA = True  # the administration shows no secret, not even its picture
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

BROKER_URL = text("BROKER_URL", ADDRESSES.broker_url)
CELERY_BROKER_URL = BROKER_URL
CELERY_RESULT_BACKEND = None  # the outcome of a task is a row of the domain, never a result in the broker
CELERY_TASK_ACKS_LATE = True  # a killed worker's task is done again; tasks are idempotent
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_WORKER_MAX_TASKS_PER_CHILD = 50
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 900_000  # KiB; PDF layout does not give memory back
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "read-tracking-servers": {
        "task": "registry.sync_all",
        "schedule": float(number("READ_SECONDS", 300, low=10, high=86_400)),
    },
    "rehash-files": {
        "task": "registry.rehash_all",
        "schedule": float(number("REHASH_SECONDS", 3600, low=60, high=604_800)),
    },
    "forget-answers": {"task": "registry.forget_answers", "schedule": 3600.0},
    "forget-deliveries": {"task": "registry.forget_deliveries", "schedule": 3600.0},
    "sweep-lapsed": {"task": "governance.sweep_lapsed", "schedule": 60.0},
    "sweep-clearances": {"task": "governance.sweep_clearances", "schedule": 60.0},
    "look-for-anomalies": {"task": "governance.look_for_anomalies", "schedule": 30.0},
    "announce-token-ends": {"task": "governance.announce_token_ends", "schedule": 600.0},
    "sweep-reminders": {"task": "governance.sweep_reminders", "schedule": 600.0},
    "send-letters": {"task": "governance.send_letters", "schedule": 60.0},
    "forget-notices": {"task": "governance.forget_notices", "schedule": 86_400.0},
    "tidy-roles": {"task": "registry.tidy_roles", "schedule": 60.0},
    "count-decisions": {"task": "governance.count_decisions", "schedule": 10.0},
    "make-room-for-decisions": {"task": "governance.make_room_for_decisions", "schedule": 86_400.0},
    "seal-decisions": {"task": "audit.seal_decisions", "schedule": 5.0},
}

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = EMBEDDED  # a clone runs without collectstatic
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": text("MEDIA_ROOT", str(VAR / "media"))},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = False

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if switch("BEHIND_PROXY", default=False) else None
)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # a card with full tables has so many boxes; the size is limited above
FORMS_URLFIELD_ASSUME_HTTPS = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "registry.api.schema.Described",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.CursorPagination",
    "EXCEPTION_HANDLER": "governance.problems.handler",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Cardinal",
    "DESCRIPTION": "Model governance: registry, reviews, clearances, policies, tokens and reports.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "RiskClassOrUndecided": "registry.documents.strictness.CLASSES",
        "DocumentKind": "registry.views.documents.KINDS",
        "ReviewState": "governance.models.Review.State",
        "ReportState": "audit.models.Report.State",
        "Action": "governance.models.Token.Action",
        "Effect": "governance.policies.EFFECTS",
        "RateSpan": "governance.api.policy_bodies.RATE_SPANS",
        "QuotaSpan": "governance.policies.words.QUOTA_SPANS",
        "TokenState": "governance.api.tokens.STATES",
        "FindingCode": "registry.api.findings.CODES",
        "FindingSeverity": "registry.api.findings.SHOWN",
        "Severity": "registry.documents.strictness.SEVERITIES",
        "RiskClass": "governance.models.RiskClass",
        "Environment": "registry.models.Environment",
        "NoticeKind": "governance.api.notices.KEYS",
        "ImportKind": "registry.models.Import.Kind",
        "AccountKind": "registry.models.User.Kind",
        "AliasOrderState": "registry.models.AliasOrder.State",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "governance.middleware.RequestIdFilter"}},
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s",
            "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger"},
        },
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request_id"]}
    },
    "root": {"handlers": ["console"], "level": text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"handlers": ["console"], "propagate": False},
        "fontTools": {"level": "WARNING"},
        "weasyprint.progress": {
            "handlers": [],
            "propagate": False,
        },  # the renderer listens to it for its percentages
    },
}

SILENCED_SYSTEM_CHECKS = ["guardian.W001"]

"""System checks: what can be wrong with an installation, with what to do about it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.db import connection
from django.db.utils import DatabaseError, OperationalError


@register(Tags.security, deploy=True)
def pepper_is_its_own(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """A leaked SECRET_KEY must not give away the tokens."""
    if settings.TOKEN_PEPPER != settings.SECRET_KEY:
        return []
    return [
        Error(
            "TOKEN_PEPPER equals SECRET_KEY.",
            hint="Set TOKEN_PEPPER to a random value of its own, 32 characters or more.",
            id="cardinal.E001",
        )
    ]


@register(Tags.security, deploy=True)
def credentials_can_be_sealed(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """The portal and its workers keep passwords of tracking servers; the gate keeps none and needs no key."""
    if settings.CREDENTIALS_KEY:
        return []
    return [
        Error(
            "CREDENTIALS_KEY is not set: no password of a tracking server can be stored.",
            hint="Set CREDENTIALS_KEY to a Fernet key, for the portal and its workers.",
            id="cardinal.E004",
        )
    ]


@register(Tags.database)
def database_is_new_enough(app_configs: Any, databases: Any = None, **_: Any) -> list[CheckMessage]:
    """PostgreSQL 15 or newer."""
    if not databases:
        return []
    try:
        connection.ensure_connection()
    except OperationalError as error:
        return [
            Error(f"The database does not answer: {error}", hint="Check DATABASE_URL.", id="cardinal.E002")
        ]
    version = connection.pg_version  # type: ignore[attr-defined]
    if version >= 150_000:
        return []
    return [Error(f"PostgreSQL {version // 10_000} is too old.", hint="Use 15 or newer.", id="cardinal.E003")]


@register(Tags.database)
def peppers_are_all_there(app_configs: Any, databases: Any = None, **_: Any) -> list[CheckMessage]:
    """A token whose pepper is gone is unknown to the gate, whatever its page says."""
    from governance import tokens  # noqa: PLC0415 - models are loaded later than checks
    from governance.models import Token  # noqa: PLC0415

    if not databases or "governance_token" not in connection.introspection.table_names():
        return []
    known = [tokens.pepper_id(pepper) for pepper in settings.TOKEN_PEPPERS]
    try:
        gone = Token.objects.open().exclude(pepper="").exclude(pepper__in=known).count()
    except DatabaseError:  # before the migrations
        return []
    if not gone:
        return []
    return [
        Warning(
            f"{gone} tokens that are not over need a pepper that TOKEN_PEPPER no longer lists.",
            hint="Add the old pepper behind the new one, or have those tokens rotated.",
            id="cardinal.W001",
        )
    ]

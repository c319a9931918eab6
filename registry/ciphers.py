"""Secrets at rest: sealed with Fernet (AES-128-CBC and HMAC-SHA256), opened only where they are used.

The first of `CREDENTIALS_KEY` seals, every one of them opens: a new key is put in front, `manage.py
rotate_credentials` seals everything again, and then the old one can go.
"""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from registry.errors import Conflict


def seal(secret: str) -> str:
    """`secret` as it is stored; nothing stays nothing."""
    return _cipher().encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str) -> str:
    """The secret behind what `seal` gave. `Conflict` when no key opens it: the key was lost or another is set."""
    if not sealed:
        return ""
    try:
        return _cipher().decrypt(sealed.encode()).decode()
    except InvalidToken as problem:
        raise Conflict(
            "A stored secret cannot be opened with CREDENTIALS_KEY. Set the key it was sealed with, "
            "or enter the credentials again."
        ) from problem


def reseal(sealed: str) -> str:
    """The same secret, sealed with the first key."""
    return seal(unseal(sealed))


def _cipher() -> MultiFernet:
    if not settings.CREDENTIALS_KEY:
        raise Conflict(
            "Set CREDENTIALS_KEY, for the portal and for its workers: without it no secret is stored."
        )
    return MultiFernet([Fernet(key) for key in settings.CREDENTIALS_KEY])

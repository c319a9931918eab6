"""The Celery application: everything slow happens here."""

from __future__ import annotations

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")

app = Celery("cardinal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def speak_as_the_portal(**_: Any) -> None:
    """Workers and beat write the same structured lines as the portal."""
    from django.conf import settings  # noqa: PLC0415 - not before the settings module is named

    dictConfig(settings.LOGGING)

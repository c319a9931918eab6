"""Seal every stored secret again with the first key of CREDENTIALS_KEY."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.actions import servers
from registry.errors import Conflict
from registry.models import User


class Command(BaseCommand):
    """Put a new key in front of CREDENTIALS_KEY, restart, run this, and take the old key away."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = servers.rotate_credentials(by=User.machine())
        except Conflict as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} secrets are sealed with the first key.")

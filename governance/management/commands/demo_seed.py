"""`manage.py demo_seed`: fills an empty installation by doing what its users would do."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from governance.demo import seed


class Command(BaseCommand):
    """Called by script/demo, which sets the ports in the environment."""

    help = "Trains the demo's models and fills the portal through the same verbs as its pages."
    requires_system_checks = []  # migrate, just before, has checked everything

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Seed, or find that it was done."""
        seed.run()

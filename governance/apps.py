from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"
    verbose_name = "Governance"

    def ready(self) -> None:
        # On import system checks register themselves, and from then on tasks are sent to our broker.
        from governance import celery, checks, listeners, roles, signin  # noqa: F401, PLC0415
        from registry.api import bearer  # noqa: PLC0415

        listeners.connect()
        roles.connect()
        bearer.provide(signin.known)

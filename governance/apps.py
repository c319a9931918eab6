from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"
    verbose_name = "Governance"

    def ready(self) -> None:
        from governance import celery  # noqa: F401, PLC0415 - from here on tasks are sent to our broker
        from governance import checks, listeners, roles, signin  # noqa: F401, PLC0415 - system checks register on import
        from registry.api import bearer  # noqa: PLC0415

        listeners.connect()
        roles.connect()
        bearer.provide(signin.known)

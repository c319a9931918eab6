from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"
    verbose_name = "Governance"

    def ready(self) -> None:
        from governance import checks, listeners, roles  # noqa: F401, PLC0415 - system checks register on import

        listeners.connect()
        roles.connect()

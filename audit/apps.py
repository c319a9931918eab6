from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from audit import trail  # noqa: PLC0415 - models must be loaded first

        trail.connect()

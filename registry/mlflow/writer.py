"""The only place that writes to a tracking server: aliases that were ordered here, and the webhook that tells us."""

from __future__ import annotations

from registry.mlflow.connection import NOBODY, Connection, Credentials

# All that MLflow tells; renames, deletions, descriptions and stages it never tells.
EVENTS = (
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
)


class Writer:
    """A tracking server that is written to. Every change is bounded in time and never retried here."""

    def __init__(self, uri: str, *, credentials: Credentials = NOBODY, timeout_seconds: float = 10) -> None:
        self._connection = Connection(uri, timeout_seconds, credentials)

    def set_alias(self, model: str, alias: str, number: int) -> None:
        """Let `alias` name version `number` of `model`."""
        with self._connection.asking(f"the alias {alias} of {model} to move") as client:
            client.set_registered_model_alias(model, alias, str(number))

    def remove_alias(self, model: str, alias: str) -> None:
        """Take `alias` away from `model`."""
        with self._connection.asking(f"the alias {alias} of {model} to go") as client:
            client.delete_registered_model_alias(model, alias)

    def create_webhook(self, name: str, url: str, secret: str) -> str:
        """A webhook to `url` about every event there is; returns its id. One that went there before is replaced."""
        from mlflow.entities.webhook import WebhookEvent

        with self._connection.asking("its webhooks") as client:
            former = [hook.webhook_id for hook in client.list_webhooks(max_results=100) if hook.url == url]
        with self._connection.asking("a webhook") as client:
            events = [WebhookEvent.from_str(event) for event in EVENTS]
            made = client.create_webhook(name=name, url=url, events=events, secret=secret)
        for webhook_id in former:
            with self._connection.asking("an old webhook to go") as client:
                client.delete_webhook(webhook_id)
        return str(made.webhook_id)

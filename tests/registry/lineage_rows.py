"""What the tests of lineage stand on: versions with a full making, and with base models, reached by verbs."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.utils import timezone

from registry.actions import catalogue, data, pipelines
from registry.models import Model, User, Version
from tests import factories
from tests.registry.test_pipelines import SOURCE, STAGES

_next = count(1).__next__
COMMIT = "c0ffee1234567890c0ffee1234567890c0ffee12"
PACKAGES = ["mlflow==3.17.2", "scikit_learn==1.5.0", "numpy>=2"]


def made(
    *,
    model: Model | None = None,
    number: int = 1,
    dataset: str = "",
    base: str = "",
    packages: Any = None,
    commit: str = COMMIT,
) -> Version:
    """A version whose run recorded everything: data, code, who, environment, and perhaps a base model."""
    of = model or factories.model()
    used = {
        "name": dataset or f"data-{_next()}",
        "weak_digest": "5f1b7c2e",
        "source_type": "local",
        "source": "loans.csv",
        "schema": {},
        "profile": {"num_rows": 400},
        "context": "training",
    }
    facts: dict[str, Any] = {
        "status": "FINISHED",
        "user_name": "ada",
        "git_commit": commit,
        "git_repository": "https://git.example/credit",
        "params": {"depth": "3"} | ({"base_model": base} if base else {}),
        "metrics": {"auc": 0.9},
    }
    run = data.record_run(
        server=of.server, run_id=f"{_next():032x}", facts=facts, inputs=[used], by=User.machine()
    )
    held = {
        "python_version": "3.11.7",
        "mlflow_version": "3.17.2",
        "packages": PACKAGES if packages is None else packages,
    }
    version = catalogue.register_version(
        model=of,
        number=number,
        registered_at=timezone.now(),
        run=run,
        facts={"source": "models:/m-1", "status": "READY", "model_file": held},
        by=User.machine(),
    )
    factories.manifest(version)
    return version


def furnished(dataset: str = "loans") -> Version:
    """... that also serves, belongs to a system, and came out of a pipeline."""
    version = made(dataset=dataset)
    factories.system(model=version.model)
    catalogue.set_endpoint(
        version=version, environment="production", url="http://127.0.0.1:9", by=factories.member("admin")
    )
    pipelines.record(version=version, stages=STAGES, source=SOURCE, by=factories.member("owner"))
    return version


def named(version: Version) -> str:
    """How a run names this version as its base model."""
    return f"models:/{version.model.name}/{version.number}"

"""The seed: what the demo's people would do in their first week, done by the same verbs as the pages'.

The tracking server may still be starting when this begins. Accounts and the loading of the libraries need no
server and come first.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group

from governance.demo import access, accounts, elsewhere, papers, together, training
from governance.demo.crew import answers
from governance.embedded import var_dir
from governance.embedded.places import replace
from registry import sync
from registry.actions import catalogue, servers
from registry.mlflow import reader
from registry.models import Environment, Model, TrackingServer, User, Version

SERVER = "demo"
HEAVY = ("mlflow", "mlflow.sklearn", "mlflow.data.pandas_dataset", "skops.io", "sklearn.ensemble")
# On cores that others use too, the threads of OpenMP wait for each other by spinning: ten times slower than one.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
AUDIENCES = ("owner", "reviewer")
UNGOVERNED = "churn-sketch"
PATIENCE = 120.0
PRODUCTION = Environment.PRODUCTION.value
Account = dict[str, User]


class NotSeeded(RuntimeError):
    """The demo cannot be filled; the message says why."""


def run() -> None:
    """Fill this installation, or find it filled and note only where everything is this time."""
    folder = var_dir() / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {words}", flush=True)

    people = accounts.ensure(folder)
    say(f"{len(accounts.ROLES)} accounts.")
    marker = folder / "seeded.json"
    if marker.exists():
        write_models(folder)
        server = follow(people)
        if elsewhere.wants_hook(folder):  # this run uses other ports
            wait_for_tracking_server()
            elsewhere.order_hook(server, people)
        say("The models, cards and reviews of the earlier run are still here.")
    else:
        for step in fill(folder, people):
            say(step)
        replace(marker, json.dumps({"examples": examples()}))
    secrets = access.tokens(folder, people)
    access.wait_for_expiry()
    say("Tokens: one that works, one that has expired, one that was revoked.")
    if problem := elsewhere.wait_for_hook(folder, TrackingServer.objects.get(name=SERVER)):
        raise NotSeeded(f"The webhook could not be set up: {problem}")
    say("The tracking server tells the portal of changes, signed.")
    example = json.loads(marker.read_text())["examples"]["credit-scorer"]
    replace(folder / "summary.txt", access.summary(folder, secrets, example))
    say("Seeded.")


def fill(folder: Path, people: Account) -> Iterator[str]:
    """Everything from training to policies, step by step; each step skips what it finds done."""
    for variable in THREADS:  # must stand before the libraries load
        os.environ.setdefault(variable, "1")
    for module in HEAVY:
        importlib.import_module(module)
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # these lines are for whoever started the demo
    yield "The libraries for training are loaded."
    wait_for_tracking_server()
    yield "The tracking server answers."
    trained = training.train(tracking_uri())
    write_models(folder)
    yield f"{len(trained)} versions of {len({one.name for one in trained})} models are trained and registered."
    server = follow(people)
    if elsewhere.wants_hook(folder):
        elsewhere.order_hook(server, people)
    yield f"{Version.objects.count()} versions are read and their files hashed."
    access.tokens(folder, people)  # early: one of them has to expire before the seed ends
    papers.systems(people)
    yield "The risk classes of three systems are decided."
    papers.datasheets(people)
    yield "The training data have their datasheets."
    papers.cards(people)
    yield "Four cards are written; three are approved, one waits for its review."
    elsewhere.files(people)
    yield "Three files from elsewhere are taken: a README waits, a pipeline and a datasheet are in use."
    access.policies(people)
    access.waiting_token(people)
    elsewhere.saved_filter(people)
    yield "Three access policies are published, and compliance keeps a filter."
    together.work(people)
    yield "A team, a program with a sponsor, an absence with a stand-in; somebody asks to break the glass."


def tracking_uri() -> str:
    """Where the demo's tracking server is."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri:
        raise NotSeeded("Set MLFLOW_TRACKING_URI to the tracking server that the demo may fill.")
    return uri.rstrip("/")


def wait_for_tracking_server() -> None:
    """MLflow makes its tables on its first start, which takes half a minute."""
    deadline = time.monotonic() + PATIENCE
    while not answers(f"{tracking_uri()}/health"):
        if time.monotonic() > deadline:
            raise NotSeeded(f"The tracking server does not answer at {tracking_uri()}; see its log.")
        time.sleep(0.2)


def ports() -> dict[tuple[str, int], int]:
    """The port of each served version, from MODEL_PORT upward."""
    first = int(os.environ.get("MODEL_PORT", "5001"))
    return {version: first + n for n, version in enumerate(training.served())}


def write_models(folder: Path) -> None:
    """Tell whoever starts the model servers what to serve, and where."""
    listed = [
        {"name": name, "uri": f"models:/{name}/{number}", "port": port}
        for (name, number), port in ports().items()
    ]
    replace(folder / "models.json", json.dumps(listed, indent=1))


def follow(people: Account) -> TrackingServer:
    """Read the tracking server into the registry, share its models, and say where they answer; returns it."""
    server = TrackingServer.objects.filter(name=SERVER).first()
    if server is None:
        server = servers.add(name=SERVER, uri=tracking_uri(), by=people["machine"])
    elif server.uri != tracking_uri():  # this run uses other ports
        servers.move(server=server, uri=tracking_uri(), by=people["machine"])
    if not Version.objects.filter(model__server=server).exists():
        outcome = sync.read(server, by=people["machine"])
        if outcome.problems:
            raise NotSeeded("The tracking server could not be read: " + " ".join(outcome.problems))
    for model in Model.objects.filter(server=server).order_by("name"):
        _share(model, people)
    for (name, number), port in ports().items():
        version = Version.objects.get(model__server=server, model__name=name, number=number)
        url = f"http://127.0.0.1:{port}"
        if not version.endpoints.filter(environment=PRODUCTION, url=url).exists():
            catalogue.set_endpoint(version=version, environment=PRODUCTION, url=url, by=people["admin"])
    return server


def _share(model: Model, people: Account) -> None:
    """The ungoverned model is shared with the owners alone: it waits on their home page."""
    for audience in AUDIENCES[: 1 if model.name == UNGOVERNED else None]:
        if not Model.objects.visible_to(people[audience]).filter(pk=model.pk).exists():
            catalogue.share_model(model=model, audience=Group.objects.get(name=audience), by=people["admin"])


def examples() -> dict[str, Any]:
    """For each served model the body of a valid query, as stored beside it on the tracking server."""
    source = reader.TrackingServer(tracking_uri())
    return {name: reader.example(source, source.version(name, number)) for name, number in training.served()}

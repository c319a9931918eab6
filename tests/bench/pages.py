"""Server time of pages over many models. How many queries each takes is pinned by tests/pages/."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import factory
from django.db import connection
from django.test import Client
from django.utils import timezone
from factory.django import DjangoModelFactory

from registry.models import Model, TrackingServer, Version
from tests import factories

MODELS = 10_000
VERSIONS = 3
ROUNDS = 9


class ModelRow(DjangoModelFactory[Model]):
    """A model as a sync leaves it, without the verbs' events."""

    class Meta:
        model = Model

    name = factory.Sequence(lambda n: f"bench-{n:05}")
    slug = factory.SelfAttribute("name")
    created_at = factory.LazyFunction(timezone.now)


class VersionRow(DjangoModelFactory[Version]):
    """A version as a sync leaves it."""

    class Meta:
        model = Version

    status = "READY"
    registered_at = factory.LazyFunction(timezone.now)


def measure() -> Iterator[str]:
    """Median milliseconds of the list, a search, and one model, with 10 000 models of three versions."""
    slug = fill()
    browser = Client(headers={"host": "127.0.0.1"})
    browser.force_login(factories.member("auditor"), backend="django.contrib.auth.backends.ModelBackend")
    for name, address in {
        "list": "/models/",
        "search": "/models/?q=4321",
        "model": f"/models/{slug}/",
        "version": f"/models/{slug}/versions/1/",
        "home": "/",
        "trail": "/trail/",
    }.items():
        answer = browser.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            browser.get(address)
            times.append((time.perf_counter() - began) * 1000)
        yield f"{name}: median {statistics.median(times):.0f} ms, {len(answer.content) // 1024} kB"


def fill() -> str:
    """Ten thousand models, made once, past the verbs: the pages only read them. Returns the slug of one."""
    server = TrackingServer.objects.filter(name="bench").first()
    if server is None:
        server = TrackingServer.objects.create(name="bench", uri="http://127.0.0.1:9/bench")
        models = Model.objects.bulk_create(ModelRow.build_batch(MODELS, server=server), batch_size=2000)
        rows = (VersionRow.build(model=model, number=n) for model in models for n in range(1, VERSIONS + 1))
        Version.objects.bulk_create(rows, batch_size=5000)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return "bench-04321"

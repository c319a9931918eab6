"""Server time of pages over many models. How many queries each takes is pinned by tests/pages/."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from django.core import signals
from django.db import connection, reset_queries
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.models import Model, User
from tests.bench import landscape

ROUNDS = 9
LIMIT = 60  # milliseconds, the median that the design promises

# What everybody opens: the list in its orders, each filter, searches from rare to very common, the export's first rows.
LISTS = {
    "list": "/models/",
    "by change": "/models/?sort=-changed",
    "search rare": "/models/?q=04321",
    "search name": "/models/?q=credit-sco",
    "search text": "/models/?q=calibrated+subgroup+transmission",
    "search all": "/models/?q=model",
    "search not": "/models/?q=credit+-scorer+%22human+oversight%22",
    "cleared": "/models/?state=cleared",
    "not cleared": "/models/?state=not-cleared&why=card",
    "ungoverned": "/models/?state=ungoverned",
    "high risk": "/models/?risk=high&sort=-changed",
    "in no system": "/models/?risk=none",
    "many filters": "/models/?q=credit&risk=high&state=not-cleared&team=credit&flavour=sklearn&alias=champion&changed_within=30",
    "everywhere": "/search/?q=credit+scorer",
    "everywhere all": "/search/?q=the",
    "systems": "/systems/?q=credit&risk=high",
    "datasets": "/datasets/?q=credit",
    "home": "/",
}


def measure() -> Iterator[str]:
    """Median milliseconds of lists, searches and pages, with 10 000 models of three versions, for three people."""
    landscape.fill()
    for name, user in landscape.people().items():
        browser = Client(headers={"host": "127.0.0.1"})
        browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        for page, address in (LISTS | one(user)).items():
            yield f"{name:<8}{page:<15}{timed(browser, address)}"


def one(user: User) -> dict[str, str]:
    """The page of a model that the person may see, and of its latest version."""
    model = Model.objects.visible_to(user).order_by("slug").first()
    assert model is not None
    slug = model.slug
    pages = {"model": f"/models/{slug}/", "version": f"/models/{slug}/versions/3/"}
    return pages | ({"trail": "/trail/"} if user.has_perm("audit.view_entry") else {})


def timed(browser: Client, address: str) -> str:
    """Median time, queries, and how many rows' worth of page came back."""
    browser.get(address)  # whatever is done once is done
    signals.request_started.disconnect(reset_queries)
    with CaptureQueriesContext(connection) as queries:
        answer = browser.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        browser.get(address)
        times.append((time.perf_counter() - began) * 1000)
    median = statistics.median(times)
    mark = "" if median <= LIMIT else f"  OVER {LIMIT} ms"
    return f"median {median:5.1f} ms, {len(queries):2} queries, {len(answer.content) // 1024:3} kB{mark}"

"""Server time of pages over many models. How many queries each takes is pinned by tests/pages/."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core import signals
from django.db import connection, reset_queries
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.models import Model, User
from tests.bench import clocks, landscape

ROUNDS = 15
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
    "search phrase": "/models/?q=%22human+oversight%22",
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
        browser.force_login(user, backend="registry.backends.GrantedRoles")
        for page, address in (LISTS | one(user)).items():
            yield f"{name:<8}{page:<15}{timed(browser, address)}"


def one(user: User) -> dict[str, str]:
    """The page of a model that the person may see, and of its latest version."""
    model = Model.objects.visible_to(user).order_by("slug").first()
    assert model is not None
    slug = model.slug
    pages = {"model": f"/models/{slug}/", "version": f"/models/{slug}/versions/3/"}
    return pages | ({"trail": "/trail/"} if user.has_perm("audit.view_entry") else {})


@dataclass(frozen=True)
class Cost:
    """What one answer took, in milliseconds: on the clock, waiting for the database, computing here, computing there.

    The clock also counts what other programs do meanwhile; the processor's time is what a quiet machine would show.
    """

    clock: float
    sql: float
    portal: float
    database: float

    @property
    def processor(self) -> float:
        """Processor time of portal and database."""
        return self.portal + self.database


def timed(browser: Client, address: str) -> str:
    """Median times, queries, and how many rows' worth of page came back."""
    browser.get(address)  # whatever is done once is done
    signals.request_started.disconnect(reset_queries)
    with CaptureQueriesContext(connection) as queries:
        answer = browser.get(address)
    asked = len(queries)  # before the next request forgets them
    assert answer.status_code == 200, (address, answer.status_code)
    costs = [cost(browser, address) for _ in range(ROUNDS)]
    median = statistics.median(one.clock for one in costs)
    mark = "" if median <= LIMIT else f"  OVER {LIMIT} ms"
    parts = {
        part: statistics.median(getattr(one, part) for one in costs)
        for part in ("sql", "processor", "portal", "database")
    }
    return (
        f"median {median:5.1f} ms (SQL {parts['sql']:5.1f}), processor {parts['processor']:5.1f} ms "
        f"(portal {parts['portal']:4.1f}, database {parts['database']:5.1f}), "
        f"{asked:2} queries, {len(answer.content) // 1024:3} kB{mark}"
    )


def cost(browser: Client, address: str) -> Cost:
    """One answer."""
    waited = [0.0]

    def watch(execute: Callable[..., Any], *given: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*given)
        finally:
            waited[0] += time.perf_counter() - began

    with connection.execute_wrapper(watch):
        clock, portal, database = time.perf_counter(), time.process_time(), clocks.database()
        browser.get(address)
        ended = (
            time.perf_counter() - clock,
            waited[0],
            time.process_time() - portal,
            clocks.database() - database,
        )
    return Cost(*(1000 * seconds for seconds in ended))

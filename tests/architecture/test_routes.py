"""Who gets what from every route: docs/reference/routes.yaml, walked with every role.

A route without a row fails, and the message prints the row to add: look at each status before you add it. A new noun
of the REST interface needs a line in PARTS of routes.py, a new page an address in tests/pages/stand.py, and a request
that is refused for its body before anybody asks who sends it needs one in BODIES.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.architecture import routes as walk
from tests.architecture.routes import CALLERS, METHODS, Route, World
from tests.architecture.test_urls import OPEN

TABLE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "routes.yaml"
LET_IN = {200, 201, 202, 204, 302, 304, 400, 409, 412, 415, 428}  # allowed, whatever became of it
Row = list[str]

# What somebody may change who has no role, or one that only reads: what is their own, and the order of a report.
OWN = {
    "POST /admin/login/", "POST admin:login", "POST admin:logout", "POST login", "POST logout", "POST password_change",
    "POST second_factor", "POST token-revocations", "POST api-tokens-leaked", "POST filter-save", "POST api-saved-filters", "POST healthz", "POST readyz", "POST metrics",
    "POST inbox-read", "POST inbox-undo", "POST notice-read", "POST notice-unread", "POST notice-settings",
    "POST unsubscribe", "POST api-notices-read", "PUT api-notice-settings", "PUT api-notice-read",
}  # fmt: skip
ORDERS = {"POST api-order-report", "POST report-new", "POST version-report", "POST report-cancel"}


@cache
def table() -> dict[str, Row]:
    """METHOD name → what each caller is answered, about what is shared with them, then about what is not."""
    return dict(yaml.safe_load(TABLE.read_text()))


def of(row: Row, caller: str) -> list[int]:
    """What this caller is answered."""
    return [int(one.split()[CALLERS.index(caller)]) for one in row]


@pytest.fixture(scope="module")
def everybody(lasting: None, kept_files: None) -> World:
    """Two of everything, and everybody who may ask for it: made once, for nothing that is asked changes it."""
    return walk.world()


@pytest.fixture
def world(db: None, everybody: World, settings: Any) -> Iterator[World]:
    """All of it, in quiet."""
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    logging.disable(logging.WARNING)  # thousands of refusals, each with a line
    yield everybody
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("is_api", [False, True], ids=["pages", "interface"])
def test_every_role_gets_from_every_route_what_the_table_says(is_api: bool, world: World) -> None:
    missing, wrong, loose = [], [], []
    for route in [one for one in walk.routes() if one.is_api == is_api]:
        for method in METHODS:
            key = f"{method} {route.name}"
            if key in table():
                found = answers(world, method, route)
                wrong += [f"{key}: {found}, and not {table()[key]}"] if found != table()[key] else []
                wrong += (
                    [f"{key}: not so once the time is over"] if outlives(world, method, route, found) else []
                )
            elif taken := row_missing(world, method, route):
                missing.append(f"{key}: {taken}")
            if method != "GET" and key not in table() and len(route.methods) < 2:
                loose += [key] if answers_otherwise(world, method, route) else []

    assert not missing, "Look at these, then add them to docs/reference/routes.yaml:\n" + "\n".join(missing)
    assert not wrong, "\n".join(wrong)
    assert not loose


def answers(world: World, method: str, route: Route) -> Row:
    """What everybody is answered, about the shared one and about the hidden one."""
    stands = (world.shared, world.hidden) if route.is_about_something else (world.shared,)
    return [" ".join(str(world.status(one, method, route, stand)) for one in CALLERS) for stand in stands]


def outlives(world: World, method: str, route: Route, found: Row) -> bool:
    """Whether an auditor whose time is over is answered other than somebody without a role."""
    now = (world.status("lapsed", method, route, stand) for stand in (world.shared, world.hidden))
    return any(one != other for one, other in zip(of(found, "outsider"), now, strict=False))


def row_missing(world: World, method: str, route: Route) -> Row:
    """The row that the table lacks; [] where the route does not take the method."""
    if method not in (route.methods or ("GET", "POST")):
        return []
    if method == "POST" and not route.methods and not answers_otherwise(world, method, route):
        return []
    found = answers(world, method, route)
    return [] if set(" ".join(found).split()) <= {"302", "405"} and "405" in found[0] else found


def answers_otherwise(world: World, method: str, route: Route) -> bool:
    """Whether a page takes this method, beyond answering it as it answers GET."""
    for caller in ("viewer", "owner"):
        status = world.status(caller, method, route, world.shared)
        if status not in (405, world.status(caller, "GET", route, world.shared)):
            return True
    return False


def test_every_row_has_a_route() -> None:
    known = {f"{method} {route.name}" for route in walk.routes() for method in METHODS}

    assert set(table()) <= known
    assert len(re.findall(r'^"?\w+ [^#\n]+: \[', TABLE.read_text(), re.MULTILINE)) == len(
        table()
    )  # none twice


def test_nobody_without_an_account_is_let_in() -> None:
    doors = {address.rstrip("/").rpartition("/")[2] for address in OPEN} | {
        "login",
        "/admin/login/",
        "api-tokens-leaked",
    }

    let_in = {key for key, row in table().items() if not set(of(row, "anonymous")) <= {302, 401}}

    assert {key.partition(" ")[2] for key in let_in} <= doors


@pytest.mark.parametrize("caller", ["outsider", "viewer", "owner", "reviewer"])
def test_what_is_not_shared_does_not_exist(caller: str) -> None:
    found = {key: of(row, caller)[1] for key, row in table().items() if len(row) == 2}

    # 403 is for those who may not ask at all, whatever it is about.
    seen = {
        key for key, status in found.items() if status not in (404, 405)
        and not (status == 403 and of(table()[key], caller)[0] == 403)
    }  # fmt: skip
    assert not seen


@pytest.mark.parametrize(("caller", "besides"), [("outsider", set()), ("viewer", set()), ("auditor", ORDERS)])
def test_who_only_reads_changes_nothing(caller: str, besides: set[str]) -> None:
    let_in = {
        key for key, row in table().items() if not key.startswith("GET") and set(of(row, caller)) & LET_IN
    }

    assert {key for key in let_in - OWN - besides if "admin:" not in key and "/admin/" not in key} == set()


def test_what_one_may_not_see_and_what_does_not_exist_are_the_same_answer(world: World) -> None:
    """The same words from the same number of queries: nothing is learned from an answer or from its time."""
    told = []
    for route in [one for one in walk.routes() if one.is_about_something]:
        for method in (one for one in METHODS if f"{one} {route.name}" in table()):
            for caller in ("outsider", "owner"):
                places = world.address(route, world.hidden), walk.elsewhere(route, world.hidden)
                one, other = (asked(world, caller, method, route, place) for place in places)
                told += (
                    [f"{method} {route.name}, {caller}: {one[:2]} and {other[:2]}"] if one != other else []
                )

    assert not told, "\n".join(told)


def asked(world: World, caller: str, method: str, route: Route, address: str) -> tuple[int, int, str]:
    """Status, number of queries, and what is said, without what differs from request to request."""
    with CaptureQueriesContext(connection) as queries:
        answer = world.answer(caller, method, route, address)
    body = "" if answer.streaming else answer.content.decode()
    # The id of the request, and the token of its forms, whose quotes a header of htmx escapes.
    body = re.sub(r"\b(?:[0-9A-Za-z]{64}|[0-9a-f]{32})\b", "", body)
    return answer.status_code, len(queries), body.replace(address, "")

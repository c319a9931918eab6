"""The pages of lineage: escaped, narrowed to one side, state first, and the same cost for two rows as for twenty."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.models import Dataset, User, Version
from tests import factories
from tests.registry.lineage_rows import COMMIT, furnished, made

AsUser = Callable[[User], Client]
HOSTILE = "<script>alert(1)</script>\"'&"
pytestmark = pytest.mark.django_db


def lineage_of(version: Version) -> str:
    return f"{version.get_absolute_url()}lineage/"


def test_every_part_of_the_drawing_leads_to_its_facts(auditor: User, as_user: AsUser) -> None:
    page = as_user(auditor).get(lineage_of(furnished())).content.decode()

    drawing = page[page.index("<svg xmlns") : page.index("</svg>", page.index("<svg xmlns"))]
    targets = set(re.findall(r'href="#([\w-]+)"', drawing))
    assert {target.partition("-")[0] for target in targets} == {
        "dataset", "snapshot", "commit", "environment", "person", "server", "run", "stage", "version", "endpoint", "system",
    }  # fmt: skip
    assert targets <= set(re.findall(r'<dl class="facts close" id="([\w-]+)"', page))


def test_one_side_of_a_part_is_shown_alone(auditor: User, as_user: AsUser) -> None:
    version = furnished()
    browser, address = as_user(auditor), lineage_of(version)

    def kinds(**query: str) -> set[str]:
        page = browser.get(address, query).content.decode()
        return {name.partition("-")[0] for name in re.findall(r'<dl class="facts close" id="([\w-]+)"', page)}

    whole = kinds()
    focus = f"version-{version.pk}"
    assert kinds(focus=focus, direction="downstream") == {"version", "endpoint", "system"}
    assert kinds(focus=focus, direction="upstream") == whole - {"endpoint", "system"}
    assert kinds(focus=focus) == kinds(focus="nothing", direction="upstream") == whole


@pytest.mark.parametrize("where", ["lineage/", "bom/"])
def test_words_from_outside_stay_words(auditor: User, as_user: AsUser, where: str) -> None:
    version = made(dataset=HOSTILE, base=HOSTILE, packages=[f"numpy; {HOSTILE}"])
    version.run.user_name = HOSTILE  # type: ignore[union-attr]
    version.run.params |= {HOSTILE: HOSTILE}  # type: ignore[union-attr]
    version.run.save()  # type: ignore[union-attr]

    page = as_user(auditor).get(f"{version.get_absolute_url()}{where}").content.decode()

    assert "<script>alert" not in page
    assert "<script>alert" in unescape(page)


def test_affected_versions_say_their_state_first_and_cleared_ones_come_first(
    auditor: User, as_user: AsUser
) -> None:
    cleared = factories.approved_version()
    dataset = factories.training_data(cleared)
    factories.version(dataset=dataset.name, model=factories.model(name="a-first-by-name"))

    page = as_user(auditor).get(f"/datasets/{dataset.slug}/lineage/").content.decode()

    heads = re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', page)
    assert heads[0] == "State"
    table = page[page.index("Affected versions") :]
    assert (
        table.index("Cleared for production") < table.index(str(cleared)) < table.index("a-first-by-name v1")
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"package": "SCIKIT-learn", "version": "1.5.0"}, True),
        ({"package": "scikit-learn", "version": "1.5"}, False),
        ({"package": "numpy"}, True),
        ({"commit": COMMIT[:7]}, True),
        ({"commit": COMMIT[:6]}, False),
        ({"base": "bert-base"}, True),
        ({"package": "x" * 5_000, "version": "%"}, False),
    ],
)
def test_who_contains_ran_or_stands_on_it(
    auditor: User, outsider: User, as_user: AsUser, query: dict[str, str], found: bool
) -> None:
    version = made(base="bert-base")

    page = as_user(auditor).get("/lineage/affected/", query)

    assert page.status_code == 200
    assert (str(version) in page.content.decode()) == found
    assert str(version) not in as_user(outsider).get("/lineage/affected/", query).content.decode()


def test_twenty_affected_versions_cost_what_two_cost(auditor: User, as_user: AsUser) -> None:
    browser = as_user(auditor)

    def cost(query: dict[str, str]) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert browser.get("/lineage/affected/", query).status_code == 200
        return len(queries)

    asked = [{"package": "numpy"}, {"commit": COMMIT}, {"base": "bert-base"}]
    for _ in range(2):
        factories.system(model=made(base="bert-base").model)
    few = [cost(query) for query in asked]
    for _ in range(18):
        factories.system(model=made(base="bert-base").model)

    assert [cost(query) for query in asked] == few
    assert max(few) <= 14


def test_the_table_to_take_away_holds_every_material_and_no_formula(auditor: User, as_user: AsUser) -> None:
    version = furnished("=HYPERLINK(1)")

    answer = as_user(auditor).get(f"{version.get_absolute_url()}bom.csv")

    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert answer["Content-Disposition"] == f'attachment; filename="{version.model.slug}-v1-bom.csv"'
    assert rows[0] == ["kind", "name", "version", "bytes", "algorithm", "digest"]
    assert ["package", "scikit_learn", "1.5.0", "", "", ""] in rows
    assert ["dataset (training)", "'=HYPERLINK(1)", "", "", "MLflow (weak)", "5f1b7c2e"] in rows
    assert Dataset.objects.filter(name="=HYPERLINK(1)").exists()

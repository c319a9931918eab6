"""The lists as pages and as tables: what is asked, shown, marked, exported, and how much it costs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.views.lists import HITS
from registry.actions import documents
from registry.documents.content import blank
from registry.models import Model, User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


def table(browser: Client, address: str) -> list[dict[str, str]]:
    """The exported table, a dictionary a row."""
    text = browser.get(address).getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), strict=True))


def many(count: int) -> None:
    server = factories.tracking_server()
    for number in range(count):
        version = factories.version(model=factories.model(server=server, name=f"scorer-{number:03}"))
        factories.save(version, mark=f"calibrated {number}")
        factories.system(model=version.model)


def test_the_table_is_exactly_the_filtered_list_in_its_order(owner: User, as_user: AsUser) -> None:
    cleared = factories.approved_version(factories.version(model=factories.model(name="b-cleared")))
    factories.version(model=factories.model(name="a-bare"))
    factories.version(model=factories.model(name="c-secret", shared=False))
    browser = as_user(owner)

    every = table(browser, "/models.csv?sort=-name")
    [one] = table(browser, "/models.csv?state=cleared")

    assert [row["Model"] for row in every] == ["b-cleared", "a-bare"]
    assert [row["State"] for row in every] == ["Cleared", "No card"]
    assert one["Risk class"] == "Limited risk"
    assert one["Systems"] == cleared.model.systems.get().name
    assert one["Versions"] == "1"
    assert one["Address"].endswith(cleared.model.get_absolute_url())
    assert table(browser, "/models.csv?q=nothing") == []


def test_the_file_is_named_by_list_and_day(owner: User, as_user: AsUser) -> None:
    for page in ("models", "systems", "datasets"):
        answer = as_user(owner).get(f"/{page}.csv")
        named = f'attachment; filename="{page}-{timezone.now().date()}.csv"'
        assert answer.headers["Content-Disposition"] == named


def test_no_cell_of_a_table_is_a_formula(owner: User, as_user: AsUser) -> None:
    version = factories.version(model=factories.model(name="=1+1"), dataset="@SUM(A1)")
    Model.objects.filter(pk=version.model_id).update(
        description='=HYPERLINK("http://evil")', tags={"team": "+1"}
    )
    factories.system(model=version.model)
    version.model.systems.update(name="-2+3", intended_purpose="\t=cmd", edition=F("edition") + 1)
    browser = as_user(owner)

    cells = [
        cell
        for page in ("models", "systems", "datasets")
        for row in table(browser, f"/{page}.csv")
        for cell in row.values()
    ]

    assert {"'=1+1", "'@SUM(A1)", "'-2+3", "'+1"} <= set(cells)
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))]


def test_a_table_takes_its_rows_in_chunks(
    owner: User, as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.views.lists.CHUNK", 3)
    many(7)

    rows = table(as_user(owner), "/models.csv")

    assert [row["Model"] for row in rows] == [f"scorer-{number:03}" for number in range(7)]
    assert all(row["Systems"] for row in rows)


def test_what_is_asked_stands_on_the_page_with_a_way_to_take_it_away(owner: User, as_user: AsUser) -> None:
    factories.approved_version()

    page = as_user(owner).get("/models/?state=cleared&risk=limited&changed_within=7").content.decode()

    assert '<option value="cleared" selected>' in page
    assert 'href="?changed_within=7&amp;risk=limited"' in page
    assert 'href="/models.csv?changed_within=7&amp;risk=limited&amp;state=cleared"' in page
    assert '<details class="more-filters" open>' in page
    assert 'name="query" value="changed_within=7&amp;risk=limited&amp;state=cleared"' in page


def test_a_page_of_a_filtered_list_leads_to_the_next_one(owner: User, as_user: AsUser) -> None:
    server = factories.tracking_server()
    for number in range(HITS + 3):
        factories.model(server=server, name=f"gadget {number:02}")
    browser = as_user(owner)
    for sort in ("name", "-changed", "relevance"):
        first = browser.get(f"/models/?q=gadget&sort={sort}")
        older = first.context["page"].older
        second = browser.get(f"/models/{older}")
        names = [row.name for answer in (first, second) for row in answer.context["page"]]
        assert len(names) == len(set(names)) == HITS + 3, sort
        assert first.context["count"] == second.context["count"] == HITS + 3


def test_hits_are_marked_and_nothing_of_a_text_is_markup(owner: User, as_user: AsUser) -> None:
    version = factories.version()
    content = blank("card")
    content["intended_use"]["uses"] = "A <script>alert(1)</script> calibrated score"
    documents.save(about=version, content=content, on_top_of=0, by=owner)

    for address in ("/models/?q=calibrated", "/search/?q=calibrated"):
        page = as_user(owner).get(address).content.decode()
        assert "<mark>calibrated</mark>" in page, address
        assert "in the card of version 1, Intended uses" in page, address
        assert "&lt;script&gt;alert(1)" in page, address
        assert "<script>alert" not in page, address


@pytest.mark.parametrize("text", ["%00", "'", '"%2b-|:*', "a" * 10_000, "%ff%fe", "((((", "-", "or"])
def test_no_query_breaks_a_page_or_a_table(text: str, owner: User, as_user: AsUser) -> None:
    factories.version()
    browser = as_user(owner)

    for address in ("/models/", "/systems/", "/datasets/", "/search/", "/models.csv", "/api/v1/models/"):
        assert browser.get(f"{address}?q={text}").status_code in (200, 400), address


def test_every_page_has_the_search_and_its_key(owner: User, as_user: AsUser) -> None:
    page = as_user(owner).get("/reviews/").content.decode()

    assert 'action="/search/"' in page
    assert 'data-key="/"' in page


def test_an_empty_list_says_whether_it_is_the_filter(owner: User, as_user: AsUser) -> None:
    browser = as_user(owner)

    assert "No models yet" in browser.get("/models/").content.decode()
    for page in ("models", "systems", "datasets"):
        assert "Nothing matches" in browser.get(f"/{page}/?q=nowhere").content.decode()
    assert "Nothing matches" in browser.get("/search/?q=nowhere").content.decode()


# The queries of a page with something searched, the four that stand before every page among them.
SEARCHED = {
    # keys; models bare; rows; index, stems and cards for snippets; what is to be seen, for the options; options; saved
    "/models/?q=calibrated": 13,
    "/models/?q=scorer&state=not-cleared&risk=limited&why=card": 13,  # the names say it all: no card is opened
    "/systems/?q=system": 11,
    "/datasets/?q=dataset": 11,
    "/search/?q=calibrated": 12,  # keys; hits of each kind; rows, stems and cards for snippets
}


def test_no_search_asks_more_with_more_rows(as_user: AsUser) -> None:
    user = factories.member("owner")
    factories.member("reviewer", "owner")
    many(2)
    few = {address: asked(as_user(user), address) for address in SEARCHED}
    many_more = [factories.version(model=factories.model(name=f"scorer-more-{n}")) for n in range(9)]
    for version in many_more:
        factories.save(version, mark="calibrated")
        factories.save(factories.training_data(version), mark="calibrated")
        factories.system(model=version.model)

    more = {address: asked(as_user(user), address) for address in SEARCHED}

    assert few == SEARCHED
    assert more == SEARCHED


def asked(browser: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(address).status_code == 200
    return len(queries)

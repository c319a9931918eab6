"""Saved filters: one's own, named once, and only what the list understands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from audit.models import Entry
from governance.actions import filters
from governance.models import SavedFilter
from registry.errors import Invalid, Missing
from registry.models import User

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


def saved(by: User, name: str = "Mine", query: str = "state=cleared", page: str = "models") -> SavedFilter:
    return filters.save(page=page, name=name, query=query, by=by)


def test_a_filter_is_kept_as_the_list_writes_it(owner: User) -> None:
    one = saved(owner, query="?state=cleared&risk=&q=credit&after=x")

    assert one.query == "q=credit&state=cleared"
    assert one.get_absolute_url() == "/models/?q=credit&state=cleared"


@pytest.mark.parametrize(
    ("page", "query", "field"),
    [
        ("models", "colour=red", "query"),
        ("models", "state=maybe", "query"),
        ("models", "sort=size", "query"),
        ("models", "sort=relevance", "query"),
        ("systems", "state=cleared", "query"),
        ("models", "", "query"),
        ("models", "state=", "query"),
        ("models", "after=x", "query"),
        ("reviews", "state=cleared", "page"),
    ],
)
def test_what_the_list_does_not_know_is_refused(owner: User, page: str, query: str, field: str) -> None:
    with pytest.raises(Invalid) as told:
        saved(owner, page=page, query=query)

    assert list(told.value.fields) == [field]
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\x00"])
def test_a_name_is_given_and_short(owner: User, name: str) -> None:
    with pytest.raises(Invalid) as told:
        saved(owner, name=name)

    assert list(told.value.fields) == ["name"]


def test_a_name_is_used_once_by_a_person_for_a_list(owner: User, auditor: User) -> None:
    one = saved(owner)
    saved(auditor)
    saved(owner, page="systems", query="risk=high")
    other = saved(owner, name="Other")

    with pytest.raises(Invalid, match="choose another name"):
        saved(owner)
    with pytest.raises(Invalid, match="choose another name"):
        filters.rename(saved=other, name="Mine", by=owner)
    assert filters.rename(saved=one, name="Mine", by=owner).name == "Mine"
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedFilter.objects.filter(pk=other.pk).update(name="Mine")


@pytest.mark.parametrize("change", [{"page": "reviews"}, {"name": ""}, {"query": ""}])
def test_the_database_refuses_a_filter_that_says_nothing(owner: User, change: dict[str, str]) -> None:
    one = saved(owner)

    with pytest.raises(IntegrityError), transaction.atomic():
        SavedFilter.objects.filter(pk=one.pk).update(**change)


def test_others_filters_do_not_exist(owner: User, admin: User, as_user: AsUser) -> None:
    one = saved(owner)

    for deed in (
        lambda: filters.rename(saved=one, name="x", by=admin),
        lambda: filters.delete(saved=one, by=admin),
    ):
        with pytest.raises(Missing):
            deed()
    browser = as_user(admin)
    for address in (f"/filters/{one.pk}/rename/", f"/filters/{one.pk}/delete/"):
        assert browser.post(address, {"name": "x"}).status_code == 404
    assert "Mine" not in browser.get("/models/").content.decode()
    assert SavedFilter.objects.get().name == "Mine"


def test_there_is_an_end_to_them(owner: User) -> None:
    for number in range(filters.MOST):
        saved(owner, name=str(number))

    with pytest.raises(Invalid, match="delete one first"):
        saved(owner)


def test_the_trail_does_not_tell_what_somebody_looks_for(owner: User) -> None:
    before = Entry.objects.count()

    filters.delete(saved=filters.rename(saved=saved(owner), name="x", by=owner), by=owner)

    assert Entry.objects.count() == before


def test_the_pages_save_show_rename_and_delete(owner: User, as_user: AsUser) -> None:
    browser = as_user(owner)

    made = browser.post("/filters/", {"page": "models", "name": "High <b>risk</b>", "query": "risk=high"})
    one = SavedFilter.objects.get()
    shown = browser.get(made.headers["Location"]).content.decode()
    browser.post(f"/filters/{one.pk}/rename/", {"name": "High"})
    renamed = browser.get("/models/").content.decode()
    gone = browser.post(f"/filters/{one.pk}/delete/")

    assert made.headers["Location"] == "/models/?risk=high"
    assert 'aria-current="page">High &lt;b&gt;risk&lt;/b&gt;</a>' in shown
    assert '<a href="?risk=high">High</a>' in renamed
    assert gone.headers["Location"] == "/models/"
    assert not SavedFilter.objects.exists()


def test_a_filter_that_cannot_be_saved_is_told_why(owner: User, as_user: AsUser) -> None:
    answer = as_user(owner).post("/filters/", {"page": "models", "name": "x", "query": "colour=red"})

    assert answer.status_code == 400
    assert "does not know this: colour" in answer.content.decode()

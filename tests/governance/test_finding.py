"""Each filter finds what it says, for whoever may see it and nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.http import QueryDict
from django.utils import timezone

from governance.actions import clearances
from governance.finding import datasets, models, systems
from governance.finding.criteria import Plan, reread
from governance.finding.everywhere import search
from governance.finding.plans import PLANS
from registry.actions import catalogue
from registry.models import Dataset, Document, Model, SearchRow, System, User, Version
from registry.search.query import parse
from tests import factories

pytestmark = pytest.mark.django_db


def found(user: User, asked: str, plan: Plan = models.PLAN) -> set[str]:
    """The names that the list shows."""
    return set(plan.matching(user, reread(plan, asked)).values_list("name", flat=True))


@pytest.fixture
def house(owner: User) -> dict[str, Model]:
    """A cleared model, one whose card waits, one suspended, one without a card, one prohibited."""
    cleared = factories.approved_version(factories.version(model=factories.model(name="cleared")))
    waiting = factories.version(model=factories.model(name="waiting"))
    factories.system(model=waiting.model, risk_class="high")
    factories.submitted_review(waiting)
    stopped = factories.approved_version(factories.version(model=factories.model(name="stopped")))
    clearances.suspend(version=stopped, reason="It drifts.", by=factories.member("reviewer"))
    bare = factories.version(model=factories.model(name="bare"))
    factories.system(model=bare.model, risk_class="")
    lone = factories.version(model=factories.model(name="lone"))
    catalogue.move_aliases(model=cleared.model, aliases={"champion": 1}, by=User.machine())
    Model.objects.filter(name="cleared").update(tags={"team": "credit"})
    Version.objects.filter(pk=lone.pk).update(model_file={"flavors": {"onnx": {}}})
    Version.objects.filter(pk=bare.pk).update(registered_at=timezone.now() - timedelta(days=40))
    Model.objects.filter(name="bare").update(created_at=timezone.now() - timedelta(days=400))
    return {one.name: one for one in Model.objects.all()}


TRUTH = [
    ("", {"cleared", "waiting", "stopped", "bare", "lone"}),
    ("state=cleared", {"cleared"}),
    ("state=not-cleared", {"waiting", "stopped"}),
    ("state=ungoverned", {"bare", "lone"}),
    ("state=cleared&environment=staging", {"cleared"}),
    ("why=card", {"waiting", "bare", "lone"}),
    ("why=suspension", {"stopped"}),
    ("why=risk", {"bare", "lone"}),
    ("why=card&state=not-cleared", {"waiting"}),
    ("risk=high", {"waiting"}),
    ("risk=limited", {"cleared", "stopped"}),
    ("risk=undecided", {"bare"}),
    ("risk=none", {"lone"}),
    ("risk=prohibited", set()),
    ("team=credit", {"cleared"}),
    ("team=Credit", set()),
    ("flavour=onnx", {"lone"}),
    ("alias=champion", {"cleared"}),
    ("alias=champ", set()),
    ("changed_within=30", {"cleared", "waiting", "stopped", "lone"}),
    ("changed_within=90", {"cleared", "waiting", "stopped", "bare", "lone"}),
    ("changed_within=older", set()),
    ("q=champ", {"cleared"}),
    ("q=champ&state=not-cleared", set()),
    ("state=nonsense&unknown=1&changed_within=5", {"cleared", "waiting", "stopped", "bare", "lone"}),
]


def test_each_filter_of_models_finds_what_it_says(house: dict[str, Model], owner: User) -> None:
    assert {asked: found(owner, asked) for asked, _ in TRUTH} == dict(TRUTH)


def test_the_latest_version_says_why_and_a_later_risk_decision_holds(
    house: dict[str, Model], owner: User
) -> None:
    factories.version(model=house["stopped"], number=2)
    factories.decide(house["waiting"].systems.get(), "minimal")

    assert found(owner, "why=suspension") == set()
    assert "stopped" in found(owner, "why=card")
    assert found(owner, "risk=high") == set()
    assert found(owner, "risk=minimal") == {"waiting"}


def test_a_row_says_why_it_is_not_cleared(house: dict[str, Model], owner: User) -> None:
    rows = {
        row.name: row
        for row in models.PLAN.rows(owner, reread(models.PLAN, ""), [one.pk for one in house.values()])
    }

    assert rows["waiting"].unmet[-1] == "The card waits for its review."
    assert rows["stopped"].unmet == ["Suspended: It drifts."]
    assert rows["cleared"].unmet == []
    assert [rows[name].said_state for name in ("cleared", "waiting", "bare")] == [
        "Cleared", "Not cleared", "No card",
    ]  # fmt: skip


def test_only_what_is_visible_is_found_counted_and_offered(
    owner: User, auditor: User, outsider: User
) -> None:
    for name, shared in (("shared-scorer", True), ("secret-scorer", False)):
        version = factories.version(model=factories.model(name=name, shared=shared))
        Model.objects.filter(name=name).update(tags={"team": f"team {name}"})
        catalogue.move_aliases(model=version.model, aliases={f"alias-{name}": 1}, by=User.machine())

    for asked in ("", "q=scorer", "state=ungoverned", "risk=none", "changed_within=7"):
        assert found(owner, asked) == {"shared-scorer"}, asked
        assert found(auditor, asked) == {"shared-scorer", "secret-scorer"}, asked
        assert found(outsider, asked) == set(), asked
    for asked in ("q=secret", "team=team+secret-scorer", "alias=alias-secret-scorer"):
        assert found(owner, asked) == found(outsider, asked) == set(), asked
        assert found(auditor, asked) == {"secret-scorer"}, asked
    assert models.occurring(owner, models.PLAN.chosen({})) == {
        "team": [("team shared-scorer", 1)], "flavour": [], "alias": [("alias-shared-scorer", 1)],
    }  # fmt: skip
    assert len(models.occurring(auditor, models.PLAN.chosen({}))["team"]) == 2
    assert not any(models.occurring(outsider, models.PLAN.chosen({})).values())


def test_search_over_everything_shows_what_is_visible_by_kind(
    owner: User, auditor: User, outsider: User
) -> None:
    for shared in (True, False):
        version = factories.version(
            model=factories.model(name=f"gadget-{shared}", shared=shared), dataset=f"gadget data {shared}"
        )
        factories.save(version, mark="gadget", by=member_who_sees(version))
        factories.save(factories.training_data(version), mark="gadget", by=member_who_sees(version))
        System.objects.create(
            slug=f"gadget-{shared}", name=f"gadget desk {shared}", intended_purpose="x", operator_role="provider", created_by=auditor
        ).models.add(version.model)  # fmt: skip

    def seen(user: User) -> dict[str, int]:
        return {group.kind: group.count for group in search(user, parse("gadget"))}

    assert seen(auditor) == {"model": 2, "system": 2, "dataset": 2, "document": 4}
    assert seen(owner) == {"model": 1, "system": 1, "dataset": 1, "document": 2}
    assert seen(outsider) == {"model": 0, "system": 0, "dataset": 0, "document": 0}
    assert search(owner, parse("")) == []
    only = search(auditor, parse("gadget"), kinds=("document",), shown=1)
    assert [(group.kind, len(group.hits), group.count) for group in only] == [("document", 1, 4)]


def member_who_sees(version: Version) -> User:
    """An owner with whom the model of this version is shared for this one deed."""
    writer = factories.member("owner", f"writer-{version.pk}")
    factories.share(version.model, writer)
    return writer


def test_systems_by_risk_role_models_and_date(
    owner: User, outsider: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = factories.model()
    high = factories.system(model=model, risk_class="high")
    with monkeypatch.context() as past:  # when a system was registered never changes afterwards
        long_ago = timezone.now() - timedelta(days=100)
        past.setattr("django.db.models.fields.timezone.now", lambda: long_ago)
        open_ = factories.system(model=model, risk_class="")
    System.objects.filter(pk=open_.pk).update(operator_role="deployer", edition=F("edition") + 1)

    def names(asked: str, user: User = owner) -> set[str]:
        return found(user, asked, systems.PLAN)

    assert names("risk=high") == names("role=provider") == names("registered_within=7") == {high.name}
    assert (
        names("risk=undecided") == names("role=deployer") == names("registered_within=older") == {open_.name}
    )
    assert names("uses=some") == {high.name, open_.name}
    assert names("uses=none") == names("risk=high", outsider) == set()


def test_the_number_of_models_of_a_system_counts_visible_ones_only(owner: User, auditor: User) -> None:
    system = factories.system(model=factories.model())
    system.models.add(factories.model(shared=False))
    plan = systems.PLAN

    assert [plan.rows(user, reread(plan, ""), [system.pk])[0].model_count for user in (owner, auditor)] == [
        1,
        2,
    ]


def test_datasets_by_datasheet_and_change(owner: User) -> None:
    written, missing = factories.version(), factories.version()
    factories.save(factories.training_data(written))
    old = factories.training_data(missing)
    Dataset.objects.filter(pk=old.pk).update(first_seen_at=timezone.now() - timedelta(days=100))

    assert found(owner, "datasheet=missing", datasets.PLAN) == {old.name}
    assert found(owner, "changed_within=older", datasets.PLAN) == {old.name}
    assert found(owner, "datasheet=written&changed_within=7", datasets.PLAN) == {
        factories.training_data(written).name
    }


@pytest.mark.parametrize("page", PLANS)
def test_every_criterion_and_sort_can_be_asked_alone_and_with_all_others(page: str, owner: User) -> None:
    plan = PLANS[page]
    factories.approved_version()
    every = {one.name: one.options[0][0] if one.options else "x" for one in plan.criteria} | {"q": "a"}

    for asked in [*({name: value} for name, value in every.items()), every]:
        for sort in ("", *plan.sorts, *(f"-{sort}" for sort in plan.sorts), "relevance"):
            chosen = plan.chosen({**asked, "sort": sort})
            assert list(plan.ordered(owner, chosen).order_by(chosen.by, "pk")) is not None
            assert plan.matching(owner, chosen).count() <= 1


def test_an_address_is_written_in_one_way_and_chips_take_away_one_thing_each() -> None:
    chosen = reread(models.PLAN, "state=cleared&q=credit&risk=high&unknown=1&after=x&sort=-changed")

    assert chosen.address == "q=credit&risk=high&state=cleared&sort=-changed"
    assert reread(models.PLAN, chosen.address).address == chosen.address
    assert {chip["label"]: chip["url"] for chip in chosen.chips} == {
        "Search": "?risk=high&state=cleared&sort=-changed",
        "State": "?q=credit&risk=high&sort=-changed",
        "Risk class": "?q=credit&state=cleared&sort=-changed",
    }
    assert dict(QueryDict(chosen.address).items())["sort"] == "-changed"


def test_a_model_with_very_many_aliases_is_saved_and_found_by_each(owner: User) -> None:
    version = factories.version()
    aliases: dict[str, Any] = {f"{'ü' * 200}-{n}": 1 for n in range(60)}

    catalogue.move_aliases(model=version.model, aliases=aliases, by=User.machine())

    row = SearchRow.objects.get(model=version.model)
    assert len(row.aliases) == 60
    assert 0 < sum(len(word.encode()) for word in row.offered) <= 2000
    assert found(owner, f"alias={'ü' * 200}-59"[:206]) <= {version.model.name}


def test_documents_are_found_by_their_text(owner: User) -> None:
    version = factories.version()
    factories.save(version, mark="marvellous")

    [group] = search(owner, parse("marvel"), kinds=("document",))

    assert [hit.subject for hit in group.hits] == [Document.objects.get(version=version)]
    assert group.hits[0].snippet is not None

"""AI systems: changed by editions, told with before and after, retired and never deleted."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from audit.models import Entry
from governance.actions import risk
from governance.models import Clearance
from registry.actions import systems
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import System, User, Version
from tests import factories

API = "/api/v1"
AsUser = Callable[[User], Client]


@pytest.fixture
def system(db: None) -> System:
    """In service, with its risk class decided and one cleared version."""
    return factories.approved_version().model.systems.get()


def edited(system: System, by: User, **changed: Any) -> System:
    facts = {name: getattr(system, name) for name in ("name", "intended_purpose", "operator_role", "team")}
    return systems.edit(system=system, **({"on_top_of": system.edition} | facts | changed), by=by)


def unmet() -> set[str]:
    """The reasons against the only version, in production."""
    return {
        row["reason"] for row in Clearance.objects.get(environment="production").conditions if not row["met"]
    }


def said() -> str:
    entry = Entry.objects.newest().filter(kind__startswith="system.").first()
    assert entry is not None
    return entry.kind


class TestEditing:
    def test_each_changed_field_is_told_with_before_and_after(self, system: System, owner: User) -> None:
        before = system.intended_purpose

        after = edited(system, owner, intended_purpose=" Sort letters. ", team="Letters")

        told = {
            entry.facts["facts"]["field"]: entry.facts["facts"]
            for entry in Entry.objects.filter(kind="system.edited")
        }
        assert set(told) == {"intended_purpose", "team"}
        assert told["intended_purpose"]["before"] == before
        assert told["intended_purpose"]["after"] == after.intended_purpose == "Sort letters."
        assert (told["intended_purpose"]["substance"], told["team"]["substance"]) == (True, False)
        assert after.edition == system.edition + 1
        assert after.slug == system.slug

    def test_nothing_changed_is_no_edition_and_no_event(self, system: System, owner: User) -> None:
        assert edited(system, owner).edition == system.edition
        assert not Entry.objects.filter(kind="system.edited").exists()

    @pytest.mark.parametrize("change", [{"intended_purpose": "Else."}, {"operator_role": "deployer"}])
    def test_another_purpose_or_role_ends_clearances_until_the_risk_class_is_decided_again(
        self, change: dict[str, str], system: System, owner: User
    ) -> None:
        assert unmet() == set()

        edited(system, owner, **change)
        assert unmet() == {"risk_outdated"}

        factories.decide(system, "limited")
        assert unmet() == set()

    def test_a_prohibited_practice_stays_one_whatever_is_written(self, system: System, owner: User) -> None:
        factories.decide(system, "prohibited")

        edited(system, owner, intended_purpose="Quite harmless.")

        assert unmet() == {"risk_prohibited"}

    def test_another_name_or_team_ends_nothing(self, system: System, owner: User) -> None:
        edited(system, owner, name="Renamed", team="Letters")

        assert unmet() == set()

    def test_who_has_read_an_earlier_edition_changes_nothing(self, system: System, owner: User) -> None:
        edited(system, owner, team="First")

        with pytest.raises(Conflict):
            edited(system, owner, team="Second")

        assert System.objects.get().team == "First"

    def test_a_name_is_given_once(self, system: System, owner: User) -> None:
        other = factories.system(model=factories.model())

        with pytest.raises(Invalid) as wrong:
            edited(other, owner, name=system.name.upper())

        assert set(wrong.value.fields) == {"name"}

    def test_all_that_is_wrong_is_said_at_once(self, system: System, owner: User) -> None:
        with pytest.raises(Invalid) as wrong:
            edited(system, owner, name="…", intended_purpose=" ", operator_role="king", team="x" * 201)

        assert set(wrong.value.fields) == {"name", "intended_purpose", "operator_role", "team"}

    def test_only_who_sees_it_and_has_the_role(self, system: System, auditor: User, outsider: User) -> None:
        with pytest.raises(Refused):
            edited(system, auditor, team="x")
        with pytest.raises(Missing):
            edited(system, outsider, team="x")


class TestModels:
    def test_without_a_system_nothing_is_cleared(self, system: System, owner: User) -> None:
        model = system.models.get()

        systems.remove_model(system=system, model=model, by=owner)

        assert unmet() == {"risk_no_system"}
        assert said() == "system.model_removed"
        with pytest.raises(Missing):
            systems.remove_model(system=system, model=model, by=owner)

    def test_each_is_an_edition(self, system: System, owner: User) -> None:
        model = factories.model()

        added = systems.add_model(system=system, model=model, by=owner)
        again = systems.add_model(system=system, model=model, by=owner)
        removed = systems.remove_model(system=system, model=model, by=owner)

        first = system.edition
        assert [added.edition, again.edition, removed.edition] == [first + 1, first + 1, first + 2]


class TestRetiring:
    def test_it_stays_with_its_models_and_its_clearances_end(self, system: System, owner: User) -> None:
        retired = systems.retire(system=system, reason="Replaced.", by=owner)

        assert retired.retired_at
        assert retired.retired_because == "Replaced."
        assert retired.models.count() == 1
        assert unmet() == {"risk_no_system"}
        assert said() == "system.retired"

    def test_a_model_in_another_system_is_judged_by_that_one(self, system: System, owner: User) -> None:
        other = factories.system(model=system.models.get(), risk_class="")

        systems.retire(system=other, reason="A mistake.", by=owner)

        assert unmet() == set()

    def test_nothing_about_it_changes_any_more(self, system: System, owner: User, compliance: User) -> None:
        systems.retire(system=system, reason="Replaced.", by=owner)
        model, system = factories.model(), System.objects.get()

        for deed in (
            lambda: edited(system, owner, team="x"),
            lambda: systems.add_model(system=system, model=model, by=owner),
            lambda: systems.remove_model(system=system, model=system.models.get(), by=owner),
            lambda: systems.retire(system=system, reason="Again.", by=owner),
            lambda: risk.decide(system=system, risk_class="high", rationale="x", by=compliance),
        ):
            with pytest.raises(Conflict):
                deed()

    @pytest.mark.parametrize("reason", ["", " ", "x" * 501])
    def test_for_a_reason(self, reason: str, system: System, owner: User) -> None:
        with pytest.raises(Invalid):
            systems.retire(system=system, reason=reason, by=owner)


class TestTheDatabase:
    """The same rules, for whoever comes past the verbs."""

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM registry_system",
            "UPDATE registry_system SET team = 'x'",
            "UPDATE registry_system SET team = 'x', edition = edition + 2",
            "UPDATE registry_system SET slug = 'x', edition = edition + 1",
            "UPDATE registry_system SET retired_at = now(), edition = edition + 1",
            "UPDATE registry_system SET retired_because = 'x', edition = edition + 1",
            "UPDATE registry_system SET operator_role = 'king', edition = edition + 1",
        ],
    )
    def test_refuses(self, statement: str, system: System) -> None:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE registry_system SET retired_at = NULL, retired_because = '', edition = edition + 1",
            "UPDATE registry_system SET team = 'x', edition = edition + 1",
            "DELETE FROM registry_system_models",
            """INSERT INTO registry_system_models (system_id, model_id)
               SELECT s.id, m.id FROM registry_system s, registry_model m WHERE m.name = 'another'""",
        ],
    )
    def test_lets_a_retired_one_rest(self, statement: str, system: System, owner: User) -> None:
        factories.model(name="another")
        systems.retire(system=system, reason="Replaced.", by=owner)

        with (
            pytest.raises(DatabaseError, match="retired"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

    def test_dates_a_new_purpose_whoever_writes_it(self, system: System) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE registry_system SET intended_purpose = 'Else.', redefined_at = NULL, edition = edition + 1"
            )

        assert System.objects.get().redefined_at > system.created_at  # type: ignore[operator]

    def test_knows_a_name_once(self, system: System, owner: User) -> None:
        with pytest.raises(IntegrityError, match="system_name_once"), transaction.atomic():
            System.objects.create(
                slug="x",
                name=system.name.upper(),
                intended_purpose="x",
                operator_role="provider",
                created_by=owner,
            )


@pytest.mark.django_db(transaction=True)
def test_of_two_who_have_read_the_same_one_changes_it(owner: User) -> None:
    system = factories.system(model=factories.model())
    start = threading.Barrier(2)

    def change(team: str) -> str:
        start.wait(20)
        try:
            return edited(system, owner, team=team).team
        except Conflict:
            return ""
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(change, ["one", "two"]))

    assert min(done) == ""
    assert System.objects.get().team == max(done) != ""


class TestByRest:
    def change(self, browser: Client, system: System, body: Any, **headers: str) -> Any:
        return browser.patch(
            f"{API}/systems/{system.slug}/",
            json.dumps(body),
            content_type="application/json",
            headers=headers,
        )

    def test_what_was_read_is_changed_and_the_rest_stays(
        self, system: System, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        read = browser.get(f"{API}/systems/{system.slug}/")

        answer = self.change(browser, system, {"team": "Letters"}, **{"If-Match": read.headers["ETag"]})

        assert answer.status_code == 200
        assert answer.json() == read.json() | {"team": "Letters", "edition": system.edition + 1}
        again = browser.get(
            f"{API}/systems/{system.slug}/", headers={"If-None-Match": answer.headers["ETag"]}
        )
        assert again.status_code == 304

    def test_without_having_read_or_after_somebody_else_nothing_is_changed(
        self, system: System, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        tag = browser.get(f"{API}/systems/{system.slug}/").headers["ETag"]

        assert self.change(browser, system, {"team": "x"}).status_code == 428
        edited(system, owner, team="Meanwhile")
        assert self.change(browser, system, {"team": "x"}, **{"If-Match": tag}).status_code == 412
        assert System.objects.get().team == "Meanwhile"

    def test_a_decided_risk_class_is_part_of_what_was_read(
        self, system: System, owner: User, as_user: AsUser
    ) -> None:
        tag = as_user(owner).get(f"{API}/systems/{system.slug}/").headers["ETag"]
        factories.decide(system, "high")

        answer = self.change(as_user(owner), system, {"team": "x"}, **{"If-Match": tag})

        assert answer.status_code == 412

    def test_a_new_purpose_is_told_as_outdating_the_risk_class(
        self, system: System, owner: User, as_user: AsUser
    ) -> None:
        answer = self.change(as_user(owner), system, {"intended_purpose": "Else."}, **{"If-Match": "*"})

        assert (answer.json()["risk_class"], answer.json()["risk_outdated"]) == ("limited", True)

    def test_models_come_and_go(self, system: System, owner: User, as_user: AsUser) -> None:
        model, place = factories.model(), f"{API}/systems/{system.slug}/models/"
        browser = as_user(owner)

        added = browser.post(place, {"model": model.slug}, content_type="application/json")
        removed = browser.delete(f"{place}{model.slug}/")

        assert model.slug in added.json()["models"]
        assert removed.status_code == 204
        assert browser.delete(f"{place}{model.slug}/").status_code == 404
        assert browser.post(place, {"model": "x"}, content_type="application/json").status_code == 400

    def test_one_is_retired_once(self, system: System, owner: User, as_user: AsUser) -> None:
        place = f"{API}/systems/{system.slug}/retirement/"
        browser = as_user(owner)

        answers = [browser.post(place, {"reason": "Old."}, content_type="application/json") for _ in "12"]

        assert [answer.status_code for answer in answers] == [200, 409]
        assert answers[0].json()["retired_because"] == "Old."

    def test_the_decisions_on_the_risk_class_are_listed(
        self, system: System, owner: User, outsider: User, as_user: AsUser
    ) -> None:
        factories.decide(system, "high")
        place = f"{API}/systems/{system.slug}/risk/"

        rows = as_user(owner).get(place).json()["results"]

        assert [row["risk_class"] for row in rows] == ["high", "limited"]
        assert as_user(outsider).get(place).status_code == 404


class TestPages:
    def test_the_page_says_that_it_has_changed_since_the_decision(
        self, system: System, owner: User, as_user: AsUser
    ) -> None:
        words = "Changed since the risk class was decided"
        assert words not in as_user(owner).get(system.get_absolute_url()).content.decode()

        edited(system, owner, operator_role="importer")

        assert words in as_user(owner).get(system.get_absolute_url()).content.decode()

    def test_who_was_slower_keeps_what_they_typed(self, system: System, owner: User, as_user: AsUser) -> None:
        typed = {
            "name": system.name,
            "intended_purpose": "What I typed.",
            "operator_role": "provider",
            "team": "",
            "on_top_of": system.edition,
        }
        edited(system, owner, team="Meanwhile")
        browser, place = as_user(owner), f"/systems/{system.slug}/edit/"

        late = browser.post(place, typed)
        known = browser.post(place, typed | {"on_top_of": system.edition + 1})

        text = late.content.decode()
        assert late.status_code == 409
        assert "What I typed." in text
        assert "Meanwhile" in text
        assert f'value="{system.edition + 1}"' in text
        assert known.status_code == 302
        assert System.objects.get().intended_purpose == "What I typed."

    def test_a_model_is_removed_after_a_question(self, system: System, owner: User, as_user: AsUser) -> None:
        place = f"/systems/{system.slug}/models/{system.models.get().slug}/remove/"

        asked = as_user(owner).get(place)
        assert "1 cleared version of the model loses the clearance" in asked.content.decode()
        assert system.models.count() == 1
        as_user(owner).post(place)

        assert system.models.count() == 0

    def test_one_is_retired_for_a_reason(self, system: System, owner: User, as_user: AsUser) -> None:
        place, browser = f"/systems/{system.slug}/retire/", as_user(owner)

        assert "1 version cleared in it is assessed again" in browser.get(place).content.decode()
        assert browser.post(place, {"reason": " "}).status_code == 200
        assert browser.post(place, {"reason": "Old."}).status_code == 302

        shown = browser.get(system.get_absolute_url()).content.decode()
        assert "Old." in shown
        assert "Retire this system" not in shown
        assert browser.get(place).status_code == 409
        assert Version.objects.count() == 1

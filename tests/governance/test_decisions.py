"""The decisions as pages: filters, what comes by itself, reasoning and receipt."""

from __future__ import annotations

import html
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from governance.actions import policies
from governance.finding.decisions import TooSlow, chosen, within_patience
from governance.gate import merkle, reasons, steps
from governance.gate.record import record_digest
from governance.models import Decision
from governance.policies import sentences
from governance.receipts import receipt
from governance.views import decision_stream
from registry.actions import roles
from registry.models import Model, User
from tests import factories
from tests.governance.journal import written

AsUser = Callable[[User], Client]


@pytest.fixture
def model(db: None) -> Model:
    return factories.model()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams look often and end soon; the places of other tests are free."""
    monkeypatch.setattr(decision_stream, "TICK", 0.01)
    monkeypatch.setattr(decision_stream, "SECONDS", 0.3)
    monkeypatch.setattr(decision_stream, "PLACES", decision_stream.Places())


def events(response: Any) -> Iterator[dict[str, Any]]:
    """What a browser would hear."""
    for part in response:
        found = dict(line.split(": ", 1) for line in part.decode().strip().split("\n") if ": " in line)
        if "event" in found:
            yield json.loads(found["data"]) | {"event": found["event"], "id": found.get("id", "")}


def shown(browser: Client, **query: str) -> set[str]:
    page = browser.get("/decisions/", query)
    assert page.status_code == 200
    return {str(one.pk) for one in page.context["page"]}


FILTERS = [
    ("answer", "refused"), ("reason", "not_cleared"), ("environment", "staging"), ("caller", "x"), ("door", "proxy"),
    ("network", "2001:db8::1"), ("token", "5f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), FILTERS)
def test_each_filter_keeps_what_fits_and_nothing_else(
    model: Model, auditor: User, as_user: AsUser, name: str, value: str
) -> None:
    column = {"answer": {"allowed": False}, "reason": {"allowed": False}}.get(name, {name: value})
    fits, _ = written({"model": model.slug} | column, {"model": model.slug})

    assert shown(as_user(auditor), **{name: value}) == {str(fits.pk)}


def test_time_is_a_filter_too(model: Model, auditor: User, as_user: AsUser) -> None:
    now, browser = timezone.now(), as_user(auditor)
    (old,) = written({"model": model.slug}, at=now - timedelta(days=3))
    (new,) = written({"model": model.slug})

    assert shown(browser) == {str(new.pk)}
    assert shown(browser, period="week") == shown(browser, period="all") == {str(old.pk), str(new.pk)}
    assert shown(browser, until=f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}") == {str(old.pk)}
    assert shown(browser, since="nonsense", period="nonsense", token="nonsense") == set()


def test_a_search_that_takes_too_long_says_so(model: Model, auditor: User, as_user: AsUser) -> None:
    with pytest.raises(TooSlow), within_patience(chosen({"network": "192.0.2.1", "period": "all"})):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', '20', true)")
            cursor.execute("SELECT pg_sleep(1)")


def test_a_decision_comes_by_itself_and_once(model: Model, auditor: User, as_user: AsUser) -> None:
    (old,) = written({"model": model.slug}, at=timezone.now() - timedelta(minutes=1))
    response = as_user(auditor).get("/decisions/live/")
    assert response["Content-Type"].startswith("text/event-stream")
    assert response["X-Accel-Buffering"] == "no"
    assert "Content-Encoding" not in response
    (new,) = written({"model": model.slug, "allowed": False})

    found = list(events(response))

    assert len(found) == 1
    assert str(new.pk) in found[0]["rows"]
    assert str(old.pk) not in found[0]["rows"]
    assert (found[0]["count"], found[0]["refused"], found[0]["more"]) == (1, 1, False)


def test_a_stream_is_taken_up_where_it_ended(model: Model, auditor: User, as_user: AsUser) -> None:
    browser, start = as_user(auditor), timezone.now() - timedelta(seconds=60)
    (missed,) = written({"model": model.slug}, at=start + timedelta(seconds=20))

    again = list(events(browser.get("/decisions/live/", headers={"Last-Event-ID": start.isoformat()})))
    after = list(events(browser.get("/decisions/live/", headers={"Last-Event-ID": again[-1]["id"]})))
    polled = browser.get("/decisions/newer/", {"after": start.isoformat()}).json()

    assert str(missed.pk) in again[0]["rows"]
    assert polled["rows"] == again[0]["rows"]
    assert (
        sum(one["count"] for one in after) == 1
    )  # the last seconds once more: one that is stored late may be older


def test_one_that_is_stored_late_is_not_missed(model: Model, auditor: User) -> None:
    look = decision_stream.Look(chosen({}), timezone.now())
    written({"model": model.slug}, at=timezone.now() + timedelta(seconds=1))
    assert (look.again(auditor) or {})["count"] == 1
    (late,) = written({"model": model.slug}, at=timezone.now())

    found = look.again(auditor)

    assert found
    assert str(late.pk) in found["rows"]
    assert look.again(auditor) is None


def test_of_a_flood_the_newest_are_told(model: Model, auditor: User) -> None:
    look, now = decision_stream.Look(chosen({}), timezone.now()), timezone.now()
    for second in range(2):
        written(*({"model": model.slug} for _ in range(40)), at=now + timedelta(seconds=second))

    found = look.again(auditor)

    assert found
    assert (found["count"], found["more"]) == (50, True)


def test_a_stream_tells_nothing_of_hidden_models_and_keeps_to_its_filters(
    model: Model, owner: User, as_user: AsUser
) -> None:
    hidden = factories.model(shared=False)
    response = as_user(owner).get("/decisions/live/", {"answer": "refused"})
    written({"model": hidden.slug, "allowed": False}, {"model": model.slug}, {"model": "", "allowed": False})

    assert list(events(response)) == []


def test_a_model_that_is_shared_no_longer_ends_its_events(
    model: Model, outsider: User, as_user: AsUser
) -> None:
    factories.member("viewer", outsider.username)
    auditing = factories.member("owner", outsider.username)
    one = factories.model(shared=False)
    factories.share(one, auditing)
    look = decision_stream.Look(chosen({}), timezone.now())
    written({"model": one.slug})
    assert look.again(auditing)

    from guardian.shortcuts import remove_perm

    remove_perm("view_model", auditing, one)
    written({"model": one.slug})

    assert look.again(auditing) is None


@pytest.mark.parametrize("change", ["signed out", "switched off", "role taken"])
def test_a_stream_ends_when_its_reader_may_no_longer_read(
    model: Model, auditor: User, as_user: AsUser, change: str
) -> None:
    browser = as_user(auditor)
    response = browser.get("/decisions/live/")
    if change == "signed out":
        browser.logout()
    elif change == "switched off":
        User.objects.filter(pk=auditor.pk).update(is_active=False)
    else:
        roles.take(grant=auditor.grants.get(), by=factories.member("admin"))
    written({"model": model.slug})

    assert [one["event"] for one in events(response)] == ["over"]


def test_places_are_few_and_come_back(
    auditor: User, owner: User, as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decision_stream, "MOST", 4)
    monkeypatch.setattr(decision_stream, "SECONDS", 60.0)  # none ends by itself meanwhile
    browser = as_user(auditor)
    streams = [browser.get("/decisions/live/") for _ in range(3)]

    refused = browser.get("/decisions/live/")
    assert (refused.status_code, refused["Retry-After"]) == (429, "10")
    other = as_user(owner).get("/decisions/live/")
    assert other.status_code == 200
    assert as_user(factories.member("reviewer")).get("/decisions/live/").status_code == 429

    monkeypatch.setattr(decision_stream, "SECONDS", 0.1)
    list(streams[0])  # to its end
    monkeypatch.setattr(decision_stream, "SECONDS", 60.0)
    assert browser.get("/decisions/live/").status_code == 200


def test_places_that_nobody_gave_back_fall_free() -> None:
    places = decision_stream.Places()
    assert all(places.take(1) for _ in range(decision_stream.MOST_EACH))
    assert places.take(1) is None

    time.sleep(2 * decision_stream.SECONDS + 0.05)

    assert places.take(1)


def test_places_are_taken_by_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_stream, "SECONDS", 30.0)
    places, found = decision_stream.Places(), []
    threads = [threading.Thread(target=lambda n=n: found.append(places.take(n))) for n in range(64)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert len([place for place in found if place]) == decision_stream.MOST


def test_every_reason_stands_where_it_is_asked() -> None:
    placed = [code for _, codes in steps.STEPS for code in codes]

    assert set(placed) == set(reasons.CODES) - {
        "allowed",
        "break_glass",
        "stopped",
    }  # the last is told, never journalled
    assert {code for code in placed if placed.count(code) > 1} == {"token_waiting", "limits_unavailable"}


def test_what_was_not_asked_is_not_claimed() -> None:
    states = [step.state for step in steps.walked("not_cleared", allowed=False, door="proxy")]

    assert states == [*["met"] * 14, "failed", "not_asked", "not_asked"]
    assert {step.state for step in steps.walked("allowed", allowed=True, door="proxy")} == {"met"}
    assert [step.state for step in steps.walked("allowed", allowed=True, door="check")].count(
        "not_asked"
    ) == 1
    assert [step.state for step in steps.walked("break_glass", allowed=True, door="proxy")].count(
        "overridden"
    ) == 1
    assert [step.state for step in steps.walked("token_waiting", allowed=False, door="proxy")][4:12] == [
        *["untold"] * 7,
        "not_asked",
    ]
    assert steps.walked("of_a_later_release", allowed=False, door="check") == ()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13])
def test_a_receipt_leads_from_each_decision_to_the_root(model: Model, size: int) -> None:
    made = written(*({"model": model.slug, "caller": f"c{n}"} for n in range(size)))

    for place, one in enumerate(made):
        found = receipt(Decision.objects.select_related("batch").get(pk=one.pk))
        assert found.holds
        assert found.place == place
        assert merkle.climb(bytes.fromhex(one.digest), found.steps or []).hex() == found.decision.batch.root


def test_a_receipt_of_a_changed_row_or_batch_does_not_add_up(
    model: Model, auditor: User, as_user: AsUser
) -> None:
    one, other = written({"model": model.slug}, {"model": model.slug})
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE governance_decision DISABLE TRIGGER USER")
        cursor.execute("UPDATE governance_decision SET caller = 'mallory' WHERE id = %s", [one.pk])
    browser = as_user(auditor)
    assert "the row was changed" in browser.get(f"/decisions/{one.pk}/").content.decode()

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_decision WHERE id = %s", [one.pk])
    assert "do not lead to its root" in browser.get(f"/decisions/{other.pk}/").content.decode()


def test_the_page_of_a_decision_shows_the_policy_of_then(
    model: Model, owner: User, auditor: User, as_user: AsUser
) -> None:
    told = sentences(factories.policy(model, "group:owner").content)
    (one,) = written({"model": model.slug})
    published = policies.publish(
        model=model, environment="production", content=factories.rules("user:auditor"), on_top_of=1, by=owner
    )
    later = sentences(published.content)

    page = as_user(auditor).get(f"/decisions/{one.pk}/").content.decode()

    assert "version 1" in page
    assert f"{html.escape(told[0])}" in page
    assert f"{html.escape(later[0])}" not in page


def test_the_receipt_is_a_file_whose_digest_is_that_of_its_fields(
    model: Model, auditor: User, as_user: AsUser
) -> None:
    one, _ = written({"model": model.slug}, {"model": model.slug})

    answer = as_user(auditor).get(f"/decisions/{one.pk}/receipt.json")

    assert "attachment" in answer["Content-Disposition"]
    content = answer.json()
    assert content["digest"] == one.digest
    assert record_digest(content["decision"]) == one.digest

"""Every page, in both themes, wide and narrow: no rule of axe broken, nothing to scroll sideways, a silent console."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from governance.actions import reviews
from registry.models import User, Version
from tests import factories
from tests.pages.stand import Stand, furnished, page_names

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 800}
FORMS = {
    "card-edit",
    "datasheet-edit",
    "policy-edit",
    "token-new",
    "token-lives",
    "token-revocations",
    "service-accounts",
    "system-new",
    "system-edit",
    "system-remove-model",
    "system-retire",
    "servers",
    "server",
    "server-new",
    "import-new",
    "thread-new",
}  # only who may write sees them
# Colours of the other theme arrive with the next frame, and some of them by a transition.
SETTLED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await Promise.allSettled(document.getAnimations().filter(a => a instanceof CSSTransition).map(a => a.finished));
  await frame();
}"""
FOUND = "async () => (await axe.run({resultTypes: ['violations']})).violations"  # every rule that axe has
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def stand(transactional_db: None, settings: Any, tmp_path: Any) -> Stand:
    """One of everything."""
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path)}}
    }
    return furnished()


def test_axe_finds_nothing_on_what_an_auditor_reads(person: Any, stand: Stand) -> None:
    auditor = factories.member("auditor")
    auditor.is_staff = True  # for the reference of the design system
    auditor.save()
    reading = [
        name
        for name in page_names()
        if name not in FORMS | {"login", "review-rule", "service-account-pass-on"}
    ]

    faults = list(found(person(auditor), stand, reading))
    faults += found(person(factories.member("compliance")), stand, ["review-rule"])

    assert not faults, "\n".join(faults)


def test_axe_finds_nothing_where_people_work(person: Any, stand: Stand) -> None:
    faults = list(
        found(person(factories.member("owner")), stand, sorted(FORMS | {"home", "version-card", "review"}))
    )
    everything = allround("reviewer", "compliance", "admin")
    faults += found(
        person(everything),
        stand,
        [
            "home",
            "review",
            "version",
            "system",
            "model",
            "token",
            "stops",
            "anomalies",
            "reports",
            "severities",
            "inbox",
            "service-account-pass-on",
        ],
    )

    assert not faults, "\n".join(faults)


def test_axe_finds_nothing_before_the_login_and_where_something_is_wrong(person: Any, stand: Stand) -> None:
    stranger = person(None)
    stranger.goto("/accounts/login/")
    faults = list(looked_at(stranger, "login"))
    stranger.get_by_label("Username").fill("nobody")
    stranger.get_by_label("Password").fill("nothing")
    stranger.get_by_role("button", name="Sign in").click()
    faults += looked_at(stranger, "login refused")
    auditor = person(factories.member("auditor"))
    for status, address in ((403, stand.address("token-new")), (404, "/models/nowhere/")):
        assert auditor.goto(address).status == status
        faults += looked_at(auditor, str(status))
    owner = person(factories.member("owner"))
    faults += submitted_twice(owner, stand)
    owner.goto(stand.address("token-new"))
    owner.get_by_role("button", name="Issue the token").click()
    faults += looked_at(owner, "a form that is refused")

    assert not faults, "\n".join(faults)


def test_axe_finds_nothing_in_the_editor_when_two_meet_in_it(person: Any, stand: Stand) -> None:
    """A conflict, with proposals, findings and a figure; its preview; and a draft that is back."""
    Version.objects.filter(pk=stand.version.pk).update(
        proposals=[{"path": "model_details.task", "value": "regression", "source": "run 7"}]
    )
    owner = person(factories.member("owner"))
    owner.goto(stand.address("card-edit"))
    owner.get_by_role("button", name="Fill from MLflow").click()
    owner.get_by_role("textbox", name="Caveats").fill("TBD")
    factories.save(stand.version, mark="by another", by=factories.member("owner", "other"))
    owner.get_by_role("button", name="Save revision").last.click()
    owner.get_by_text("Somebody saved before you").wait_for()
    faults = list(looked_at(owner, "conflict"))
    owner.get_by_role("button", name="Preview").click()
    owner.locator("[data-preview]").wait_for()
    faults += looked_at(owner, "preview")
    owner.goto(stand.address("card-edit"))
    owner.get_by_text("Your unsaved text is back").wait_for()
    faults += looked_at(owner, "draft")

    assert not faults, "\n".join(faults)


def submitted_twice(owner: Page, stand: Stand) -> Iterator[str]:
    """A conflict: what is under review is submitted once more."""
    review = stand.version.card.reviews.get(state="in_review")
    reviews.withdraw(review=review, by=review.submitted_by)
    owner.goto(stand.address("version-card"))
    reviews.submit(revision=review.revision, by=review.submitted_by)
    owner.get_by_role("button", name="Submit for review").click()
    assert "already" in owner.locator("main").inner_text()
    yield from looked_at(owner, "409")


def allround(*roles: str) -> User:
    """Somebody with several roles, who sees all their buttons at once."""
    for role in roles:
        user = factories.member(role, "allround")
    return user


def found(page: Page, stand: Stand, names: list[str]) -> Iterator[str]:
    """What is wrong on the pages of these names."""
    for name in names:
        answer = page.goto(stand.address(name))
        if answer is None or answer.status != 200:
            yield f"{name}: {answer and answer.status}"
        yield from looked_at(page, name)


def looked_at(page: Page, name: str) -> Iterator[str]:
    """What axe says about the page light and wide, and again dark and narrow."""
    for theme, size in (("light", WIDE), ("dark", NARROW)):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.evaluate(SETTLED)
        for violation in violations(page):
            for node in violation["nodes"][:3]:
                yield f"{name}, {theme}: {violation['id']} at {node['target']}: {node['failureSummary']}"
    if (pixels := page.evaluate(SIDEWAYS)) > 0:
        yield f"{name}: {pixels} pixels wider than a screen of 320"


def violations(page: Page) -> Any:
    """What axe finds. A colour is looked at twice: one that is gone half a second later was on its way to the other theme."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(FOUND)
    if any(one["id"] == "color-contrast" for one in found):
        page.wait_for_timeout(500)
        found = page.evaluate(FOUND)
    return found

"""How many queries each page makes: pinned, and the same for two rows as for twenty.

Four queries stand before every page: the account, its permissions by account and by group, and in one the numbers of
reviews that wait for it and of notices that are unread (for the side bar and the bell), and whether everything is stopped. The session lies in Redis. PINNED counts these four too.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.actions import reports
from governance.actions import anomalies, stops, threads
from registry.actions import catalogue, hooks, systems, teams
from registry.models import User
from tests import factories
from tests.pages.stand import Stand, decision, page_names

AsUser = Callable[[User], Client]

# name: queries, and what is asked beside the four
PINNED = {
    "absence": 7,  # own roles that judge; who could stand in; absences
    "affected": 4,
    "card-edit": 12,  # version with card; may one see it; own draft; risk classes and severities (2); threads, comments, the revisions they were begun on
    "compare": 6,  # two revisions
    "dataset": 9,  # dataset with datasheet; versions; snapshots; risk classes and severities (2)
    "dataset-lineage": 20,  # dataset; snapshots; versions and those derived from them, twice: drawn and affected
    "datasets": 9,  # datasets bare and dressed; snapshots; their number; saved filters
    "datasheet-edit": 10,  # dataset with datasheet; may one see it; own draft; risk classes and severities (2); threads
    "decision": 10,  # decision; token; model; its batch, and its seal; the policy then
    "decisions": 8,  # their hours, which also are their number; decisions; models and reasons to filter by
    "design": 4,
    "duties": 13,  # roles; accounts; teams; own rights; models; shares (2); policies; systems
    "entry": 7,  # entry; the one before; the one after
    "import": 6,  # import with what it is about; what exists here under its name
    "import-new": 4,
    "imports": 6,  # imports; their number
    "home": 16,  # stops; broken glass; reviews that are due; versions in use without clearance, their aliases; coverage; servers; waiting and own reviews; ungoverned models; lapsed clearances; tokens
    "inbox": 13,  # broken glass; stops; conditions, own and to confirm; reviews, in whose place; sent back; tokens; notices
    "notice-settings": 6,  # what was chosen; how often mail comes
    "reminders": 7,  # what holds; how mail fares; what was decided
    "unsubscribe": 4,
    "model": 18,  # model; stop; anomalies; versions, clearances, aliases, endpoints; who sees it (4); tokens; systems; policies
    "model-traffic": 8,  # model; may one see it; hours; callers and reasons
    "model-access": 12,  # model; may one see it; policies of two environments; groups and accounts that they name; tokens
    "model-ledger": 9,  # model; rows; their number; aliases; orders
    "models": 9,  # what is to be seen, models bare, their rows, options, saved filters
    "password_change": 4,
    "person-access": 12,  # account; its groups; what it may see; who answers for it; its tokens, by name and by tag; policies; roles
    "person": 10,  # account; roles; teams; service accounts and conditions that it answers for; tokens
    "people": 6,  # accounts; their roles
    "policies": 7,  # policies; their number; models without one
    "policy": 8,  # model; policy; its versions; its draft
    "policy-edit": 11,  # model; policy; may one see it; approved cards; draft; the version in force, twice
    "policy-compare": 7,  # model; policy; versions
    "report": 5,  # report with version and snapshot
    "reports": 7,  # reports; their number; versions to choose from
    "thread": 8,  # thread with its document; where it stands: threads, comments, the revision it was begun on
    "thread-new": 6,  # revision; may one see it
    "threads": 8,  # document with its head; threads, comments, the revisions they were begun on
    "review": 24,  # review; in whose place; approved before; threads, comments, the revisions they were begun on; manifest, data, risk, systems now; severities (2); revision; judgements, wanted, roles, conditions; may one judge
    "review-rule": 6,  # rules; roles that judge
    "review-rules": 6,  # rules; what was decided
    "reviews": 6,  # reviews; their number
    "revision": 11,  # revision; its neighbours; risk classes and severities (2); threads (3)
    "revisions": 6,  # document with its head; revisions
    "search": 4,  # without a query nothing is asked; with one, see test_lists.py
    "second_factor": 11,  # own device (2); the account, locked; a prepared one
    "server": 7,  # server; deliveries; versions that wait to be read
    "server-new": 4,
    "servers": 5,  # servers with the number of their models and of versions that wait
    "severities": 6,  # severities in force; what was decided
    "team": 15,  # team; members; their number; does one lead it; systems, models, shares, each with its number; policies
    "teams": 6,  # teams; their leads
    "anomalies": 6,  # open; dismissed
    "stops": 6,  # in force; lifted
    "system": 9,  # system; risk decisions; clearances; its models; models to choose from
    "system-edit": 6,  # system; may one see it
    "system-lineage": 11,  # system; versions; their aliases, data, endpoints as drawn
    "system-new": 4,
    "system-remove-model": 8,  # system; may one see it; model; cleared versions
    "system-retire": 7,  # system; may one see it; cleared versions
    "systems": 9,  # systems bare and dressed; models in them; their number; saved filters
    "token-access": 12,  # token; the same of its owner
    "token": 11,  # token; stop; anomalies; decisions; their number, by day; models
    "token-new": 6,  # accounts and models to choose from
    "service-accounts": 6,  # accounts with their sponsors; whom to choose as sponsor
    "service-account-pass-on": 6,  # account with its sponsor; whom to choose instead
    "token-lives": 6,  # what holds; what was decided
    "token-revocations": 6,  # accounts and models to choose from
    "tokens": 7,  # tokens; their models; their number
    "trail": 6,  # entries; their number
    "why": 4,  # without a question nothing is asked
    "version": 14,  # version; stop; broken glass; clearances; aliases; conditions; suspension; manifest; systems; endpoints
    "version-access": 10,  # version; policies; clearances; aliases; tokens; their models
    "version-card": 14,  # version with card; review; threads (3); severities (2); clearances; aliases; revisions with their parents
    "version-decisions": 10,  # version; may one see it; decisions; their number; clearances; aliases
    "version-facts": 9,  # version with run; clearances; aliases; manifest; data
    "version-history": 9,  # version; entries; their number; clearances; aliases
    "version-bom": 13,  # version with run and card; clearances; aliases; manifest; data; stages; endpoints; systems
    "version-lineage": 17,  # version; those derived from it; its parts as drawn; who shares data
}


def test_no_page_asks_more_with_more_rows(stand: Stand, as_user: AsUser) -> None:
    browser = as_user(allround())
    addresses = {name: stand.address(name) for name in PINNED}
    grown(stand, 0, 2)
    few = {name: asked(browser, address) for name, address in addresses.items()}
    grown(stand, 2, 20)
    many = {name: asked(browser, address) for name, address in addresses.items()}

    wrong = [
        f"{name}: {len(few[name])} queries at 2 rows, {len(many[name])} at 20, pinned are {pinned}: {many[name]}"
        for name, pinned in PINNED.items()
        if {len(few[name]), len(many[name])} != {pinned}
    ]
    assert not wrong, "\n".join(wrong)


def test_every_page_is_pinned() -> None:
    assert set(page_names()) - {"login"} == set(PINNED)


def allround() -> User:
    """Every role and the design reference: who sees the most, and so asks the most."""
    for role in ("owner", "reviewer", "compliance", "admin"):  # an auditor has no other role
        user = factories.member(role, "allround")
    user.is_staff = True
    user.save()
    return user


def asked(browser: Client, address: str) -> list[str]:
    """The tables that the page at this address asks, a query each."""
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(address).status_code == 200
    found = [re.search(r'FROM "(\w+)"', query["sql"]) for query in queries]
    return [table[1] if table else query["sql"] for table, query in zip(found, queries, strict=True)]


def grown(stand: Stand, start: int, end: int) -> None:
    """More of everything that pages list, up to `end` rows."""
    for number in range(start, end):
        review = factories.submitted_review()
        model = review.document.version.model
        factories.policy(model, "group:owner", f"group:{stand.team.handle}")
        factories.share(model, stand.team.group)
        factories.team(lead=factories.member("owner"))
        joined = factories.member("viewer", f"joined-{model.pk}")
        teams.add(team=stand.team, user=joined, by=factories.member("admin"))
        systems.add_model(system=stand.system, model=model, by=factories.member("compliance"))
        factories.version(model=stand.model, dataset=stand.dataset.name, number=number + 2)
        token, _ = factories.token(stand.model)
        decision(stand.version, token, allowed=bool(number % 2))
        decision(stand.version, stand.token)
        factories.save(stand.version, mark=f"again {number}")
        factories.imported(about=stand.version)
        factories.imported()
        reports.order(version=stand.version, by=factories.member("compliance"))
        catalogue.move_aliases(model=stand.model, aliases={"champion": 1 + number % 2}, by=User.machine())
        catalogue.set_alias(model=stand.model, name=f"a{number}", number=1, by=factories.member("admin"))
        told(stand, number)
        odd = factories.anomaly(token)
        factories.anomaly(model)
        anomalies.dismiss(
            anomaly=factories.anomaly(stand.token, network=f"10.0.{number}.0/24"),
            reason="It moved.",
            by=factories.member("owner"),
        )
        assert odd.dismissed_at is None
        stops.stop_token(token=token, reason="Lost.", by=factories.member("owner"))
        again = stops.stop_model(model=model, reason="A test.", by=factories.member("owner"))
        stops.lift(stop=again, reason="It was one.", by=factories.member("owner"))
        thread = threads.begin(
            revision=stand.review.revision,
            path="metrics.results",
            text=f"Why {number}?",
            by=factories.member("reviewer"),
        )
        threads.reply(thread=thread, text="Because.", by=factories.member("owner"))


def told(stand: Stand, number: int) -> None:
    """A webhook came, about a version that nobody could read whole yet."""
    waiting = factories.unread_version(model=stand.model, number=1000 + number)
    hooks.keep_delivery(
        server=stand.model.server,
        delivery_id=f"d-{number}",
        event="model_version.created",
        model=waiting.model.name,
        body=b"{}",
        by=User.machine(),
    )

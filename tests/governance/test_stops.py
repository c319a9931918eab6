"""Stopping all queries, those to a model or those with a token: by whom, until when, on record, whatever door they come by."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from audit.models import Entry
from governance import signin
from governance.actions import stops, tokens
from governance.models import Notice, Stop, Token
from registry.actions import roles
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import Model, User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
WHY = "It answers nonsense."
ROLES = ("viewer", "owner", "reviewer", "compliance", "auditor", "admin")


@pytest.fixture
def model() -> Model:
    made = factories.version().model
    factories.share(made, factories.member("viewer"))
    return made


@pytest.fixture
def token(model: Model) -> Token:
    return factories.token(model)[0]


def attempt(verb: Callable[[], Any]) -> str:
    try:
        with transaction.atomic():
            verb()
            transaction.set_rollback(True)
    except Refused:
        return "refused"
    except Missing:
        return "missing"
    return "done"


MAY_STOP = {
    "all": {"compliance", "admin"},
    "model": {"owner", "compliance", "admin"},
    "token": {"owner", "compliance", "admin"},
}


def make(reach: str, model: Model, token: Token, by: User) -> Stop:
    if reach == "all":
        return stops.stop_all(reason=WHY, by=by)
    if reach == "model":
        return stops.stop_model(model=model, reason=WHY, by=by)
    return stops.stop_token(token=token, reason=WHY, by=by)


@pytest.mark.parametrize("reach", sorted(MAY_STOP))
@pytest.mark.parametrize("role", ROLES)
def test_who_may_stop(reach: str, role: str, model: Model, token: Token) -> None:
    outcome = attempt(lambda: make(reach, model, token, factories.member(role)))

    assert (outcome == "done") == (role in MAY_STOP[reach])


# By whom it was made → who may lift it: whoever made it, and those who lift what others have stopped.
@pytest.mark.parametrize(
    ("reach", "maker", "may"),
    [
        ("all", "compliance", {"compliance", "admin"}),
        ("model", "owner", {"owner", "compliance", "admin"}),
        ("model", "compliance", {"compliance", "admin"}),
        ("token", "owner", {"owner", "compliance", "admin"}),
        ("token", "admin", {"compliance", "admin"}),
    ],
)
@pytest.mark.parametrize("role", ROLES)
def test_who_may_lift(reach: str, maker: str, may: set[str], role: str, model: Model, token: Token) -> None:
    made = make(reach, model, token, factories.member(maker))

    outcome = attempt(lambda: stops.lift(stop=made, reason="Mended.", by=factories.member(role)))

    assert (outcome == "done") == (role in may)


def test_whoever_made_it_and_may_no_longer_does_not_lift_it(model: Model) -> None:
    maker = factories.member("owner", "former")
    made = stops.stop_model(model=model, reason=WHY, by=maker)
    factories.share(model, maker)
    roles.take(grant=maker.grants.get(), by=factories.member("admin"))

    assert (
        attempt(lambda: stops.lift(stop=made, reason="Mended.", by=User.objects.get(pk=maker.pk)))
        == "refused"
    )


def test_an_outsider_learns_nothing(model: Model, token: Token, outsider: User) -> None:
    made = stops.stop_model(model=model, reason=WHY, by=factories.member("owner"))

    assert attempt(lambda: stops.stop_model(model=model, reason=WHY, by=outsider)) == "missing"
    assert attempt(lambda: stops.stop_token(token=token, reason=WHY, by=outsider)) == "missing"
    assert attempt(lambda: stops.lift(stop=made, reason=WHY, by=outsider)) == "missing"
    assert not Stop.objects.visible_to(outsider).exists()


def test_that_everything_is_stopped_concerns_everybody(outsider: User) -> None:
    stops.stop_all(reason=WHY, by=factories.member("admin"))

    assert Stop.objects.visible_to(outsider).count() == 1


@pytest.mark.parametrize("reach", ["all", "model", "token"])
def test_one_at_a_time_and_another_after_it_was_lifted(reach: str, model: Model, token: Token) -> None:
    admin = factories.member("admin")
    made = make(reach, model, token, admin)
    with pytest.raises(Conflict, match="stopped already"):
        make(reach, model, token, factories.member("compliance"))

    stops.lift(stop=made, reason="Mended.", by=admin)
    with pytest.raises(Conflict, match="lifted already"):
        stops.lift(stop=made, reason="Mended.", by=admin)
    make(reach, model, token, admin)

    assert Stop.objects.count() == 2
    assert Stop.objects.in_force().count() == 1


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x00b"])
def test_a_reason_is_needed_for_both(reason: str, model: Model) -> None:
    owner = factories.member("owner")
    with pytest.raises(Invalid):
        stops.stop_model(model=model, reason=reason, by=owner)
    made = stops.stop_model(model=model, reason=WHY, by=owner)
    with pytest.raises(Invalid):
        stops.lift(stop=made, reason=reason, by=owner)


def test_a_token_that_is_over_needs_no_stop(token: Token) -> None:
    owner = factories.member("owner")
    tokens.revoke(token=token, by=owner)

    with pytest.raises(Conflict, match="revoked already"):
        stops.stop_token(token=Token.objects.get(pk=token.pk), reason=WHY, by=owner)


def test_a_stopped_token_is_not_rotated_away(token: Token) -> None:
    owner = factories.member("owner")
    stops.stop_token(token=token, reason=WHY, by=owner)

    with pytest.raises(Conflict, match="a successor would not be"):
        tokens.rotate(token=token, by=owner)


def test_a_stopped_token_does_not_sign_in_to_the_portal_and_is_not_active(model: Model) -> None:
    token, secret = factories.token(model)
    assert signin.in_force(secret.text)
    made = stops.stop_token(token=token, reason=WHY, by=factories.member("owner"))

    assert signin.in_force(secret.text) is None

    stops.lift(stop=made, reason="It was a test.", by=factories.member("owner"))
    assert signin.in_force(secret.text)


def test_both_stand_in_the_trail_of_what_they_reach(model: Model) -> None:
    owner, admin = factories.member("owner"), factories.member("admin")
    made = stops.stop_model(model=model, reason=WHY, by=owner)
    stops.lift(stop=made, reason="Mended.", by=admin)

    kinds = [one.kind for one in Entry.objects.filter(kind__startswith="stop.").order_by("created_at", "pk")]
    assert kinds == ["stop.made", "stop.lifted"]
    for entry in Entry.objects.filter(kind__startswith="stop."):
        assert f"registry.model:{model.pk}" in entry.subjects


def told(kind: str) -> dict[str, str]:
    return dict(Notice.objects.filter(kind=kind).values_list("person__username", "text"))


def test_whom_it_concerns_is_told_and_nobody_who_does_not_see_it(model: Model) -> None:
    for role in ("admin", "compliance", "auditor"):
        factories.member(role)
    elsewhere = factories.member("owner", "elsewhere")
    hidden = factories.model(shared=False)
    factories.version(model=hidden)
    stops.stop_model(model=model, reason=WHY, by=factories.member("owner"))
    assert set(told("stop.made")) == {"admin", "compliance", "elsewhere"}
    Notice.objects.all().delete()

    stops.stop_model(model=hidden, reason=WHY, by=factories.member("admin"))

    assert set(told("stop.made")) == {"compliance"}
    assert elsewhere.username not in told("stop.made")


def test_the_owner_of_a_token_is_told_and_told_again_when_it_is_lifted(token: Token) -> None:
    admin = factories.member("admin")
    made = stops.stop_token(token=token, reason=WHY, by=admin)
    stops.lift(stop=made, reason="False alarm.", by=factories.member("compliance"))

    assert set(told("stop.made")) == {"owner"}
    assert set(told("stop.lifted")) == {"owner", "admin"}
    assert WHY in told("stop.made")["owner"]


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("DELETE FROM governance_stop", "never deleted"),
        ("UPDATE governance_stop SET reason = 'another'", "only be lifted, once"),
        ("UPDATE governance_stop SET by_id = lifted_by_id", "only be lifted, once"),
        ("UPDATE governance_stop SET lifted_at = now(), lifted_by_id = by_id", "stop_lifted_by_somebody"),
        (
            (
                "UPDATE governance_stop SET lifted_at = now(), lifted_because = 'x', lifted_by_id ="
                " (SELECT id FROM registry_user WHERE kind = 'service' LIMIT 1)"
            ),
            "a person lifts",
        ),
        (
            (
                "INSERT INTO governance_stop (reach, reason, by_id, stopped_at, lifted_because)"
                " SELECT 'model', 'x', by_id, now(), '' FROM governance_stop"
            ),
            "stop_reaches_what_it_names",
        ),
        (
            (
                "INSERT INTO governance_stop (reach, model_id, reason, by_id, stopped_at, lifted_because)"
                " SELECT reach, model_id, 'x', by_id, now(), '' FROM governance_stop"
            ),
            "stop_model_once",
        ),
        (
            (
                "INSERT INTO governance_stop (reach, reason, by_id, stopped_at, lifted_because) SELECT 'all', 'x', id, now(), ''"
                " FROM registry_user WHERE kind = 'service' LIMIT 1"
            ),
            "a person stops",
        ),
    ],
)
def test_the_database_refuses_what_must_not_happen(deed: str, said: str, model: Model) -> None:
    User.machine()
    stops.stop_model(model=model, reason=WHY, by=factories.member("owner"))

    with pytest.raises(DatabaseError, match=said), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(deed)


def test_the_times_are_those_of_the_database(model: Model) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO governance_stop (reach, model_id, reason, by_id, stopped_at, lifted_because)"
            " VALUES ('model', %s, 'x', %s, '2001-01-01', '') RETURNING stopped_at > now() - interval '1 minute'",
            [model.pk, factories.member("owner").pk],
        )
        assert cursor.fetchone() == (True,)


class TestPages:
    def test_a_model_is_stopped_and_lifted_on_its_page(self, model: Model, as_user: AsUser) -> None:
        owner = as_user(factories.member("owner"))
        assert "Stop every query to this model" in owner.get(f"/models/{model.slug}/").content.decode()

        answer = owner.post(f"/models/{model.slug}/stop/", {"reason": WHY}, follow=True)

        page = answer.content.decode()
        assert "Queries are stopped" in page
        assert WHY in page
        assert "Stop every query to this model" not in page
        lifted = owner.post(f"/stops/{Stop.objects.get().pk}/lift/", {"reason": "Mended."}, follow=True)
        assert "Queries are stopped" not in lifted.content.decode()
        assert "Mended." in owner.get("/stops/").content.decode()

    def test_who_may_not_is_offered_nothing_and_refused(
        self, model: Model, token: Token, as_user: AsUser
    ) -> None:
        viewer = as_user(factories.member("viewer"))
        assert "Emergency stop" not in viewer.get(f"/models/{model.slug}/").content.decode()
        assert "Stop everything" not in viewer.get("/stops/").content.decode()

        assert viewer.post(f"/models/{model.slug}/stop/", {"reason": WHY}).status_code == 403
        assert viewer.post(f"/tokens/{token.pk}/stop/", {"reason": WHY}).status_code == 404
        assert viewer.post("/stops/all/", {"reason": WHY}).status_code == 403
        assert not Stop.objects.exists()

    def test_its_owner_sees_why_and_cannot_lift_what_compliance_has_stopped(
        self, model: Model, as_user: AsUser
    ) -> None:
        made = stops.stop_model(model=model, reason=WHY, by=factories.member("compliance"))
        owner = as_user(factories.member("owner"))

        page = owner.get(f"/models/{model.slug}/").content.decode()

        assert WHY in page
        assert f"/stops/{made.pk}/lift/" not in page
        assert owner.post(f"/stops/{made.pk}/lift/", {"reason": "Mended."}).status_code == 403

    def test_a_token_says_that_it_is_stopped(self, token: Token, as_user: AsUser) -> None:
        owner = as_user(factories.member("owner"))
        owner.post(f"/tokens/{token.pk}/stop/", {"reason": "Lost."})

        page = owner.get(f"/tokens/{token.pk}/").content.decode()

        assert ">Stopped" in owner.get("/tokens/").content.decode()
        assert "with the token nightly scoring" in owner.get("/").content.decode()
        assert "Queries are stopped" in page
        assert "Lost." in page

    def test_home_offers_to_lift_to_those_who_may_and_shows_theirs_first(
        self, model: Model, as_user: AsUser
    ) -> None:
        owner = factories.member("owner")
        made = {
            name: stops.stop_model(model=factories.model(), reason=WHY, by=by)
            for name, by in {"own": owner, "theirs": factories.member("compliance")}.items()
        }
        everything = stops.stop_all(reason="Attack.", by=factories.member("admin"))

        page = as_user(owner).get("/")
        assert page.context["stops"] == [(made["own"], True), (made["theirs"], False)]
        assert f"/stops/#stop-{made['own'].pk}" in page.content.decode()
        assert f"/stops/#stop-{made['theirs'].pk}" not in page.content.decode()
        told = as_user(factories.member("compliance")).get("/").context["stops"]
        assert told == [(everything, True), (made["theirs"], True), (made["own"], True)]
        assert as_user(factories.member("auditor")).get("/").context["stops"] == [
            (made["theirs"], False), (made["own"], False),
        ]  # fmt: skip

    def test_every_page_says_that_everything_is_stopped(self, as_user: AsUser, outsider: User) -> None:
        admin = as_user(factories.member("admin"))
        assert "All queries are stopped" not in admin.get("/models/").content.decode()
        admin.post("/stops/all/", {"reason": "<b>Attack</b>"})

        for browser in (admin, as_user(outsider)):
            page = browser.get("/models/").content.decode()
            assert "All queries are stopped: &lt;b&gt;Attack&lt;/b&gt;" in page

    def test_without_a_reason_nothing_happens(self, model: Model, as_user: AsUser) -> None:
        answer = as_user(factories.member("owner")).post(f"/models/{model.slug}/stop/", {"reason": " "})

        assert answer.status_code == 400
        assert not Stop.objects.exists()

    def test_why_tells_of_the_stop(self, model: Model, as_user: AsUser) -> None:
        stops.stop_model(model=model, reason=WHY, by=factories.member("owner"))

        page = as_user(factories.member("compliance")).get(f"/access/why/?caller=owner&model={model.slug}")

        assert "those to the model: It answers nonsense." in page.content.decode()
        assert "stopped" in page.content.decode()


class TestInterface:
    def ask(self, browser: Client, path: str, **body: Any) -> Any:
        return browser.post(f"/api/v1/{path}", body, content_type="application/json")

    def test_stop_list_lift(self, model: Model, token: Token, as_user: AsUser) -> None:
        admin = as_user(factories.member("admin"))
        bodies = [
            {"reach": "all"},
            {"reach": "model", "model": model.slug},
            {"reach": "token", "token": str(token.pk)},
        ]
        made = [self.ask(admin, "stops/", reason=WHY, **body).json() for body in bodies]
        assert [(one["reach"], one["model"], one["token"]) for one in made] == [
            ("all", None, None), ("model", model.slug, None), ("token", None, str(token.pk)),
        ]  # fmt: skip

        lifted = self.ask(admin, f"stops/{made[0]['id']}/lifting/", reason="Mended.").json()

        assert (lifted["lifted_by"], lifted["lifted_because"]) == ("admin", "Mended.")
        listed = admin.get("/api/v1/stops/?state=in_force").json()["results"]
        assert [one["id"] for one in listed] == [made[2]["id"], made[1]["id"]]
        assert admin.get("/api/v1/stops/?reach=all").json()["results"] == [lifted]
        assert admin.get(f"/api/v1/stops/{made[0]['id']}/").json() == lifted

    @pytest.mark.parametrize(
        "body",
        [
            {"reach": "model"},
            {"reach": "all", "model": "x"},
            {"reach": "token", "model": "x"},
            {"reach": "x"},
        ],
    )
    def test_it_names_what_it_reaches_and_nothing_else(self, body: dict[str, str], as_user: AsUser) -> None:
        answer = self.ask(as_user(factories.member("admin")), "stops/", reason=WHY, **body)

        assert answer.status_code == 400
        assert not Stop.objects.exists()

    def test_a_token_makes_and_lifts_none(self, model: Model, client: Client) -> None:
        _, secret = factories.token(actions=(), portal=("read", "token"))
        bearer = {"headers": {"Authorization": f"Bearer {secret.text}"}, "content_type": "application/json"}

        answer = client.post(
            "/api/v1/stops/",
            {"reach": "model", "model": model.slug, "reason": WHY},
            **bearer,  # type: ignore[arg-type]
        )

        assert answer.status_code == 403
        assert not Stop.objects.exists()


class TestCommand:
    def run(self, *given: str) -> str:
        out = StringIO()
        call_command("stop", *given, stdout=out)
        return out.getvalue()

    def test_stop_list_lift(self, model: Model) -> None:
        factories.member("owner")
        assert self.run() == "Nothing is stopped.\n"

        said = self.run("--model", model.slug, "--reason", WHY, "--by", "owner")
        key = str(Stop.objects.get().pk)

        assert said == f"{key}  queries to the model {model}: stopped.\n"
        assert WHY in self.run()
        assert self.run("--lift", key, "--reason", "Mended.", "--by", "owner").endswith("lifted.\n")
        assert self.run() == "Nothing is stopped.\n"

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            (["--all", "--reason", WHY, "--by", "owner"], "Your role does not allow this"),
            (["--all", "--reason", WHY], "--by"),
            (["--all", "--by", "admin"], "Say why"),
            (["--model", "none", "--reason", WHY, "--by", "admin"], "no such model"),
            (["--lift", "99", "--reason", WHY, "--by", "admin"], "no such stop"),
        ],
    )
    def test_the_rules_are_those_of_the_pages(self, given: list[str], said: str) -> None:
        for role in ("owner", "admin"):
            factories.member(role)

        with pytest.raises(CommandError, match=said):
            self.run(*given)
        assert not Stop.objects.exists()

    def test_a_refusal_stands_in_the_trail(self) -> None:
        factories.member("owner")
        with pytest.raises(CommandError):
            self.run("--all", "--reason", WHY, "--by", "owner")

        assert Entry.objects.filter(kind="action.refused", actor="owner").exists()

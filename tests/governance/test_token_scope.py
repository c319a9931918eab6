"""What a token reaches, who must stand for it, how it is replaced and ended: through verbs, and refused by the database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit.models import Entry
from audit.phrases import sentence
from governance import scopes, tokens
from governance.actions import revocations, service_accounts, token_lives
from governance.actions import tokens as verbs
from governance.models import ServiceAccount, Token, TokenUse
from governance.models.tokens import CLASSES, classes_of, lives
from governance.policies import ACTIONS
from governance.scopes import Scope
from registry.actions import catalogue
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import Model, User
from tests import factories

PREDICT = Scope(actions=("predict",))


def sql(statement: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def model(db: None) -> Model:
    return factories.model()


@pytest.fixture
def risky(db: None) -> Model:
    """A model of a high-risk system."""
    made = factories.model()
    factories.system(model=made, risk_class="high")
    return made


@pytest.fixture
def colleague(db: None) -> User:
    return factories.member("owner", "colleague")


class TestScope:
    def test_the_words_are_those_of_policies_and_of_the_table(self) -> None:
        assert set(Token.Action.values) == set(ACTIONS)
        assert set(Token.Portal.values) == set(scopes.PORTAL) == set(scopes.PORTAL_WORDS)

    def test_what_decides_about_others_is_never_done_by_token(self) -> None:
        never = {
            "governance.judge_review", "governance.decide_risk", "governance.publish_policy", "registry.share_model",
            "governance.suspend_version", "registry.change_user", "registry.add_user", "governance.set_severity",
            "governance.revoke_every_token", "governance.decide_token_life", "governance.make_serviceaccount",
        }  # fmt: skip

        assert not never & scopes.permitted(scopes.PORTAL)

    @pytest.mark.parametrize(
        ("scope", "models", "field"),
        [
            (Scope(), 1, "actions"),
            (Scope(actions=("fly",)), 1, "actions"),
            (Scope(portal=("judge",)), 0, "portal"),
            (PREDICT, 0, "models"),
            (Scope(actions=("predict",), tag=("team", "credit")), 1, "tag"),
            (Scope(actions=("predict",), tag=("team", "")), 0, "tag"),
            (Scope(actions=("predict",), versions=(1,), alias="champion"), 1, "versions"),
            (Scope(actions=("predict",), versions=(1,)), 2, "versions"),
            (Scope(actions=("predict",), versions=(0,)), 1, "versions"),
            (Scope(actions=("predict",), alias="a b"), 1, "alias"),
            (Scope(actions=("predict",), purpose="Credit scoring"), 1, "purpose"),
            (Scope(actions=("predict",), networks=("10.0.0.1/8",)), 1, "networks"),
            (Scope(actions=("predict",), networks=("everywhere",)), 1, "networks"),
            (Scope(actions=("predict",), limits={"rate": {"limit": 0, "per": "minute"}}), 1, "limits"),
            (Scope(actions=("predict",), limits={"burst": 1}), 1, "limits"),
        ],
    )
    def test_what_cannot_be_a_scope_names_its_field(self, scope: Scope, models: int, field: str) -> None:
        assert set(scopes.problems(scope, models)) == {field}

    def test_one_sentence_says_it_all(self) -> None:
        scope = Scope(
            actions=("predict", "explain"), portal=("read",), versions=(2,), purpose="credit-scoring",
            networks=("10.0.0.0/8",), limits={"rate": {"limit": 60, "per": "minute"}},
        )  # fmt: skip

        said = scopes.sentence(
            scope, owner="scorer", models=["credit-scorer"], environment="production",
            ends=datetime(2026, 12, 24, 12, tzinfo=UTC),
        )  # fmt: skip

        assert said == (
            "scorer may predict and ask for explanations with credit-scorer (version 2) in production, and read in the "
            "portal, for the purpose credit-scoring, from the network 10.0.0.0/8, at most 60 times a minute, until "
            "2026-12-24 12:00 UTC."
        )

    @pytest.mark.parametrize(
        ("own", "new", "beyond"),
        [
            (PREDICT, PREDICT, []),
            (Scope(actions=("predict", "explain")), PREDICT, []),
            (PREDICT, Scope(actions=("explain",)), ["actions"]),
            (Scope(portal=("token",)), Scope(portal=("token", "read")), ["what it may do in the portal"]),
            (Scope(networks=("10.0.0.0/8",)), Scope(), ["networks"]),
            (Scope(networks=("10.0.0.0/8",)), Scope(networks=("10.0.0.0/8",)), []),
            (Scope(versions=(1, 2)), Scope(versions=(3,)), ["versions"]),
            (Scope(alias="champion"), Scope(), ["alias"]),
            (Scope(purpose="triage"), Scope(purpose="marketing"), ["purpose"]),
            (Scope(limits={"rate": {"limit": 1, "per": "hour"}}), Scope(), ["limits"]),
            (Scope(tag=("a", "b")), Scope(), ["tag"]),
        ],
    )
    def test_a_scope_beyond_another_is_named(self, own: Scope, new: Scope, beyond: list[str]) -> None:
        assert scopes.beyond(new, own) == beyond

    def test_limits_of_scope_stand_in_the_row_and_never_change(self, model: Model) -> None:
        token, _ = factories.token(model, networks=("10.0.0.0/8",), purpose="triage", alias="champion")

        for change in (
            "networks = '{}'", "purpose = ''", "alias = ''", "versions = '{3}'", "tag_key = 'a', tag_value = 'b'",
            "portal = '{read}'", "limits = '{\"rate\": 1}'", "needs_second = true", "pepper = ''",
            "replaces_id = id",
        ):  # fmt: skip
            with pytest.raises(DatabaseError, match="only be revoked"), transaction.atomic():
                sql(f"UPDATE governance_token SET {change} WHERE id = %s", token.pk)

    def test_what_is_no_network_is_not_stored(self, model: Model) -> None:
        token, _ = factories.token(model)
        row = {
            **Token.objects.values().get(pk=token.pk),
            "id": None,
            "digest": "0" * 64,
            "networks": ["here"],
        }
        row.pop("id")

        with pytest.raises(DatabaseError, match="cidr"), transaction.atomic():
            Token.objects.create(**row)


class TestSight:
    """The rule of visibility, in Python and in the database."""

    @pytest.mark.parametrize("role", ["", "owner", "reviewer", "compliance", "auditor", "admin"])
    @pytest.mark.parametrize("shared", ["nobody", "role", "person"])
    def test_the_database_sees_as_the_portal_does(self, role: str, shared: str, outsider: User) -> None:
        who = factories.member(role, "somebody") if role else outsider
        model = factories.model(shared=shared == "role")
        if shared == "person":
            factories.share(model, who)
        factories.member("admin")  # there is always one

        for active in (True, False):
            User.objects.filter(pk=who.pk).update(is_active=active)
            sees = Model.objects.visible_to(User.objects.get(pk=who.pk)).filter(pk=model.pk).exists()
            assert sql("SELECT cardinal_sees(%s, %s)", who.pk, model.pk) == [(sees,)]

    def test_no_row_gives_a_token_a_model_that_its_owner_does_not_see(
        self, model: Model, owner: User
    ) -> None:
        hidden = factories.model(shared=False)

        with pytest.raises(DatabaseError, match="what its owner and its issuer see"), transaction.atomic():
            one = Token.objects.create(
                name="x", prefix="crd_p", digest="0" * 64, environment="production", owner=owner, actions=["predict"],
                issued_by=owner, issued_at=timezone.now(), expires_at=timezone.now() + timedelta(days=1),
            )  # fmt: skip
            one.models.set([hidden])

    def test_a_tag_is_matched_among_what_the_owner_sees(self, owner: User) -> None:
        seen, hidden = factories.model(), factories.model(shared=False)
        Model.objects.filter(pk__in=[seen.pk, hidden.pk]).update(tags={"team": "credit"})

        token, _ = factories.token(tag=("team", "credit"))

        assert list(token.reach()) == [seen]
        assert token in Token.objects.reaching(seen)
        assert token in Token.objects.visible_to(factories.member("owner", "colleague"))

    def test_a_tag_for_a_service_account_is_issued_by_its_sponsor(self, colleague: User) -> None:
        service = service_accounts.make(
            name="bot", sponsor=colleague, purpose="Scores.", by=factories.member("admin")
        )

        with pytest.raises(Invalid, match="sponsor"):
            factories.token(owner=service.account, tag=("team", "credit"))
        assert factories.token(owner=service.account, tag=("team", "credit"), by=colleague)


class TestLife:
    def test_tokens_for_high_risk_models_live_30_days(self, risky: Model) -> None:
        with pytest.raises(Invalid, match="at most 30 days"):
            factories.token(risky, days=31)
        assert factories.token(risky, days=30)

    def test_the_strictest_system_counts(self, risky: Model) -> None:
        factories.system(model=risky, risk_class="minimal")

        assert classes_of([risky]) == {"high", "minimal"}
        with pytest.raises(Invalid, match="at most 30 days"):
            factories.token(risky, days=31)

    def test_compliance_decides_and_the_gate_asks_the_same(self, model: Model, compliance: User) -> None:
        factories.system(model=model, risk_class="limited")
        token_lives.decide(risk_class="limited", days=7, rationale="Policy 9.", by=compliance)

        assert lives()["limited"] == 7
        with pytest.raises(Invalid, match="at most 7 days"):
            factories.token(model, days=8)
        assert sql("SELECT longest = interval '7 days', second FROM cardinal_token_rule(%s)", model.pk) == [
            (True, False)
        ]
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            sql("UPDATE governance_tokenlife SET days = 90")

    @pytest.mark.parametrize("risk_class", ["", *CLASSES])
    def test_python_and_the_database_agree_about_every_class(self, model: Model, risk_class: str) -> None:
        if risk_class:
            factories.system(model=model, risk_class="" if risk_class == "undecided" else risk_class)

        days, second = sql(
            "SELECT extract(day FROM longest)::int, second FROM cardinal_token_rule(%s)", model.pk
        )[0]

        assert days == lives()[risk_class or "undecided"]
        assert second == bool(classes_of([model]) & verbs.HIGH)

    @pytest.mark.parametrize("role", ["owner", "admin", "reviewer", "auditor"])
    def test_nobody_else_decides(self, db: None, role: str) -> None:
        with pytest.raises(Refused):
            token_lives.decide(risk_class="high", days=90, rationale="x", by=factories.member(role))

    def test_no_row_makes_a_token_live_longer_or_alone(self, risky: Model, owner: User) -> None:
        for days, second in ((31, True), (5, False)):
            with pytest.raises(DatabaseError, match="lives shorter, or needs"), transaction.atomic():
                now = timezone.now()
                one = Token.objects.create(
                    name="x", prefix="crd_p", digest="0" * 64, environment="production", owner=owner,
                    actions=["predict"], issued_by=owner, issued_at=now, expires_at=now + timedelta(days=days),
                    needs_second=second,
                )  # fmt: skip
                one.models.set([risky])


class TestSecondPerson:
    def test_a_token_for_a_high_risk_model_waits(self, risky: Model, colleague: User) -> None:
        token, _ = factories.token(risky)

        assert (token.needs_second, token.state) == (True, "waiting")
        assert verbs.countersign(token=token, by=colleague).state == "active"
        assert Entry.objects.get(kind="token.countersigned").actor == "colleague"
        with pytest.raises(Conflict):
            verbs.countersign(token=token, by=colleague)

    def test_neither_the_issuer_nor_the_owner_nor_the_sponsor_is_the_second(
        self, risky: Model, owner: User
    ) -> None:
        token, _ = factories.token(risky)
        service = service_accounts.make(
            name="bot", sponsor=owner, purpose="Scores.", by=factories.member("admin")
        )
        factories.share(risky, service.account)
        other, _ = factories.token(risky, owner=service.account, by=factories.member("owner", "colleague"))

        for one in (token, other):
            with pytest.raises(Refused) as caught:
                verbs.countersign(token=one, by=owner)
            assert [reason.code for reason in caught.value.verdict.reasons] == ["four_eyes_token"]
            with pytest.raises(DatabaseError, match="four eyes"), transaction.atomic():
                sql(
                    "UPDATE governance_token SET countersigned_at = now(), countersigned_by_id = %s WHERE id = %s",
                    owner.pk,
                    one.pk,
                )

    def test_no_program_is_the_second(self, risky: Model) -> None:
        token, _ = factories.token(risky)

        with pytest.raises(DatabaseError, match="four eyes"), transaction.atomic():
            sql(
                "UPDATE governance_token SET countersigned_at = now(), countersigned_by_id = %s WHERE id = %s",
                User.machine().pk, token.pk,
            )  # fmt: skip

    def test_the_second_sees_all_that_it_reaches(self, risky: Model, owner: User, colleague: User) -> None:
        hidden = factories.model(shared=False)
        factories.share(hidden, owner)
        token, _ = factories.token(risky, hidden)

        with pytest.raises(Refused, match="not shared with you"):
            verbs.countersign(token=token, by=colleague)
        with pytest.raises(Missing):
            verbs.countersign(token=token, by=_issuer_without_sight())

    def test_a_declined_token_is_over(self, risky: Model, colleague: User) -> None:
        token, _ = factories.token(risky)

        with pytest.raises(Invalid, match="Say why"):
            verbs.decline(token=token, reason=" ", by=colleague)
        declined = verbs.decline(token=token, reason="Nobody asked for it.", by=colleague)

        assert (declined.state, declined.ended_as) == ("revoked", "declined")
        with pytest.raises(Conflict):
            verbs.countersign(token=token, by=colleague)

    def test_a_row_is_not_born_countersigned(self, owner: User, colleague: User) -> None:
        now = timezone.now()
        with pytest.raises(DatabaseError, match="after it was issued"), transaction.atomic():
            Token.objects.create(
                name="x", prefix="crd_p", digest="0" * 64, environment="production", owner=owner, actions=["predict"],
                issued_by=owner, issued_at=now, expires_at=now + timedelta(days=1), countersigned_at=now,
                countersigned_by=colleague,
            )  # fmt: skip


def _issuer_without_sight() -> User:
    from django.contrib.auth.models import Permission

    who = User.objects.create(username="issuer")
    who.user_permissions.add(Permission.objects.get(codename="issue_token"))
    return User.objects.get(pk=who.pk)


class TestRotation:
    def test_the_successor_has_the_same_scope_and_the_old_one_works_on_for_a_day(
        self, model: Model, owner: User
    ) -> None:
        old, before = factories.token(model, networks=("10.0.0.0/8",), purpose="triage", days=10)

        new, secret = verbs.rotate(token=old, by=owner)

        old.refresh_from_db()
        assert new.scope == old.scope
        assert list(new.models.all()) == [model]
        assert secret.text != before.text
        assert new.replaces == old
        assert timedelta(hours=23) < old.ends_at - timezone.now() <= timedelta(hours=24)
        assert timedelta(days=9) < new.expires_at - timezone.now() <= timedelta(days=10)
        assert "replaced the token" in sentence(Entry.objects.get(kind="token.rotated").facts)

    def test_the_overlap_never_goes_beyond_its_end(self, model: Model, owner: User) -> None:
        old, _ = factories.token(model, days=1)

        verbs.rotate(token=old, overlap=timedelta(days=7), by=owner)

        old.refresh_from_db()
        assert old.ends_at == old.expires_at
        with pytest.raises(DatabaseError, match="only be revoked"), transaction.atomic():
            sql("UPDATE governance_token SET overlap_ends_at = now() WHERE id = %s", old.pk)

    @pytest.mark.parametrize("overlap", [timedelta(days=7, seconds=1), timedelta(seconds=-1)])
    def test_an_overlap_has_bounds(self, model: Model, owner: User, overlap: timedelta) -> None:
        with pytest.raises(Invalid, match="at most 7 days"):
            verbs.rotate(token=factories.token(model)[0], overlap=overlap, by=owner)

    def test_no_row_ends_early_or_late_without_a_successor(self, model: Model) -> None:
        token, _ = factories.token(model)

        with pytest.raises(DatabaseError, match="has a successor"), transaction.atomic():
            sql("UPDATE governance_token SET overlap_ends_at = now() WHERE id = %s", token.pk)

    def test_what_is_over_is_not_rotated(self, model: Model, risky: Model, owner: User) -> None:
        waiting, revoked, replaced = (factories.token(one)[0] for one in (risky, model, model))
        verbs.revoke(token=revoked, by=owner)
        verbs.rotate(token=replaced, by=owner)

        for one in (waiting, revoked, replaced):
            with pytest.raises(Conflict):
                verbs.rotate(token=one, by=owner)

    def test_the_successor_of_a_high_risk_token_waits_again(
        self, risky: Model, owner: User, colleague: User
    ) -> None:
        token, _ = factories.token(risky)
        verbs.countersign(token=token, by=colleague)

        assert verbs.rotate(token=token, by=owner)[0].state == "waiting"

    def test_what_is_no_longer_seen_is_left_behind(self, owner: User) -> None:
        one, two = factories.model(), factories.model(shared=False)
        factories.share(two, owner)
        token, _ = factories.token(one, two)
        catalogue.unshare_model(model=two, audience=owner, by=factories.member("admin"))

        assert list(verbs.rotate(token=token, by=owner)[0].models.all()) == [one]


class TestRevokingTogether:
    def test_all_of_an_account(self, model: Model, owner: User, colleague: User) -> None:
        mine = [factories.token(model)[0] for _ in range(3)]
        theirs, _ = factories.token(model, owner=colleague, by=colleague)

        with pytest.raises(Refused):
            revocations.revoke_all_of(account=colleague, by=owner)
        assert revocations.revoke_all_of(account=owner, by=owner) == 3

        assert {Token.objects.get(pk=one.pk).state for one in mine} == {"revoked"}
        assert Token.objects.get(pk=theirs.pk).state == "active"
        assert Entry.objects.filter(kind="token.revoked").count() == 3
        assert "3 tokens at once, all of owner" in sentence(
            Entry.objects.get(kind="token.revoked_together").facts
        )

    def test_all_that_reach_a_model_also_by_tag(self, model: Model, compliance: User) -> None:
        Model.objects.filter(pk=model.pk).update(tags={"team": "credit"})
        named, _ = factories.token(model, factories.model())
        tagged, _ = factories.token(tag=("team", "credit"))
        other, _ = factories.token(factories.model())

        assert revocations.revoke_reaching(model=model, by=compliance) == 2
        assert [Token.objects.get(pk=one.pk).state for one in (named, tagged, other)] == [
            "revoked",
            "revoked",
            "active",
        ]

    def test_everything_needs_an_admin_who_types_it(
        self, model: Model, admin: User, compliance: User
    ) -> None:
        token, _ = factories.token(model)

        with pytest.raises(Refused):
            revocations.revoke_everything(confirmed=revocations.EVERYTHING, by=compliance)
        with pytest.raises(Invalid, match="Type"):
            revocations.revoke_everything(confirmed="yes", by=admin)
        assert revocations.revoke_everything(confirmed="Revoke everything", by=admin) == 1
        assert Token.objects.get(pk=token.pk).state == "revoked"

    def test_the_end_of_a_token_is_announced_once(
        self, model: Model, machine: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        factories.token(model, days=29)
        revocations.revoke_all_of(account=factories.member("owner"), by=factories.member("owner"))
        soon, _ = factories.token(model, days=30)
        factories.token(model, days=90)
        later = timezone.now() + timedelta(days=26)
        monkeypatch.setattr(revocations.timezone, "now", lambda: later)

        assert [revocations.announce_ends(by=machine) for _ in range(2)] == [1, 0]
        assert TokenUse.objects.get().token == soon
        assert Entry.objects.filter(kind="token.expiring").count() == 1

    def test_whoever_finds_a_token_may_end_it_and_the_trail_holds_no_secret(
        self, model: Model, machine: User
    ) -> None:
        token, secret = factories.token(model)
        stranger = tokens.new("p", "q" * 32)

        place = f"https://example.org/leak?{secret.text}"
        ended = revocations.end_leaked(found=[(secret.text, place), (stranger.text, "x")], by=machine)

        assert ended == [token]
        token.refresh_from_db()
        assert token.ended_as == "leaked"
        entry = Entry.objects.get(kind="token.leaked")
        assert secret.text not in bytes(entry.body).decode()
        assert "example.org" in sentence(entry.facts)


class TestServiceAccounts:
    def test_it_has_no_password_and_a_sponsor(self, owner: User) -> None:
        made = service_accounts.make(name="bot", sponsor=owner, purpose="Scores.", by=owner)

        assert not made.account.has_usable_password()
        with pytest.raises(DatabaseError, match="no password"), transaction.atomic():
            made.account.set_password("a long word of nobody")
            made.account.save()
        with pytest.raises(DatabaseError, match="answers for"), transaction.atomic():
            ServiceAccount.objects.filter(pk=made.pk).update(sponsor=made.account)

    def test_its_end_revokes_its_tokens(self, model: Model, owner: User) -> None:
        made = service_accounts.make(name="bot", sponsor=owner, purpose="Scores.", by=owner)
        factories.share(model, made.account)
        token, _ = factories.token(model, owner=made.account)

        service_accounts.end(account=made, by=owner)

        assert Token.objects.get(pk=token.pk).state == "revoked"
        assert not User.objects.get(username="bot").is_active
        with pytest.raises(Conflict):
            service_accounts.end(account=made, by=owner)

    def test_only_its_sponsor_and_those_with_the_role_change_it(
        self, owner: User, colleague: User, outsider: User
    ) -> None:
        made = service_accounts.make(name="bot", sponsor=owner, purpose="Scores.", by=owner)

        with pytest.raises(Refused):
            service_accounts.end(account=made, by=colleague)
        with pytest.raises(Missing):
            service_accounts.end(account=made, by=outsider)
        with pytest.raises(Conflict, match="taken"):
            service_accounts.make(name="bot", sponsor=owner, purpose="Again.", by=owner)
        with pytest.raises(Refused):  # compliance may stop it, and give it to nobody
            service_accounts.pass_on(account=made, sponsor=colleague, by=factories.member("compliance"))
        assert service_accounts.pass_on(account=made, sponsor=colleague, by=owner).sponsor == colleague
        assert not service_accounts.end(account=made, by=factories.member("compliance")).account.is_active


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call gave or raised, all started together, each over a connection of its own."""
    start, found = threading.Barrier(len(calls)), [None] * len(calls)

    def run(place: int) -> None:
        start.wait()
        try:
            found[place] = calls[place]()
        except Exception as error:  # noqa: BLE001 - compared by the test
            found[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(calls))]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    return found


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_rotations_give_one_successor(self) -> None:
        owner, (token, _) = factories.member("owner"), factories.token(factories.model())

        done = at_once(*[lambda: verbs.rotate(token=token, by=owner)] * 2)

        assert sorted(type(one).__name__ for one in done) == ["Conflict", "tuple"]
        assert Token.objects.filter(replaces=token).count() == 1

    def test_two_countersigners_give_one_signature(self) -> None:
        model = factories.model()
        factories.system(model=model, risk_class="high")
        token, _ = factories.token(model)
        people = [factories.member("owner", name) for name in ("second", "third")]

        done = at_once(*[lambda who=who: verbs.countersign(token=token, by=who) for who in people])  # type: ignore[misc]

        assert sorted(type(one).__name__ for one in done) == ["Conflict", "Token"]
        assert Entry.objects.filter(kind="token.countersigned").count() == 1

    def test_signed_and_declined_at_once_is_one_of_both(self) -> None:
        model = factories.model()
        factories.system(model=model, risk_class="high")
        token, _ = factories.token(model)
        second, third = (factories.member("owner", name) for name in ("second", "third"))

        done = at_once(
            lambda: verbs.countersign(token=token, by=second),
            lambda: verbs.decline(token=token, reason="No.", by=third),
        )

        assert (
            any(isinstance(one, Conflict) for one in done)
            or Token.objects.get(pk=token.pk).ended_as == "declined"
        )
        assert len(Entry.objects.filter(kind__in=["token.countersigned", "token.declined"])) in (1, 2)

    def test_two_issuers_give_two_tokens(self) -> None:
        model = factories.model()
        people = [factories.member("owner", name) for name in ("second", "third")]

        done = at_once(*[lambda who=who: factories.token(model, owner=who, by=who) for who in people])  # type: ignore[misc]

        assert len({token.digest for token, _ in done}) == 2

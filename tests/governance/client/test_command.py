"""`cardinal` against the portal as it runs: every exit code, and what people and programs read."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from governance.actions import tokens as token_verbs
from governance.models import Decision, Token
from governance.receipts import receipt
from governance.scopes import Scope
from registry.actions import catalogue
from registry.models import Model, User, Version
from tests import factories
from tests.governance.client.conftest import TOKEN, Terminal
from tests.governance.gate.conftest import free_port
from tests.governance.journal import written

pytestmark = pytest.mark.django_db(transaction=True)
SCOPES = ("read", "sync", "report", "token")
Open = Callable[..., Terminal]


def cleared() -> Version:
    """A version that may serve, called champion, which owners may query."""
    version = factories.approved_version()
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=factories.member("admin"))
    factories.policy(version.model, "group:owner")
    return version


@pytest.fixture
def owner(transactional_db: None) -> User:
    return factories.member("owner")


@pytest.fixture
def pipeline(live_server: Any, terminal: Open, owner: User) -> Terminal:
    """The owner's pipeline, with a token for what pipelines do."""
    _, secret = factories.token(owner=owner, actions=(), portal=SCOPES)
    return terminal(live_server.url, secret.text)


@pytest.fixture
def model(transactional_db: None) -> Model:
    return factories.model()


@pytest.fixture
def issuer(live_server: Any, terminal: Open, owner: User, model: Model) -> Terminal:
    """With a token that may issue others like itself: for `model`, no longer than it lives."""
    _, secret = factories.token(model, owner=owner, portal=SCOPES)
    return terminal(live_server.url, secret.text)


def test_what_is_cleared_exits_0(pipeline: Terminal) -> None:
    version = cleared()

    ended = pipeline("check", f"{version.model.slug}@champion", "--environment", "production")

    assert (ended.code, ended.err) == (0, "")
    assert (
        ended.out
        == f"{version.model.slug} v1 (@champion) is cleared for production until {until(version)}.\n"
    )


def until(version: Version) -> str:
    """When time alone will end it."""
    end = version.clearances.get(environment="production").valid_until
    return f"{end:%Y-%m-%d %H:%M} UTC"


def test_what_is_not_cleared_exits_1_and_says_why_and_what_to_do(pipeline: Terminal) -> None:
    review = factories.submitted_review()
    name = f"{review.document.version.model.slug}/1"

    people, program = pipeline("check", name), pipeline("check", name, "--json")

    assert people.code == program.code == 1
    assert "is not cleared for production:" in people.out
    assert "card_in_review: " in people.out
    assert "A reviewer who did not write it can approve it." in people.out
    told = program.json
    assert (told["cleared"], told["version"], told["alias"], told["access"]) == (False, 1, "", None)
    assert [one["code"] for one in told["reasons"]] == ["card_in_review"]
    assert set(told["reasons"][0]) == {"code", "sentence", "remedy"}
    assert set(told) == {"cleared", "model", "version", "alias", "environment", "valid_until", "assessed_at",
                         "reasons", "conditions", "access"}  # fmt: skip


def test_a_query_that_the_policy_denies_exits_1(pipeline: Terminal) -> None:
    version = cleared()
    name = f"{version.model.slug}@champion"

    assert pipeline("check", name, "--action", "predict").code == 0
    denied = pipeline("check", name, "--action", "explain", "--json")

    assert denied.code == 1
    assert [one["code"] for one in denied.json["reasons"]] == [denied.json["access"]["reason"]]
    assert denied.json["access"]["reason"].startswith("policy_")


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("nonsense",), ("check",), ("check", "no-number"), ("check", "a/0"), ("check", "a@b", "--environment", "moon"),
        ("check", "../x@y"), ("token", "show", "1"), ("token", "issue"), ("check", "a@b", "--wait", "-1"),
        ("report", "new", "a/1", "--output", "x.pdf"), ("token", "issue", "--name", "a", "--rate", "60/year"),
    ],
)  # fmt: skip
def test_a_wrong_question_exits_2(arguments: tuple[str, ...], pipeline: Terminal) -> None:
    ended = pipeline(*arguments)

    assert ended.code == 2
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"CARDINAL_URL": ""}, "Where is the portal?"),
        ({"CARDINAL_TOKEN": ""}, "Who asks?"),
        ({"CARDINAL_TOKEN": "crd_p" + "a" * 49}, "This is no token"),
        ({"CARDINAL_URL": "http://cardinal.example.org"}, "not sent to cardinal.example.org over plain HTTP"),
        ({"CARDINAL_URL": "https://a:b@cardinal.example.org"}, "holds no account"),
        ({"CARDINAL_URL": "ftp://cardinal.example.org"}, "looks like https://"),
        ({"CARDINAL_CA_FILE": "/nonexistent"}, "holds no certificates"),
    ],
)
def test_what_is_not_fit_to_be_asked_with_exits_2_and_says_what_to_do(
    environment: dict[str, str], said: str, pipeline: Terminal
) -> None:
    ended = pipeline("whoami", **environment)

    assert ended.code == 2
    assert said in ended.err


def test_whoever_is_not_signed_in_or_sees_nothing_gets_3(
    live_server: Any, terminal: Open, pipeline: Terminal
) -> None:
    hidden = factories.model(shared=False)

    stranger = terminal(live_server.url, TOKEN)("check", f"{hidden.slug}/1", "--json")
    unseen = pipeline("check", f"{hidden.slug}/1")
    nowhere = pipeline("check", "there-is-none@champion")

    assert stranger.code == unseen.code == nowhere.code == 3
    assert stranger.json["error"]["kind"] == "NotSignedIn"
    assert stranger.json["error"]["request_id"]
    assert unseen.err.partition("(")[0] == nowhere.err.partition("(")[0]


def test_an_alias_that_names_no_version_gets_3(pipeline: Terminal) -> None:
    ended = pipeline("check", f"{factories.version().model.slug}@champion")

    assert ended.code == 3
    assert "has no version called champion" in ended.err


def test_where_nobody_listens_exits_3(terminal: Open) -> None:
    ended = terminal(f"http://127.0.0.1:{free_port()}", TOKEN)("check", "a/1", "--retries", "1", "--json")

    assert ended.code == 3
    assert ended.json["error"]["kind"] == "Unreachable"


def test_a_wait_that_is_too_short_exits_1_and_one_that_is_long_enough_0(pipeline: Terminal) -> None:
    review = factories.submitted_review()
    name = f"{review.document.version.model.slug}/1"

    short = pipeline("check", name, "--wait", "0.5")
    factories.approve(review)
    long = pipeline("check", name, "--wait", "30")

    assert (short.code, long.code) == (1, 0)
    assert "Not cleared yet: card_in_review." in short.err


def test_who_am_i(pipeline: Terminal, owner: User) -> None:
    told = pipeline("whoami", "--json").json

    assert (told["username"], told["kind"], told["roles"]) == (owner.username, "person", ["owner"])
    assert set(told["token"]["portal"]) == set(SCOPES)
    assert f"account        {owner.username} (person)" in pipeline("whoami").out


def test_the_reasoning_of_the_gate_is_told_step_by_step(pipeline: Terminal) -> None:
    version = cleared()
    name = f"{version.model.slug}@champion"

    allowed, denied = pipeline("explain", name), pipeline("explain", name, "--action", "feedback")

    assert (allowed.code, denied.code) == (0, 1)
    assert "rule 1: " in allowed.out


def test_a_new_token_stands_alone_on_standard_output_and_works(
    issuer: Terminal, live_server: Any, terminal: Open, model: Model
) -> None:
    ended = issuer("token", "issue", "--name", "nightly", "--model", model.slug, "--action", "predict",
                     "--portal", "read", "--rate", "60/minute", "--quota", "100/day", "--days", "2")  # fmt: skip

    assert ended.code == 0, ended.err
    secret = ended.out.strip()
    assert secret.startswith("crd_p")
    assert len(secret) == 54
    assert secret not in ended.err
    assert "at most 60 times a minute" in ended.err
    assert terminal(live_server.url, secret)("whoami", "--json").json["token"]["name"] == "nightly"


def test_a_secret_in_a_file_is_for_its_owner_only_and_never_written_over(
    issuer: Terminal, tmp_path: Path, model: Model
) -> None:
    place = tmp_path / "scoring.token"
    arguments = (
        "token",
        "issue",
        "--name",
        "scoring",
        "--model",
        model.slug,
        "--days",
        "2",
        "--output-file",
        str(place),
    )

    ended, again = issuer(*arguments, "--json"), issuer(*arguments)

    assert (ended.code, again.code) == (0, 2)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    secret = place.read_text()
    assert secret not in ended.out + ended.err + again.out + again.err
    assert ended.json["prefix"] == secret[:10]
    assert Token.objects.filter(name="scoring").count() == 1


def test_a_token_that_was_refused_leaves_no_file(issuer: Terminal, tmp_path: Path) -> None:
    hidden, place = factories.model(shared=False), tmp_path / "scoring.token"

    ended = issuer(
        "token",
        "issue",
        "--name",
        "a",
        "--model",
        hidden.slug,
        "--days",
        "2",
        "--output-file",
        str(place),
        "--json",
    )

    assert ended.code == 1
    assert "models" in ended.json["error"]["fields"]
    assert not place.exists()


def test_tokens_are_listed_shown_and_revoked(pipeline: Terminal, model: Model) -> None:
    token, _ = factories.token(model, portal=("read",))
    key = str(token.pk)

    listed, program = pipeline("token", "list", "--state", "active"), pipeline("token", "list", "--json")
    revoked = pipeline("token", "revoke", key)
    again = pipeline("token", "revoke", key, "--json")

    assert key in listed.out
    assert key in {one["id"] for one in program.json}
    assert (revoked.code, again.code, again.json["state"]) == (0, 0, "revoked")
    assert "revoked" in pipeline("token", "show", key).out


def test_a_token_rotates_itself(issuer: Terminal, live_server: Any, terminal: Open) -> None:
    own = issuer("whoami", "--json").json["token"]["id"]

    rotated, twice = issuer("token", "rotate", "--overlap-hours", "1", "--json"), issuer("token", "rotate")

    assert rotated.code == 0, rotated.err
    assert rotated.json["replaces"] == own
    assert terminal(live_server.url, rotated.json["secret"])("whoami").code == 0
    assert twice.code == 1
    assert "replaced already" in twice.err


def test_a_token_that_somebody_presents_is_asked_about_from_standard_input(
    live_server: Any, terminal: Open, owner: User
) -> None:
    _, gateway = factories.token(owner=owner, actions=(), portal=("read", "introspect"))
    _, presented = factories.token(factories.model())
    asking = terminal(live_server.url, gateway.text)

    active = asking("token", "introspect", "-", "--json", given=presented.text)
    unknown = asking("token", "introspect", "-", given=TOKEN)

    assert (active.code, active.json["active"], active.json["scope"]) == (0, True, "predict")
    assert unknown.code == 1
    assert presented.text not in active.out + active.err


def test_how_the_gate_would_decide_about_a_token_is_told_and_the_token_is_not(
    live_server: Any, terminal: Open, owner: User, tmp_path: Path
) -> None:
    _, gateway = factories.token(owner=owner, actions=(), portal=("introspect",))
    version = cleared()
    _, presented = factories.token(version.model)
    asking, model = terminal(live_server.url, gateway.text), version.model.slug
    kept = tmp_path / "token"
    kept.write_text(presented.text)
    kept.chmod(0o600)

    allowed = asking("decide", "--token", "-", "--model", model, given=presented.text)
    refused = asking("decide", "--token", str(kept), "--model", model, "--version", "9", "--explain")
    typed = asking("decide", "--token", presented.text, "--model", model, "--json")

    assert (allowed.code, allowed.out.split(":")[0]) == (0, "allowed (allowed)")
    assert (refused.code, "version_unknown" in refused.out) == (1, True)
    assert "yes Token" in refused.out
    assert (typed.code, typed.json["allowed"], "history" in typed.err) == (0, True, True)
    for ended in (allowed, refused, typed):
        assert presented.text not in ended.out + ended.err


@pytest.mark.parametrize(
    "arguments",
    [("--model", "m"), ("--token", "-"), ("--token", "-", "--model", "m", "--version", "1", "--alias", "a"),
     ("--token", "/nowhere", "--model", "m")],
)  # fmt: skip
def test_a_question_about_a_token_that_is_not_whole_exits_2(
    pipeline: Terminal, arguments: tuple[str, ...]
) -> None:
    assert pipeline("decide", *arguments, given="").code == 2


def test_a_receipt_is_checked_by_itself(pipeline: Terminal, tmp_path: Path) -> None:
    written({"caller": "x"}, {"caller": "y"})
    content = receipt(Decision.objects.select_related("batch").filter(caller="y").get()).content
    file = tmp_path / "receipt.json"

    file.write_text(json.dumps(content))
    assert pipeline("receipt", str(file)).code == 0
    file.write_text(json.dumps(content | {"digest": "0" * 64}))
    broken = pipeline("receipt", str(file), "--json")
    assert (broken.code, broken.json["holds"]) == (1, False)
    file.write_text("no JSON")
    assert pipeline("receipt", str(file)).code == 2


def test_a_scope_that_is_missing_exits_1_and_names_it(live_server: Any, terminal: Open, owner: User) -> None:
    _, secret = factories.token(owner=owner, actions=(), portal=("read",))

    ended = terminal(live_server.url, secret.text)("token", "issue", "--name", "a", "--portal", "read")

    assert ended.code == 1
    assert "the scope token of the portal" in ended.err


def test_a_login_is_stored_for_its_owner_only_and_for_its_portal_only(
    live_server: Any, terminal: Open, owner: User, tmp_path: Path
) -> None:
    _, secret = factories.token(owner=owner, actions=(), portal=("read",))
    shell = Terminal({"HOME": str(tmp_path)}, [secret.text])

    stored = shell("login", live_server.url, given=f"{secret.text}\n")
    here = shell("whoami", "--json")
    elsewhere = shell("whoami", CARDINAL_URL=f"http://127.0.0.1:{free_port()}")
    os.chmod(tmp_path / ".config/cardinal/login.json", 0o644)  # noqa: PTH101 - as a careless hand would
    open_to_all = shell("whoami")
    gone = shell("logout")

    assert (stored.code, here.code, elsewhere.code, open_to_all.code, gone.code) == (0, 0, 2, 2, 0)
    assert here.json["username"] == owner.username
    assert "Others may read" in open_to_all.err
    assert not (tmp_path / ".config/cardinal/login.json").exists()


def test_a_login_that_the_portal_does_not_know_is_not_stored(live_server: Any, tmp_path: Path) -> None:
    shell = Terminal({"HOME": str(tmp_path)}, [TOKEN])

    assert shell("login", live_server.url, given=f"{TOKEN}\n").code == 3
    assert not list(tmp_path.rglob("login*"))


def test_a_token_file_that_others_may_read_is_not_used(live_server: Any, tmp_path: Path, owner: User) -> None:
    _, secret = factories.token(owner=owner, actions=(), portal=("read",))
    place = tmp_path / "token"
    place.write_text(f"{secret.text}\n")
    shell = Terminal({"CARDINAL_URL": live_server.url, "CARDINAL_TOKEN_FILE": str(place)}, [secret.text])

    place.chmod(0o640)
    assert shell("whoami").code == 2
    place.chmod(0o600)
    assert shell("whoami").code == 0


def test_no_option_takes_a_token(pipeline: Terminal) -> None:
    """What stands on the command line stands in the list of processes."""
    assert pipeline("whoami", "--token", "x").code == 2


def test_what_comes_from_the_portal_never_steers_a_terminal(pipeline: Terminal) -> None:
    token_verbs.issue(
        name="\x1b]0;owned\x07\u202enightly", owner=factories.member("owner"), models=[factories.model()],
        scope=Scope(actions=("predict",)), environment="production",
        expires_at=timezone.now() + timedelta(days=1), by=factories.member("owner"),
    )  # fmt: skip

    listed = pipeline("token", "list").out

    assert "nightly" in listed
    assert not set(listed) & set("\x1b\x07\u202e")


def test_version_and_help_and_completion_need_no_portal() -> None:
    shell = Terminal({})

    assert shell("--version").out == "cardinal 0.1.0\n"
    assert "Exit codes: 0 yes, 1 no, 2 not asked, 3 no answer." in shell("--help").out
    assert "Examples:" in shell("check", "--help").out
    assert "_cardinal_completion" in shell(_CARDINAL_COMPLETE="bash_source").out

"""A write that is sent twice is done once: Idempotency-Key, also when both arrive at the same moment."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from governance.models import Token
from registry import tasks
from registry.actions import systems as verbs
from registry.models import Import, KeptAnswer, System, User, Version
from tests import factories

API = "/api/v1"
SYSTEM = {"name": "Credit scoring", "intended_purpose": "Loans.", "operator_role": "provider"}
AsUser = Callable[[User], Client]


def send(browser: Client, path: str, body: Any, key: str, method: str = "post", **headers: str) -> Any:
    return getattr(browser, method)(
        f"{API}{path}",
        body if isinstance(body, (str, bytes)) else json.dumps(body),
        content_type="application/json",
        headers={"Idempotency-Key": key, **headers},
    )


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    return problem


@pytest.fixture
def browser(owner: User, as_user: AsUser) -> Client:
    return as_user(owner)


@pytest.mark.django_db
class TestOneAfterAnother:
    def test_the_second_answer_is_the_first_and_nothing_is_done_twice(self, browser: Client) -> None:
        first = send(browser, "/systems/", SYSTEM, '"a"')
        second = send(browser, "/systems/", SYSTEM, '"a"')

        assert first.status_code == second.status_code == 201
        assert second.content == first.content
        for name in ("Location", "Content-Type", "Cache-Control"):
            assert second.headers[name] == first.headers[name]
        assert "Idempotency-Replayed" not in first.headers
        assert second.headers["Idempotency-Replayed"] == "true"
        assert second.headers["X-Request-ID"] != first.headers["X-Request-ID"]
        assert Entry.objects.filter(kind="system.registered").count() == 1

    def test_a_form_with_a_file_is_told_by_its_parts_and_not_by_its_boundary(self, owner: User) -> None:
        browser = Client(
            enforce_csrf_checks=True
        )  # as in use: whoever looks for the token reads the form first
        browser.force_login(owner, backend="registry.backends.GrantedRoles")
        browser.cookies["csrftoken"] = "c" * 32

        def upload(text: str, boundary: str) -> Any:
            head = 'Content-Disposition: form-data; name="file"; filename="README.md"'
            body = f"--{boundary}\r\n{head}\r\n\r\n{text}\r\n--{boundary}--\r\n"
            return browser.post(
                f"{API}/imports/",
                body,
                content_type=f"multipart/form-data; boundary={boundary}",
                headers={"Idempotency-Key": "file", "X-CSRFToken": "c" * 32},
            )

        first, again, other = upload("# One", "aa"), upload("# One", "bb"), upload("# Two", "aa")

        assert first.status_code == again.status_code == 201
        assert again.content == first.content
        assert Import.objects.count() == 1
        is_problem(other, 422)

    def test_without_a_key_it_is_tried_twice(self, browser: Client) -> None:
        body = json.dumps(SYSTEM)

        statuses = [
            browser.post(f"{API}/systems/", body, content_type="application/json").status_code for _ in "12"
        ]

        assert statuses == [201, 400]
        assert not KeptAnswer.objects.exists()

    @pytest.mark.parametrize(
        ("body", "query", "headers"),
        [
            (SYSTEM | {"intended_purpose": "Houses."}, "", {}),
            (SYSTEM, "?a=1", {}),
            (SYSTEM, "", {"If-Match": '"x"'}),
            (json.dumps(SYSTEM) + " ", "", {}),
        ],
    )
    def test_a_key_stands_for_one_request(
        self, body: Any, query: str, headers: dict[str, str], browser: Client
    ) -> None:
        send(browser, "/systems/", SYSTEM, '"a"')

        problem = is_problem(send(browser, f"/systems/{query}", body, '"a"', **headers), 422)

        assert "new key" in problem["detail"]
        assert System.objects.count() == 1

    def test_a_key_belongs_to_one_account_one_method_and_one_address(
        self, browser: Client, compliance: User, as_user: AsUser
    ) -> None:
        send(browser, "/systems/", SYSTEM, "a")

        other = send(as_user(compliance), "/systems/", SYSTEM | {"name": "Other"}, "a")
        risk = {"risk_class": "high", "rationale": "Annex III."}

        assert other.status_code == 201
        assert send(as_user(compliance), "/systems/credit-scoring/risk/", risk, "a").status_code == 201
        assert send(as_user(compliance), "/systems/other/risk/", risk, "a").status_code == 201

    def test_a_string_and_a_token_are_the_same_key(self, browser: Client) -> None:
        send(browser, "/systems/", SYSTEM, '"a"')

        assert send(browser, "/systems/", SYSTEM, "a").headers["Idempotency-Replayed"] == "true"

    @pytest.mark.parametrize(
        "key",
        ["", '""', '"a', 'a"b', "a, b", '"a", "b"', "ä", '"' + "x" * 256 + '"', "x" * 256, "a b", '"a";b=1'],
    )
    def test_a_key_that_is_none_is_refused(self, key: str, browser: Client) -> None:
        problem = is_problem(send(browser, "/systems/", SYSTEM, key), 400)

        assert list(problem["errors"]) == ["Idempotency-Key"]
        assert not System.objects.exists()

    @pytest.mark.parametrize(
        "key", ['"' + "x" * 255 + '"', "x" * 255, "8e03978e-40d5-43dd-bc93-6894a57f9324", '"a \\"b\\" \\\\"']
    )
    def test_a_key_may_be_long_and_printable(self, key: str, browser: Client) -> None:
        assert send(browser, "/systems/", SYSTEM, key).status_code == 201

    def test_a_refusal_is_an_outcome_and_is_repeated(self, browser: Client) -> None:
        bad = SYSTEM | {"operator_role": "king"}

        first, second = (send(browser, "/systems/", bad, "a") for _ in "12")

        is_problem(first, 400)
        assert (second.status_code, second.content) == (400, first.content)
        assert second.headers["Idempotency-Replayed"] == "true"
        is_problem(send(browser, "/systems/", SYSTEM, "a"), 422)

    def test_a_refusal_by_role_is_kept_in_the_trail_once(self, auditor: User, as_user: AsUser) -> None:
        for _ in "12":
            is_problem(send(as_user(auditor), "/systems/", SYSTEM, "a"), 403)

        assert Entry.objects.filter(kind="action.refused", actor="auditor").count() == 1

    def test_what_is_refused_before_the_attempt_keeps_nothing(self, browser: Client) -> None:
        is_problem(send(Client(), "/systems/", SYSTEM, "a"), 401)
        is_problem(send(browser, "/systems/", SYSTEM, "a", Accept="text/html"), 406)

        assert not KeptAnswer.objects.exists()
        assert send(browser, "/systems/", SYSTEM, "a").status_code == 201

    def test_a_failure_undoes_the_write_and_frees_the_key(
        self, browser: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = verbs.register

        def breaks(**given: Any) -> System:
            whole(**given)
            raise RuntimeError("the disk is on fire")

        browser.raise_request_exception = False
        monkeypatch.setattr(verbs, "register", breaks)
        assert send(browser, "/systems/", SYSTEM, "a").status_code == 500
        assert not System.objects.exists()
        assert not KeptAnswer.objects.exists()
        monkeypatch.undo()

        assert send(browser, "/systems/", SYSTEM, "a").status_code == 201

    def test_reading_knows_no_keys(self, browser: Client) -> None:
        answers = [browser.get(f"{API}/systems/", headers={"Idempotency-Key": key}) for key in ("a", "a", "")]

        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert not KeptAnswer.objects.exists()

    def test_a_delete_and_a_put_are_done_once_too(
        self, browser: Client, admin: User, as_user: AsUser
    ) -> None:
        version = factories.version()
        token, _ = factories.token(version.model)
        card = f"/models/{version.model.slug}/versions/1/card/"
        body = {"content": factories.complete("card")}

        ended = [send(browser, f"/tokens/{token.pk}/", b"", "a", "delete") for _ in "12"]
        saved = [send(browser, card, body, "a", "put") for _ in "12"]

        assert [answer.status_code for answer in ended] == [ended[0].status_code] * 2
        assert [answer.status_code for answer in saved] == [201, 201]
        assert saved[1].headers["ETag"] == saved[0].headers["ETag"]
        assert Entry.objects.filter(kind="revision.saved").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"---\nlicense: mit\n---\n# A card", b""])
def test_a_file_sent_as_it_is_from_a_session_is_taken_once(owner: User, body: bytes) -> None:
    """Whoever looks for the CSRF token has its parser read the file; nothing is left of the stream then."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner, backend="registry.backends.GrantedRoles")
    browser.get("/tokens/new/")
    headers = {"Idempotency-Key": "a", "X-CSRFToken": browser.cookies["csrftoken"].value}

    def take() -> Any:
        return browser.generic(
            "POST", f"{API}/imports/", body, content_type="application/octet-stream", headers=headers
        )

    first, second = take(), take()

    assert first.status_code == second.status_code == (201 if body else 400), first.content
    assert "Idempotency-Replayed" in second.headers
    assert Import.objects.count() == bool(body)


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "status"), [("PNG", 201), ("JPEG", 201), ("PNG of nothing", 400)])
def test_a_picture_sent_as_it_is_from_a_session_is_taken_once(
    owner: User, settings: Any, tmp_path: Any, kind: str, status: int
) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path)}}
    }
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner, backend="registry.backends.GrantedRoles")
    browser.get("/tokens/new/")
    headers = {"Idempotency-Key": "a", "X-CSRFToken": browser.cookies["csrftoken"].value}
    body = b"" if kind == "PNG of nothing" else factories.picture(kind)
    sort = "image/jpeg" if kind == "JPEG" else "image/png"

    first, second = (
        browser.generic("POST", f"{API}/figures/", body, content_type=sort, headers=headers) for _ in "12"
    )

    assert first.status_code == second.status_code == status, first.content
    assert "Idempotency-Replayed" in second.headers


@pytest.mark.django_db
class TestSecrets:
    def test_a_secret_is_kept_nowhere_and_a_repetition_is_told_so(self, browser: Client) -> None:
        version = factories.version()
        body = {
            "name": "scoring",
            "models": [version.model.slug],
            "environment": "production",
            "expires_at": (timezone.now() + timedelta(days=3)).isoformat(),
        }

        first = send(browser, "/tokens/", body, "a")
        second = send(browser, "/tokens/", body, "a")

        secret = first.json()["secret"]
        problem = is_problem(second, 409)
        assert "shown once" in problem["detail"]
        assert second.headers["Location"] == first.headers["Location"]
        assert first.headers["Cache-Control"] == "no-store"
        assert Token.objects.count() == 1
        kept = KeptAnswer.objects.get()
        assert kept.body is None
        with connection.cursor() as cursor:
            cursor.execute("SELECT row_to_json(k)::text FROM registry_keptanswer k")
            assert secret not in cursor.fetchone()[0]

    def test_a_refused_token_is_repeated_like_any_refusal(self, browser: Client) -> None:
        answers = [send(browser, "/tokens/", {"name": "x"}, "a") for _ in "12"]

        assert [is_problem(answer, 400) for answer in answers][1] == answers[0].json()


@pytest.mark.django_db
class TestTheEndOfADay:
    def test_after_a_day_the_key_is_free(self, browser: Client) -> None:
        send(browser, "/systems/", SYSTEM, "a")
        _age()

        is_problem(send(browser, "/systems/", SYSTEM, "a"), 400)

    def test_the_sweep_deletes_what_is_over_and_nothing_else(self, browser: Client) -> None:
        send(browser, "/systems/", SYSTEM, "a")
        assert tasks.forget_answers() == 0
        _age()
        send(browser, "/systems/", SYSTEM | {"name": "Other"}, "b")

        assert tasks.forget_answers() == 1
        assert KeptAnswer.objects.get().status == 201

    def test_the_sweep_is_on_the_schedule(self, settings: Any) -> None:
        assert "registry.forget_answers" in {one["task"] for one in settings.CELERY_BEAT_SCHEDULE.values()}

    @pytest.mark.parametrize(
        "wrong", ["status = 500", "place = 'x'", "expires_at = made_at", "fingerprint = ''"]
    )
    def test_the_database_keeps_no_failure_and_nothing_forever(self, wrong: str, browser: Client) -> None:
        send(browser, "/systems/", SYSTEM, "a")

        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE registry_keptanswer SET {wrong}")


def _age() -> None:
    """A day and a bit passes."""
    then = timezone.now() - timedelta(days=2)
    KeptAnswer.objects.update(made_at=then, expires_at=then + timedelta(days=1))


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    def test_while_the_first_runs_the_second_is_asked_to_wait(
        self, owner: User, as_user: AsUser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inside, go_on, whole = threading.Event(), threading.Event(), verbs.register

        def slow(**given: Any) -> System:
            inside.set()
            assert go_on.wait(20)
            return whole(**given)

        monkeypatch.setattr(verbs, "register", slow)
        one, two = as_user(owner), as_user(owner)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(_alone, lambda: send(one, "/systems/", SYSTEM, "a"))
            assert inside.wait(20)
            meanwhile = send(two, "/systems/", SYSTEM, "a")
            go_on.set()
            first = running.result(20)
        afterwards = send(two, "/systems/", SYSTEM, "a")

        is_problem(meanwhile, 409)
        assert meanwhile.headers["Retry-After"] == "1"
        assert first.status_code == 201
        assert afterwards.content == first.content
        assert System.objects.count() == 1

    def test_of_many_at_once_exactly_one_is_done(self, owner: User, as_user: AsUser) -> None:
        version = factories.version()
        card = f"/models/{version.model.slug}/versions/1/card/"
        body = {"content": factories.complete("card")}
        browsers = [as_user(owner) for _ in range(8)]
        start = threading.Barrier(len(browsers))

        def once(browser: Client) -> Any:
            start.wait(20)
            return send(browser, card, body, "a", "put")

        with ThreadPoolExecutor(len(browsers)) as pool:
            answers = list(pool.map(lambda browser: _alone(lambda: once(browser)), browsers))

        assert {answer.status_code for answer in answers} <= {201, 409}
        done = [answer for answer in answers if answer.status_code == 201]
        assert len([one for one in done if "Idempotency-Replayed" not in one.headers]) == 1
        assert all(one.headers["Retry-After"] for one in answers if one.status_code == 409)
        assert Entry.objects.filter(kind="revision.saved").count() == 1
        assert Version.objects.get().card.revisions.count() == 1

    def test_who_dies_on_the_way_leaves_the_key_free(self, owner: User, as_user: AsUser) -> None:
        """The database ends the connection in the middle of the write, as when a worker is killed."""
        browser = as_user(owner)
        browser.raise_request_exception = False
        whole = verbs.register

        def dies(**given: Any) -> System:
            made = whole(**given)
            with connection.cursor() as cursor, pytest.raises(DatabaseError):
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            return made

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(verbs, "register", dies)
            broken = _alone_in_a_thread(lambda: send(browser, "/systems/", SYSTEM, "a"))

        assert broken.status_code == 500
        assert not System.objects.exists()
        assert send(browser, "/systems/", SYSTEM, "a").status_code == 201


def _alone(deed: Callable[[], Any]) -> Any:
    """In a thread with a database connection of its own, which is closed at the end."""
    try:
        return deed()
    finally:
        connection.close()


def _alone_in_a_thread(deed: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_alone, deed).result(30)

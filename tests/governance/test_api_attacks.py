"""The REST interface as somebody who means harm would use it: nothing that is not theirs is told or changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from governance.models import RiskDecision
from registry.models import Endpoint, KeptAnswer, System, User, Version
from tests import factories
from tests.pages.stand import Stand, furnished

pytestmark = pytest.mark.django_db

API = "/api/v1"
JSON = "application/json"
AsUser = Callable[[User], Client]


@pytest.fixture
def stand(db: None) -> Stand:
    return furnished()


def places(stand: Stand) -> list[str]:
    """Every object that has an address of its own."""
    model, version = stand.model.slug, f"/models/{stand.model.slug}/versions/{stand.version.number}"
    return [
        f"/models/{model}/",
        f"/models/{model}/shares/",
        f"{version}/",
        f"{version}/card/",
        f"{version}/card/revisions/",
        f"{version}/clearance/",
        f"{version}/endpoints/production/",
        f"/datasets/{stand.dataset.slug}/",
        f"/datasets/{stand.dataset.slug}/datasheet/",
        f"/systems/{stand.system.slug}/",
        f"/systems/{stand.system.slug}/risk/",
        f"/reviews/{stand.review.pk}/",
        f"/policies/{model}/production/",
        f"/tokens/{stand.token.pk}/",
        f"/reports/{stand.ready.pk}/",
        f"/reports/{stand.ready.pk}/file/",
    ]


def writes(stand: Stand) -> list[tuple[str, str, Any]]:
    """Every way to change something that is there."""
    model, version = stand.model.slug, f"/models/{stand.model.slug}/versions/{stand.version.number}"
    system = f"/systems/{stand.system.slug}"
    return [
        ("post", f"/models/{model}/shares/", {"audience": "user:outsider"}),
        ("delete", f"/models/{model}/shares/group:owner/", {}),
        ("put", f"{version}/endpoints/production/", {"url": "http://evil.example.org"}),
        ("delete", f"{version}/endpoints/production/", {}),
        ("put", f"{version}/card/", {"content": factories.complete("card", "evil")}),
        ("put", f"/datasets/{stand.dataset.slug}/datasheet/", {"content": factories.complete("datasheet")}),
        ("post", f"{version}/reviews/", {}),
        ("post", f"{version}/reports/", {}),
        (
            "post",
            f"/reviews/{stand.review.pk}/judgement/",
            {"outcome": "approve", "digest": stand.review.digest},
        ),
        ("patch", f"{system}/", {"intended_purpose": "Evil."}),
        ("post", f"{system}/retirement/", {"reason": "Evil."}),
        ("post", f"{system}/models/", {"model": model}),
        ("delete", f"{system}/models/{model}/", {}),
        ("post", f"{system}/risk/", {"risk_class": "minimal", "rationale": "Evil."}),
        ("put", f"/policies/{model}/production/", {"rules": factories.rules("user:outsider")["rules"]}),
        ("delete", f"/tokens/{stand.token.pk}/", {}),
    ]


def send(browser: Client, method: str, place: str, body: Any, **headers: str) -> Any:
    headers = {"If-Match": "*"} | headers
    return getattr(browser, method)(
        f"{API}{place}",
        body if isinstance(body, (bytes, str)) else json.dumps(body),
        content_type=JSON,
        headers=headers,
    )


def state(stand: Stand) -> tuple[Any, ...]:
    """What an attack would like to change."""
    version = Version.objects.get(pk=stand.version.pk)
    return (
        list(Endpoint.objects.values_list("url", flat=True)),
        list(System.objects.values_list("name", "intended_purpose", "edition", "retired_at")),
        RiskDecision.objects.count(),
        version.card.head_id,
        version.clearances.filter(allowed=True).count(),
        stand.token.__class__.objects.filter(revoked_at=None).count(),
        Entry.objects.exclude(kind="action.refused").count(),
    )


class TestByGuessing:
    def test_an_outsider_reads_and_changes_nothing_and_learns_not_even_that_it_is_there(
        self, stand: Stand, outsider: User, as_user: AsUser
    ) -> None:
        browser, before = as_user(outsider), state(stand)

        read = {place: browser.get(f"{API}{place}").status_code for place in places(stand)}
        known = {place: send(browser, *way).status_code for way in writes(stand) for place in [way[1]]}
        unknown = send(browser, "post", "/models/no-such-model/shares/", {"audience": "group:owner"})
        hidden = send(browser, "post", f"/models/{stand.model.slug}/shares/", {"audience": "group:owner"})

        assert {place: status for place, status in read.items() if status != 404} == {}
        assert {place: status for place, status in known.items() if status != 404} == {}
        assert unknown.json() | {"request_id": ""} == hidden.json() | {"request_id": ""}
        assert state(stand) == before

    def test_an_auditor_reads_everything_and_changes_nothing(
        self, stand: Stand, auditor: User, as_user: AsUser
    ) -> None:
        browser = as_user(auditor)
        ways = [way for way in writes(stand) if "/reports/" not in way[1]]  # that an auditor may order
        before = state(stand)

        answers = {f"{way[0]} {way[1]}": send(browser, *way).status_code for way in ways}

        assert {way: status for way, status in answers.items() if status != 403} == {}
        assert state(stand) == before

    def test_an_owner_does_nothing_that_is_somebody_elses_to_do(
        self, stand: Stand, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)
        theirs = ("/shares/", "/endpoints/", "/risk/", "/judgement/")
        ways = [way for way in writes(stand) if any(word in way[1] for word in theirs)]
        before = state(stand)

        answers = {f"{way[0]} {way[1]}": send(browser, *way).status_code for way in ways}

        assert len(answers) == 6
        assert {way: status for way, status in answers.items() if status != 403} == {}
        assert state(stand) == before

    def test_a_model_that_one_may_not_see_gets_into_no_system(
        self, stand: Stand, owner: User, as_user: AsUser
    ) -> None:
        hidden = factories.model(shared=False)

        answer = send(as_user(owner), "post", f"/systems/{stand.system.slug}/models/", {"model": hidden.slug})

        assert answer.status_code == 400
        assert answer.json()["errors"]["model"] == ["There is no such model, or it is not shared with you."]

    def test_an_answer_kept_for_one_account_is_told_to_no_other(
        self, stand: Stand, owner: User, outsider: User, as_user: AsUser
    ) -> None:
        place, body = f"/systems/{stand.system.slug}/", {"team": "Letters"}
        assert send(as_user(owner), "patch", place, body, **{"Idempotency-Key": "a"}).status_code == 200

        stolen = send(as_user(outsider), "patch", place, body, **{"Idempotency-Key": "a"})

        assert stolen.status_code == 404
        assert b"Letters" not in stolen.content
        assert KeptAnswer.objects.count() == 2


class TestBodies:
    @pytest.mark.parametrize(
        "extra",
        [
            {"slug": "x"},
            {"edition": 99},
            {"created_by": 1},
            {"risk_class": "minimal"},
            {"retired_at": None},
            {"by": "admin"},
            {"on_top_of": 1},
            {"models": []},
        ],
    )
    def test_a_field_that_is_not_for_clients_is_refused(
        self, extra: dict[str, Any], stand: Stand, owner: User, as_user: AsUser
    ) -> None:
        answer = send(as_user(owner), "patch", f"/systems/{stand.system.slug}/", {"team": "x"} | extra)

        assert answer.status_code == 400
        assert set(answer.json()["errors"]) == set(extra)

    @pytest.mark.parametrize(
        "body",
        [
            b'{"team": "a", "team": "b"}',
            b'{"team": NaN}',
            b'{"team": 1e999}',
            b'{"team": -Infinity}',
            b'{"team": "\\ud800"}',
            b'{"team": "\\u0000"}',
            b'{"team": "\xff"}',
            b"\xef\xbb\xbf{}",
            '{"team": "x"}'.encode("utf-16"),
            b'{"team": ' + b"[" * 65 + b"]" * 65 + b"}",
            b"[" * 200_000,
            b'{"team": ' + b"9" * 5_000 + b"}",
            b'{"team": ["x"]}',
            b'{"team": {"$ne": ""}}',
            b'{"__proto__": {"team": "x"}}',
            b"{'team': 'x'}",
            b'{"team": "x"} {"team": "y"}',
        ],
        ids=range(17),
    )
    def test_json_that_means_two_things_or_nothing(
        self, body: bytes, stand: Stand, owner: User, as_user: AsUser
    ) -> None:
        answer = send(as_user(owner), "patch", f"/systems/{stand.system.slug}/", body)

        assert answer.status_code == 400, answer.content
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert System.objects.get().team == ""

    @pytest.mark.parametrize(
        "kind",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/vnd.api+json",
            "text/json",
            "*/*",
            "",
        ],
    )
    def test_only_json_is_read(self, kind: str, stand: Stand, owner: User, as_user: AsUser) -> None:
        answer = as_user(owner).generic(
            "PATCH",
            f"{API}/systems/{stand.system.slug}/",
            b'{"team": "x"}',
            content_type=kind,
            headers={"If-Match": "*"},
        )

        assert answer.status_code == 415
        assert System.objects.get().team == ""

    def test_another_charset_is_no_way_in(self, stand: Stand, owner: User, as_user: AsUser) -> None:
        answer = as_user(owner).generic(
            "PATCH",
            f"{API}/systems/{stand.system.slug}/",
            '{"team": "x"}'.encode("utf-16"),
            content_type="application/json; charset=utf-16",
            headers={"If-Match": "*"},
        )

        assert answer.status_code == 400


class TestMethods:
    @pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
    def test_a_method_is_not_another_one(
        self, header: str, stand: Stand, owner: User, as_user: AsUser
    ) -> None:
        place = f"/tokens/{stand.token.pk}/"

        answer = send(
            as_user(owner), "post", f"{place}?_method=DELETE", {"_method": "DELETE"}, **{header: "DELETE"}
        )

        assert answer.status_code == 405
        assert stand.token.__class__.objects.get(pk=stand.token.pk).revoked_at is None

    def test_what_an_address_does_not_take_is_said_with_what_it_takes(
        self, stand: Stand, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)

        for place in places(stand):
            for method in ("TRACE", "OPTIONS", "PROPFIND", "PATCH"):
                answer = browser.generic(method, f"{API}{place}")
                if method == "PATCH" and place.startswith("/systems/") and place.count("/") == 3:
                    continue
                assert answer.status_code == 405, (method, place)
                assert "GET" in answer.headers["Allow"], (method, place)
                assert answer.headers["Content-Type"] == "application/problem+json"

    def test_the_head_of_an_answer_is_that_of_the_whole(
        self, stand: Stand, owner: User, as_user: AsUser
    ) -> None:
        browser = as_user(owner)

        for place in [*places(stand)[:-1], "/models/", "/systems/", "/trail/"]:
            head, whole = browser.head(f"{API}{place}"), browser.get(f"{API}{place}")
            assert head.status_code == whole.status_code, place
            assert head.content == b""
            for name in ("ETag", "Content-Type", "Cache-Control", "Vary"):
                assert head.headers.get(name) == whole.headers.get(name), (place, name)


class TestCaches:
    def test_nothing_is_for_anybody_else(self, stand: Stand, owner: User, as_user: AsUser) -> None:
        browser = as_user(owner)

        for place in [*places(stand)[:-1], "/models/", "/models/no-such/", "/trail/?size=0"]:
            answer = browser.get(f"{API}{place}")
            assert answer.headers["Cache-Control"] == "private, no-cache", place
            assert {"Accept", "Cookie"} <= set(answer.headers["Vary"].split(", ")), place

    def test_what_is_known_is_not_sent_again(self, stand: Stand, owner: User, as_user: AsUser) -> None:
        browser = as_user(owner)
        single = [place for place in places(stand)[:-1] if not place.endswith(("/revisions/", "/risk/"))]

        for place in single:
            tag = browser.get(f"{API}{place}").headers["ETag"]
            for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
                answer = browser.get(f"{API}{place}", headers={"If-None-Match": given})
                assert (answer.status_code, answer.content) == (304, b""), (place, given)
                assert answer.headers["ETag"] == tag
                assert "Content-Type" not in answer.headers
            for given in ('"x"', "nonsense", ""):
                assert browser.get(f"{API}{place}", headers={"If-None-Match": given}).status_code == 200

    def test_what_has_changed_is_sent(self, stand: Stand, owner: User, as_user: AsUser) -> None:
        place = f"{API}/systems/{stand.system.slug}/"
        tag = as_user(owner).get(place).headers["ETag"]
        factories.decide(stand.system, "high")

        answer = as_user(owner).get(place, headers={"If-None-Match": tag})

        assert answer.status_code == 200
        assert answer.json()["risk_class"] == "high"


class TestLimits:
    def test_who_asks_too_often_is_asked_to_wait_and_others_are_not(
        self, owner: User, auditor: User, as_user: AsUser, settings: Any
    ) -> None:
        settings.API_REQUESTS_PER_MINUTE = 3
        browser = as_user(owner)

        answers = [browser.get(f"{API}/models/") for _ in range(8)]

        statuses = [answer.status_code for answer in answers]
        assert statuses.count(429) >= 1  # a minute may end in between
        last = answers[statuses.index(429)]
        assert last.json()["title"] == "Too Many Requests"
        assert 1 <= int(last.headers["Retry-After"]) <= 60
        assert last.headers["RateLimit"].startswith('"account";r=0;t=')
        assert answers[0].headers["RateLimit-Policy"] == '"account";q=3;w=60'
        assert as_user(auditor).get(f"{API}/models/").status_code == 200

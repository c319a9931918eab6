"""Signing: the password again, the second factor where there is one, and a sentence bound to what it is about."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.models import Entry
from governance import signing
from governance.actions import reviews
from governance.models import Judgement, Review
from registry.errors import Refused
from registry.models import KeptAnswer, User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _fresh_attempts() -> None:
    cache.clear()


@pytest.fixture
def high() -> Review:
    version = factories.version()
    factories.system(model=version.model, risk_class="high")
    return factories.submitted_review(version)


@pytest.fixture
def judge(reviewer: User) -> User:
    return factories.with_password(reviewer)


@pytest.fixture
def device(judge: User) -> TOTPDevice:
    return TOTPDevice.objects.create(user=judge, name="authenticator", confirmed=True)


def shown(device: TOTPDevice, *, later: int = 0) -> str:
    """The code that the authenticator shows, now or some steps later."""
    clock = TOTP(device.bin_key, device.step, device.t0, device.digits)
    clock.time = time.time() + later * device.step
    return f"{clock.token():06d}"


def code_of(refused: Any) -> str:
    return str(refused.value.verdict.reasons[0].code)


def ticked(review: Review) -> list[str]:
    return [one.key for one in review.frozen_rule.checklist]


def test_high_risk_is_not_judged_without_a_signature(high: Review, judge: User) -> None:
    given = {"review": high, "digest": high.digest, "by": judge}

    with pytest.raises(Refused) as refused:
        reviews.approve(**given, checked=ticked(high))
    assert code_of(refused) == "signature_needed"
    with pytest.raises(Refused):
        reviews.request_changes(**given, comment="Why?")
    with pytest.raises(DatabaseError, match="is signed"), transaction.atomic():
        Judgement.objects.create(
            review=high,
            outcome="approve",
            role="reviewer",
            checked=ticked(high),
            digest=high.digest,
            by=judge,
        )


def test_the_sentence_is_bound_to_the_digest(high: Review, judge: User) -> None:
    factories.sign_off(high, by=judge)

    judgement = Judgement.objects.select_related("review").get()
    assert judgement.meaning == (
        f"I, reviewer, have read revision 1 of {high.document} with the digest {high.digest} and approve it for use in"
        " a system of the risk class “high”."
    )
    assert judgement.method == "password"
    assert signing.is_bound(judgement)
    for field, forged in (
        ("meaning", "I have read nothing."),
        ("method", "password+totp"),
        ("signed_at", judgement.signed_at + timedelta(seconds=1)),
        ("by_id", judge.pk + 1),
    ):
        kept = getattr(judgement, field)
        setattr(judgement, field, forged)
        assert not signing.is_bound(judgement), field
        setattr(judgement, field, kept)


def test_a_proof_is_ones_own_and_fresh(high: Review, judge: User, compliance: User) -> None:
    mine = factories.proof(judge)
    for proof in (factories.proof(compliance), replace(mine, at=mine.at - timedelta(minutes=2))):
        with pytest.raises(Refused):
            reviews.approve(review=high, digest=high.digest, checked=ticked(high), proof=proof, by=judge)


@pytest.mark.parametrize(("password", "code"), [("", "password_needed"), ("wrong", "password_wrong")])
def test_without_the_password_nobody_signs(judge: User, password: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        signing.prove(by=judge, password=password)

    assert code_of(refused) == code


def test_guessing_closes_the_door_for_signing_and_for_logging_in(judge: User) -> None:
    for _ in range(10):
        with pytest.raises(Refused):
            signing.prove(by=judge, password="wrong")

    with pytest.raises(Refused) as refused:
        signing.prove(by=judge, password=factories.PASSWORD)
    assert code_of(refused) == "too_many_tries"
    login = Client().post("/accounts/login/", {"username": "reviewer", "password": factories.PASSWORD})
    assert login.status_code == 429


def test_whoever_has_a_second_factor_signs_with_it(high: Review, judge: User, device: TOTPDevice) -> None:
    with pytest.raises(Refused) as refused:
        signing.prove(by=judge, password=factories.PASSWORD)
    assert code_of(refused) == "code_needed"

    proof = signing.prove(by=judge, password=factories.PASSWORD, code=shown(device))
    reviews.approve(review=high, digest=high.digest, checked=ticked(high), proof=proof, by=judge)

    assert Judgement.objects.get().method == "password+totp"


def test_the_database_holds_the_second_factor_too(high: Review, judge: User) -> None:
    proof = factories.proof(judge)
    TOTPDevice.objects.create(user=judge, name="authenticator", confirmed=True)

    with pytest.raises(DatabaseError, match="second factor signs with it"), transaction.atomic():
        reviews.approve(review=high, digest=high.digest, checked=ticked(high), proof=proof, by=judge)


def test_a_code_counts_once_and_a_wrong_one_costs_patience(judge: User, device: TOTPDevice) -> None:
    code = shown(device)
    signing.prove(by=judge, password=factories.PASSWORD, code=code)

    with pytest.raises(Refused) as refused:
        signing.prove(by=judge, password=factories.PASSWORD, code=code)
    assert code_of(refused) == "code_wrong"
    device.refresh_from_db()
    assert device.throttling_failure_count == 1
    TOTPDevice.objects.update(throttling_failure_count=9)  # after nine wrong ones: minutes
    with pytest.raises(Refused):  # the right one of the next step, but at once
        signing.prove(by=judge, password=factories.PASSWORD, code=shown(device, later=1))


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "١٢٣٤٥٦", "1234567"])
def test_what_is_no_code_is_refused(device: TOTPDevice, code: str) -> None:
    assert not signing.verified(device, code)


def test_enrolling_and_taking_away_in_the_page(judge: User, as_user: AsUser) -> None:
    browser = as_user(judge)
    page = browser.get("/accounts/second-factor/")
    assert b"data:image/svg+xml" in page.content
    assert page.headers["Cache-Control"].find("no-store") >= 0
    waiting = TOTPDevice.objects.get()
    assert not waiting.confirmed

    wrong = browser.post("/accounts/second-factor/", {"password": factories.PASSWORD, "code": "000000"})
    assert wrong.status_code == 400
    assert signing.second_factor(judge) is None
    TOTPDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    enrolled = browser.post(
        "/accounts/second-factor/", {"password": factories.PASSWORD, "code": shown(waiting)}, follow=True
    )
    assert b"Enrolled" in enrolled.content
    assert signing.second_factor(judge) == waiting
    assert waiting.key.encode() not in enrolled.content

    without = browser.post("/accounts/second-factor/", {"password": "wrong", "code": "1"})
    assert without.status_code == 400
    taken = browser.post(
        "/accounts/second-factor/",
        {"password": factories.PASSWORD, "code": shown(waiting, later=1)},
        follow=True,
    )
    assert b"Taken away" in taken.content
    assert signing.second_factor(judge) is None
    assert not TOTPDevice.objects.filter(key=waiting.key).exists()
    assert Entry.objects.filter(kind="account.second_factor").count() == 2


def judged(browser: Client, review: Review, **more: Any) -> Any:
    body = {"outcome": "approve", "digest": review.digest, "checked": ticked(review)} | more
    address = f"/api/v1/reviews/{review.pk}/judgement/"
    key = {"Idempotency-Key": '"once"'}
    return browser.post(address, body, content_type="application/json", headers=key)


def test_the_interface_signs_and_keeps_no_password(
    high: Review, judge: User, as_user: AsUser, caplog: Any
) -> None:
    answer = judged(as_user(judge), high, password=factories.PASSWORD)

    assert answer.status_code == 200, answer.content
    assert answer.json()["wanted"] == ["compliance"]
    assert answer.json()["judgements"][0]["method"] == "password"
    secret = factories.PASSWORD
    assert secret not in answer.content.decode()
    assert secret not in caplog.text
    kept = KeptAnswer.objects.get()
    assert secret.encode() not in bytes(kept.body or b"")
    assert not any(secret in bytes(entry.body).decode() for entry in Entry.objects.all())


def test_what_is_kept_of_a_body_tells_nobody_the_password(high: Review, judge: User, as_user: AsUser) -> None:
    """An unkeyed digest of the body would let whoever reads the table try passwords."""
    import hashlib
    import json

    body = json.dumps({"outcome": "approve"}).encode()
    as_user(judge).post(
        f"/api/v1/reviews/{high.pk}/judgement/",
        body,
        content_type="application/json",
        headers={"Idempotency-Key": '"once"'},
    )
    parts = ["", "Content-Type: application/json", "If-Match: ", "If-None-Match: ", "Accept: "]
    unkeyed = hashlib.sha256(b"".join(one.encode() + b"\x00" for one in parts) + body).hexdigest()

    assert KeptAnswer.objects.get().fingerprint != unkeyed


def test_a_wrong_password_is_refused_counted_and_kept_in_the_trail(
    high: Review, judge: User, as_user: AsUser
) -> None:
    answer = judged(as_user(judge), high, password="wrong")

    assert answer.status_code == 403
    assert answer.json()["reasons"][0]["code"] == "password_wrong"
    assert "wrong" not in Entry.objects.get(kind="action.refused").facts["facts"]["subject"]
    assert not Judgement.objects.exists()


def test_the_page_asks_for_the_password_and_says_what_is_signed(
    high: Review, judge: User, as_user: AsUser
) -> None:
    browser = as_user(judge)
    page = browser.get(high.get_absolute_url())
    assert f"have read revision 1 of {high.document}".encode() in page.content
    given = {
        "digest": high.digest,
        "checked": ticked(high),
        "comment": "Read.",
        "condition-TOTAL_FORMS": "0",
        "condition-INITIAL_FORMS": "0",
        "approve": "1",
    }

    wrong = browser.post(f"{high.get_absolute_url()}judge/", given | {"password": "wrong"})
    assert wrong.status_code == 403
    assert b"The password is not right." in wrong.content
    assert (
        b"wrong"
        not in wrong.content.replace(b"The password is not right.", b"").partition(b"</form>")[0][-200:]
    )
    right = browser.post(f"{high.get_absolute_url()}judge/", given | {"password": factories.PASSWORD})
    assert right.status_code == 302
    assert Judgement.objects.get().method == "password"


def test_a_lost_device_is_taken_away_on_record_and_its_secret_is_never_shown(
    judge: User, device: TOTPDevice, admin: User, as_user: AsUser
) -> None:
    admin.is_staff = True
    admin.save()
    browser, place = as_user(admin), f"/admin/otp_totp/totpdevice/{device.pk}"
    for address in ("/admin/otp_totp/totpdevice/", f"{place}/change/"):
        page = browser.get(address)
        assert page.status_code == 200
        assert device.key.encode() not in page.content
    for part in ("config", "qrcode"):
        assert device.key.encode() not in browser.get(f"{place}/{part}/", follow=True).content

    browser.post(f"{place}/delete/", {"post": "yes"})

    assert signing.second_factor(judge) is None
    assert Entry.objects.get(kind="account.second_factor").actor == "admin"
    staff = factories.member("owner")
    staff.is_staff = True
    staff.save()
    assert as_user(staff).get("/admin/otp_totp/totpdevice/").status_code == 403

"""Memory by REST: reports are ordered and fetched, the trail is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.test import Client
from django.utils import timezone

from audit.actions import reports
from audit.models import Entry, Report, reference
from registry.models import User, Version
from tests import factories

pytestmark = pytest.mark.django_db

API = "/api/v1"
AsUser = Callable[[User], Client]
PDF = b"%PDF-1.7 a small document"


@pytest.fixture
def version(db: None) -> Version:
    return factories.version()


@pytest.fixture
def ready(version: Version, settings: Any, tmp_path: Any) -> Report:
    """A report whose file is there."""
    folder = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = settings.STORAGES | {"default": folder}
    report = reports.order(version=version, by=factories.member("owner"))
    reports.freeze(report=report)
    Report.objects.filter(pk=report.pk).update(state=Report.State.RENDERING)
    report.refresh_from_db()
    return reports.finish(report=report, pdf=PDF, pages=1, by=User.machine())


class TestReports:
    def test_an_order_is_taken_and_sent_to_a_worker(
        self,
        version: Version,
        auditor: User,
        as_user: AsUser,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        sent: list[Any] = []
        monkeypatch.setattr(current_app, "send_task", lambda name, given: sent.append((name, given)))

        with django_capture_on_commit_callbacks(execute=True):
            answer = as_user(auditor).post(f"{API}/models/{version.model.slug}/versions/1/reports/")

        assert answer.status_code == 202
        assert answer.json()["state"] == "ordered"
        assert sent == [("audit.render_report", [answer.json()["id"]])]
        assert as_user(auditor).get(answer.headers["Location"]).json()["id"] == answer.json()["id"]

    def test_who_may_not_order_is_refused(self, version: Version, reviewer: User, as_user: AsUser) -> None:
        answer = as_user(reviewer).post(f"{API}/models/{version.model.slug}/versions/1/reports/")

        assert answer.status_code == 403
        assert not Report.objects.exists()

    def test_the_file_is_what_was_rendered_and_the_trail_tells_who_took_it(
        self, ready: Report, auditor: User, as_user: AsUser
    ) -> None:
        told = as_user(auditor).get(f"{API}/reports/{ready.pk}/").json()
        answer = as_user(auditor).get(
            f"{API}/reports/{ready.pk}/file/", headers={"Accept": "application/pdf"}
        )

        assert answer.headers["Content-Type"] == "application/pdf"
        assert hashlib.sha256(answer.content).hexdigest() == told["sha256"]
        assert Entry.objects.filter(kind="report.downloaded", actor="auditor").count() == 1

    def test_a_report_that_is_not_ready_has_no_file(
        self, version: Version, owner: User, as_user: AsUser
    ) -> None:
        report = reports.order(version=version, by=owner)

        answer = as_user(owner).get(f"{API}/reports/{report.pk}/file/", headers={"Accept": "application/pdf"})

        assert answer.status_code == 409
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_a_hidden_report_does_not_exist(self, ready: Report, outsider: User, as_user: AsUser) -> None:
        for place in ("", "file/"):
            assert as_user(outsider).get(f"{API}/reports/{ready.pk}/{place}").status_code == 404


class TestTrail:
    def test_the_auditor_reads_all_and_others_read_their_own_deeds(
        self, version: Version, auditor: User, owner: User, outsider: User, as_user: AsUser
    ) -> None:
        factories.save(version)

        actors = {
            user.username: {
                row["actor"] for row in as_user(user).get(f"{API}/trail/?size=200").json()["results"]
            }
            for user in (auditor, owner, outsider)
        }

        assert actors["auditor"] >= {"cardinal", "admin", "owner"}
        assert actors["owner"] == {"owner"}
        assert actors["outsider"] == set()

    def test_an_entry_is_told_in_a_sentence_with_the_digest_of_its_bytes(
        self, version: Version, owner: User, as_user: AsUser
    ) -> None:
        factories.save(version)

        told = as_user(owner).get(f"{API}/trail/?kind=revision.saved").json()["results"][0]

        assert told["sentence"].startswith("owner saved ")
        assert told["digest"] == Entry.objects.get(pk=told["id"]).digest

    def test_the_trail_is_searched(self, version: Version, auditor: User, as_user: AsUser) -> None:
        factories.save(version)
        factories.version()
        later = (timezone.now() + timedelta(hours=1)).isoformat()

        def found(**chosen: str) -> list[Any]:
            rows: list[Any] = as_user(auditor).get(f"{API}/trail/", chosen).json()["results"]
            return rows

        assert {row["actor"] for row in found(actor="owner")} == {"owner"}
        assert all(reference(version) in row["subjects"] for row in found(about=reference(version)))
        assert found(about=reference(version))
        assert found(until=later)
        assert not found(since=later)
        assert as_user(auditor).get(f"{API}/trail/?kind=nothing.happened").status_code == 400
        assert as_user(auditor).get(f"{API}/trail/?about=x").status_code == 400
        assert as_user(auditor).get(f"{API}/trail/", {"actor": "\x00"}).status_code == 400

    @pytest.mark.parametrize("count", [2, 20])
    def test_a_longer_trail_asks_no_more_queries(
        self, count: int, auditor: User, as_user: AsUser, django_assert_num_queries: Any
    ) -> None:
        for _ in range(count):
            factories.model()
        browser = as_user(auditor)
        browser.get(f"{API}/trail/")

        with django_assert_num_queries(4):  # who asks, what the role allows (two), the entries
            assert len(browser.get(f"{API}/trail/?kind=model.registered").json()["results"]) == count

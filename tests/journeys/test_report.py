"""A report is ordered, watched, downloaded and read; another one is cancelled."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable
from typing import Any

import pypdf
import redis
from django.conf import settings
from playwright.sync_api import expect

from audit.models import Report
from tests import factories


def test_compliance_orders_a_report_watches_it_and_downloads_it(
    worker: Any, person: Any, told: Callable[[], str]
) -> None:
    version = factories.approved_version()
    page = person(factories.member("compliance"))
    page.goto(version.get_absolute_url())
    worker.pause()
    try:
        page.get_by_role("button", name="Order report").click()
        waiting = page.get_by_role("progressbar", name="Waiting for a worker")
        expect(waiting).to_be_visible()
    finally:
        worker.resume()

    download = page.get_by_role("link", name="Download the PDF")
    expect(download).to_be_visible(timeout=60_000)  # the page came here by itself
    expect(page.get_by_text("The report is ready.")).to_be_visible()
    expect(waiting).to_have_count(0)
    with page.expect_download() as taken:
        download.click()
    content = taken.value.path().read_bytes()

    digests = page.locator("[data-digest]").evaluate_all("all => all.map(one => one.dataset.digest)")
    assert hashlib.sha256(content).hexdigest() in digests
    document = pypdf.PdfReader(io.BytesIO(content))
    text = " ".join(sheet.extract_text() for sheet in document.pages)
    expect(page.get_by_text("Pages").locator("..")).to_contain_text(str(len(document.pages)))
    assert version.model.name in text
    assert "Something true" in text  # what the owner wrote in the card
    story = told()
    for words in ("compliance ordered a ", "cardinal rendered the ", "compliance downloaded the "):
        assert f"{words}report on {version}".lower() in story.lower()


def test_a_report_that_is_cancelled_is_never_made(worker: Any, person: Any, told: Callable[[], str]) -> None:
    version = factories.approved_version()
    page = person(factories.member("auditor"))
    page.goto(version.get_absolute_url())
    worker.pause()
    try:
        page.get_by_role("button", name="Order report").click()
        page.get_by_role("button", name="Cancel the report").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel the report").click()
        expect(page.get_by_text("This report was cancelled")).to_be_visible()
    finally:
        worker.resume()

    wait_until_no_order_is_left()
    report = Report.objects.get()
    assert (report.state, report.file.name) == (Report.State.CANCELLED, "")
    page.reload()
    expect(page.get_by_text("No file was made.")).to_be_visible()
    assert "auditor cancelled the " in told()


def wait_until_no_order_is_left() -> None:
    """The worker has taken every order and is done with it, or half a minute is over."""
    broker = redis.Redis.from_url(settings.REDIS_URL)
    deadline = time.monotonic() + 30
    while broker.llen("celery") or broker.hlen("unacked"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    broker.close()

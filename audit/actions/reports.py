"""Reports: order one, freeze its evidence, render it step by step, hand it out."""

from __future__ import annotations

from celery import current_app
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils import timezone

from audit import evidence
from audit.events import ReportCancelled, ReportDownloaded, ReportFailed, ReportOrdered, ReportRendered
from audit.models import Report, Snapshot
from registry import canonical
from registry.errors import Conflict
from registry.events import publish
from registry.models import User, Version
from registry.permissions import require

State = Report.State


@transaction.atomic
def order(*, version: Version, by: User) -> Report:
    """Ask a worker for a report on `version`."""
    require(by, "audit.order_report", on=version)
    report = Report.objects.create(version=version, ordered_by=by)
    publish(ReportOrdered(report=report, by=by))
    # With the broker away the order stays, and the page says that no worker has taken it.
    transaction.on_commit(lambda: current_app.send_task("audit.render_report", [str(report.pk)]), robust=True)
    return report


@transaction.atomic
def cancel(*, report: Report, by: User) -> Report:
    """Stop a report that is not ready yet."""
    require(by, "audit.order_report", on=report.version)
    _move(report, State.CANCELLED, (State.ORDERED, State.RENDERING))
    publish(ReportCancelled(report=report, by=by))
    return report


def freeze(*, report: Report) -> Snapshot:
    """Take the evidence in one repeatable read and keep it. A report that is rendered again keeps its evidence."""
    if report.snapshot:
        return report.snapshot
    with transaction.atomic():
        if (
            not transaction.get_connection().savepoint_ids
        ):  # only the outermost transaction can choose its isolation
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        version = Version.objects.select_related("model__server", "run", "card__head__by").get(
            pk=report.version_id
        )
        at = timezone.now().replace(microsecond=0)
        body = canonical.canonical(evidence.of(version, by=report.ordered_by, at=at))
        snapshot = Snapshot.objects.create(body=body, digest=canonical.digest(body), taken_at=at)
        Report.objects.filter(pk=report.pk).update(snapshot=snapshot)
    report.snapshot = snapshot
    return snapshot


@transaction.atomic
def finish(*, report: Report, pdf: bytes, pages: int, by: User) -> Report:
    """Keep the rendered file and tell its digest. A report cancelled in the meantime stays cancelled."""
    digest = canonical.digest(pdf)
    version = report.version
    report.file.save(
        f"{version.model.slug}-v{version.number}-{digest[:12]}.pdf", ContentFile(pdf), save=False
    )
    report.sha256, report.pages, report.size_bytes = digest, pages, len(pdf)
    _move(
        report,
        State.READY,
        (State.RENDERING,),
        file=report.file.name,
        sha256=digest,
        pages=pages,
        size_bytes=len(pdf),
        percent=100,
        step="Ready",
    )
    snapshot = report.snapshot.digest if report.snapshot else ""
    publish(ReportRendered(report=report, sha256=digest, snapshot=snapshot, pages=pages, by=by))
    return report


@transaction.atomic
def fail(*, report: Report, problem: str, by: User) -> Report:
    """Say why a report could not be rendered."""
    _move(report, State.FAILED, (State.ORDERED, State.RENDERING), problem=problem)
    publish(ReportFailed(report=report, problem=problem, by=by))
    return report


@transaction.atomic
def download(*, report: Report, by: User) -> bytes:
    """The file, for somebody who may see the version now; every download stands in the trail."""
    require(by, "audit.order_report", on=report.version)
    if report.state != State.READY:
        raise Conflict("This report is not ready.")
    with report.file.open("rb") as stream:
        content: bytes = stream.read()
    if canonical.digest(content) != report.sha256:
        raise Conflict(
            "The stored file differs from what was rendered. Order the report again and tell an administrator."
        )
    publish(ReportDownloaded(report=report, sha256=report.sha256, by=by))
    return content


def _move(report: Report, state: str, allowed: tuple[str, ...], **columns: object) -> None:
    """Compare and set, so that a cancelled report never becomes ready."""
    if state in (State.READY, State.FAILED, State.CANCELLED):
        columns["ended_at"] = timezone.now()
    if not Report.objects.filter(pk=report.pk, state__in=allowed).update(state=state, **columns):
        report.refresh_from_db()
        raise Conflict(f"This report is {report.get_state_display().lower()}.")
    report.refresh_from_db()

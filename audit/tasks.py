"""What workers do for memory."""

from __future__ import annotations

import logging
from contextlib import suppress

from celery import shared_task

from audit.actions import decisions, reports
from audit.evidence import pictures
from audit.models import Report
from registry.errors import Conflict
from registry.models import User

log = logging.getLogger(__name__)


class Cancelled(Exception):
    """Somebody cancelled the report while it was rendered."""


@shared_task(name="audit.render_report")
def render_report(report_id: str) -> str:
    """Freeze, render and keep one report. Done again after a crash, it finds its snapshot and gives the same bytes."""
    from audit.reports import render  # noqa: PLC0415 - WeasyPrint loads in the worker only

    report = Report.objects.select_related("version__model", "snapshot", "ordered_by").get(pk=report_id)
    machine = User.machine()
    if not Report.objects.filter(pk=report_id, state__in=("ordered", "rendering")).update(state="rendering"):
        return report.state

    def progress(percent: int, step: str) -> None:
        row = Report.objects.filter(pk=report_id, state="rendering")
        if not row.update(percent=min(percent, 99), step=step):
            raise Cancelled

    try:
        progress(2, "Freezing the evidence")
        snapshot = reports.freeze(report=report)
        plates = pictures.of(snapshot.content)
        done = render.document(snapshot.content, plates=plates, progress=progress)
        reports.finish(report=report, pdf=done.body, pages=done.pages, by=machine)
    except (Cancelled, Conflict):
        return "cancelled"
    except render.RenderError as error:
        reports.fail(report=report, problem=str(error), by=machine)
        return "failed"
    except Exception:
        with suppress(Conflict):  # cancelled meanwhile: the error itself must still be the one that is raised
            reports.fail(
                report=report,
                problem="Something broke that should not. An administrator finds it in the log.",
                by=machine,
            )
        raise
    return "ready"


@shared_task(name="audit.seal_decisions")
def seal_decisions() -> int:
    """Take new batches of gate decisions into the trail."""
    return decisions.seal(by=User.machine())
